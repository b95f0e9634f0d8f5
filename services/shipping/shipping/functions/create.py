"""Saga step: the parcel of the order is announced.

Answers `{"shipment_id"}`. Raises AddressNotServed, ShipmentCancelled and CustomerErased, which no retry changes,
and ShipmentContended, which one does.
"""

from typing import Any

from shared.clock import utc_now
from shared.observability import count
from shared.saga import SagaOrder, step_handler
from shipping.dependencies import served_countries, shipment_store
from shipping.domain.shipment import Shipment


def create(order: SagaOrder) -> dict[str, Any]:
    """Creates the order's shipment, or finds the one that an earlier try created."""
    shipment = shipment_store().change(
        order.order_id, lambda existing: Shipment.create(existing, order, served_countries(), utc_now())
    )
    count("ShipmentsCreated")
    return {"shipment_id": shipment.shipment_id}


handler = step_handler(create)

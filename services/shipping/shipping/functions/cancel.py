"""Compensation: the order's parcel does not go out, whether or not it was ever announced.

Answers `{"cancelled": true}`. Raises ShipmentDispatched, which no retry changes: the parcel is on its way, so the order
stands; and ShipmentContended when creations keep coming in between, where the next try wins.
"""

from typing import Any

from shared.clock import utc_now
from shared.observability import count
from shared.saga import SagaOrder, step_handler
from shipping.dependencies import shipment_store
from shipping.domain.shipment import Shipment, ShipmentStatus


def cancel(order: SagaOrder) -> dict[str, Any]:
    """Cancels the order's shipment, and with it every creation still on its way."""
    shipment = shipment_store().change(
        order.order_id, lambda existing: Shipment.cancel(existing, order, utc_now())
    )
    count("ShipmentsCancelled")
    return {"cancelled": shipment.status is ShipmentStatus.CANCELLED}


handler = step_handler(cancel)

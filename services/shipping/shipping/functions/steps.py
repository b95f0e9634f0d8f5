"""The steps of shipping in the order saga: `create` books the order's parcel, `cancel` cancels it.

The state machine names the step, and retries and catches by the name of the exception's class.
"""

from typing import Any

from shared.clock import utc_now
from shared.events import Event
from shared.observability import count
from shared.saga import SagaOrder, order_step, steps_handler
from shipping.dependencies import order_record, served_countries, shipment_store
from shipping.domain.shipment import Shipment, ShipmentStatus


def create(order: SagaOrder) -> dict[str, Any]:
    """Creates the order's shipment, or finds the one of an earlier try: `{"shipment_id"}`.

    Raises AddressNotServed, AlreadyCancelled and CustomerErased, which no retry changes, and WriteConflict.
    """

    def creation(existing: Shipment | None) -> tuple[Shipment, list[Event]]:
        address = None if existing else order_record().shipping_address(order.order_id)
        return Shipment.create(existing, order, address, served_countries(), utc_now())

    shipment = shipment_store().change(order.order_id, creation)
    count("ShipmentsCreated")
    return {"shipment_id": shipment.shipment_id}


def cancel(order: SagaOrder) -> dict[str, Any]:
    """Compensates `create`: cancels the order's shipment, and any creation still on its way: `{"cancelled": true}`.

    Raises AlreadyDispatched, which no retry changes: the parcel is on its way, so the order stands. Raises
    WriteConflict.
    """
    shipment = shipment_store().change(
        order.order_id, lambda existing: Shipment.cancel(existing, order, utc_now())
    )
    count("ShipmentsCancelled")
    return {"cancelled": shipment.status is ShipmentStatus.CANCELLED}


handler = steps_handler({"create": order_step(create), "cancel": order_step(cancel)})

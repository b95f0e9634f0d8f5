"""Hands the parcel of an order that stands to the carrier, on `order.confirmed`.

The queue holds each message back for as long as packing takes; until then the order can be cancelled.
"""

from pydantic import BaseModel

from shared.clock import utc_now
from shared.consumer import consumer_handler
from shared.events import Event
from shared.observability import count, logger
from shipping.domain import ShipmentCancelled
from shipping.resources import shipment_store


class OrderConfirmed(BaseModel):
    """What this consumer reads of `order.confirmed`."""

    order_id: str


def dispatch(event: Event) -> None:
    """Dispatches the order's shipment; a repeat changes nothing, and one that was cancelled before stays so.

    Raises ShipmentContended (the queue delivers it again), and for what no retry mends ShipmentNotCreated.
    """
    order_id = OrderConfirmed.model_validate(event.data).order_id
    try:
        shipment_store().dispatch(order_id, utc_now())
    except ShipmentCancelled:
        logger.info("the shipment was cancelled before its dispatch", order_id=order_id)
        count("DispatchesTooLate")
    else:
        count("ShipmentsDispatched")


handler = consumer_handler({"order.confirmed": dispatch})

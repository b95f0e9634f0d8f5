"""Hands the parcel of an order that stands to the carrier, on `order.confirmed`; and where that was missed, or was not
heard of, on `order.fulfilment_requested`.

The queue holds each message back for as long as packing takes; until then the order can be cancelled.
"""

from collections.abc import Callable
from datetime import datetime

from pydantic import BaseModel

from shared.clock import utc_now
from shared.consumer import consumer_handler
from shared.events import Event
from shared.observability import count, logger
from shipping.dependencies import shipment_store
from shipping.domain.shipment import Shipment, ShipmentCancelled


class OrderToSend(BaseModel):
    """What this consumer reads of its events."""

    order_id: str


def dispatch(event: Event) -> None:
    """Dispatches the order's shipment; a repeat changes nothing, and one that was cancelled before stays so.

    Raises ShipmentContended (the queue delivers it again), and for what no retry mends ShipmentNotCreated.
    """
    _dispatch(event, shipment_store().dispatch)


def dispatch_or_tell_again(event: Event) -> None:
    """The same; a dispatch that was made before is told once more, as the order has not heard of it."""
    _dispatch(event, shipment_store().tell_dispatch_again)


def _dispatch(event: Event, make: Callable[[str, datetime], Shipment]) -> None:
    order_id = OrderToSend.model_validate(event.data).order_id
    try:
        make(order_id, utc_now())
    except ShipmentCancelled:
        logger.info("the shipment was cancelled before its dispatch", order_id=order_id)
        count("DispatchesTooLate")
    else:
        count("ShipmentsDispatched")


handler = consumer_handler(
    {"order.confirmed": dispatch, "order.fulfilment_requested": dispatch_or_tell_again}
)

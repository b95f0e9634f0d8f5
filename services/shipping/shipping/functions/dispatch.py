"""Hands the parcels of confirmed orders to the carrier, on `order.confirmed`.

`order.fulfilment_requested` asks for a dispatch that was missed, or for its event once more. The queue delays each
message for as long as packing takes; until then the order can be cancelled.

On `return.accepted` it books the label with which the customer sends pieces back. That waits in the same queue.
"""

from collections.abc import Callable
from datetime import datetime

from shared.clock import utc_now
from shared.consumer import consumer_handler
from shared.events import Event
from shared.observability import count, logger
from shared.record import Record
from shipping.dependencies import shipment_store
from shipping.domain.shipment import AlreadyCancelled, Shipment


class OrderToSend(Record):
    """The data that this consumer reads."""

    order_id: str


class AcceptedReturn(Record):
    """The part of `return.accepted` that this consumer reads."""

    return_id: str
    order_id: str


def dispatch(event: Event) -> None:
    """Dispatches the order's shipment; a repeat changes nothing, and a cancelled shipment stays cancelled.

    Raises WriteConflict, after which the queue delivers the event again, and ShipmentNotCreated, which no retry mends.
    """
    _dispatch(event, shipment_store().dispatch)


def dispatch_or_republish(event: Event) -> None:
    """Like `dispatch`; publishes an earlier dispatch once more, since the order may have missed its event."""
    _dispatch(event, shipment_store().dispatch_or_republish)


def book_return(event: Event) -> None:
    """Books the label of an accepted return; a repeat changes nothing. Raises WriteConflict."""
    accepted = AcceptedReturn.model_validate(event.data)
    if shipment_store().book_return(accepted.return_id, accepted.order_id, event.correlation_id, utc_now()):
        count("ReturnLabelsBooked")


def _dispatch(event: Event, make: Callable[[str, datetime], Shipment]) -> None:
    order_id = OrderToSend.model_validate(event.data).order_id
    try:
        make(order_id, utc_now())
    except AlreadyCancelled:
        logger.info("the shipment was cancelled before its dispatch", order_id=order_id)
        count("DispatchesTooLate")
    else:
        count("ShipmentsDispatched")


handler = consumer_handler(
    {
        "order.confirmed": dispatch,
        "order.fulfilment_requested": dispatch_or_republish,
        "return.accepted": book_return,
    }
)

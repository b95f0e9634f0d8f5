"""What became of a confirmed order's money and parcel: both in make it fulfilled, money that cannot be taken ends it.

The events may come in any order, late and more than once; the order says what each of them still changes.
"""

from collections.abc import Callable
from typing import Annotated

from pydantic import BaseModel, Field

from orders.adapters.order_store import despite_lost_races
from orders.dependencies import order_store
from orders.domain.order import Order, OrderStatus
from shared.clock import utc_now
from shared.consumer import consumer_handler
from shared.events import Event
from shared.observability import count, logger

_COUNTED = {
    OrderStatus.FULFILLED: "OrdersFulfilled",
    OrderStatus.CANCELLING: "CancellationsRequested",
    OrderStatus.PARKED: "OrdersParked",
}


class PaymentChanged(BaseModel):
    """What this consumer reads of `payment.captured` and `payment.capture_failed`."""

    order_id: str


class ParcelDispatched(BaseModel):
    """What this consumer reads of `shipment.dispatched`."""

    order_id: str
    tracking_reference: Annotated[str, Field(min_length=1)]


def captured(event: Event) -> None:
    """Notes that the order's money was taken; a repeat changes nothing.

    Like the others it raises OrderMissing and OrderContended (the queue delivers the event again), and
    IllegalTransition, which no retry mends.
    """
    order_id = PaymentChanged.model_validate(event.data).order_id
    _note(order_id, lambda order: order.note_capture(event.aggregate_version, utc_now()))


def capture_failed(event: Event) -> None:
    """Notes that the order's money cannot be taken; a repeat changes nothing."""
    order_id = PaymentChanged.model_validate(event.data).order_id
    _note(order_id, lambda order: order.note_failed_capture(event.aggregate_version, utc_now()))


def dispatched(event: Event) -> None:
    """Notes that the order's parcel is on its way; a repeat changes nothing."""
    parcel = ParcelDispatched.model_validate(event.data)
    _note(parcel.order_id, lambda order: order.note_dispatch(parcel.tracking_reference, utc_now()))


def _note(order_id: str, change: Callable[[Order], tuple[Order, list[Event]]]) -> None:
    entered: list[OrderStatus] = []

    def noted(order: Order) -> tuple[Order, list[Event]]:
        changed, events = change(order)
        entered[:] = [changed.status] if changed.status is not order.status else []
        return changed, events

    order = despite_lost_races(order_store().change, order_id, noted)
    logger.info("fulfilment noted", order_id=order_id, status=order.status.value)
    for status in entered:
        count(_COUNTED[status])


handler = consumer_handler(
    {
        "payment.captured": captured,
        "payment.capture_failed": capture_failed,
        "shipment.dispatched": dispatched,
    }
)

"""Records the capture and the dispatch of a confirmed order: both make it fulfilled, a failed capture ends it.
Records the issues of an order's payment as well.

The events may come in any order, late and more than once. The order decides whether one still changes anything.
"""

from collections.abc import Callable
from dataclasses import field
from typing import Annotated

from orders.dependencies import order_store
from orders.domain.order import Order
from orders.domain.status import OrderStatus
from shared.clock import utc_now
from shared.consumer import consumer_handler
from shared.events import Event
from shared.observability import count, logger
from shared.record import About, Record

_COUNTED = {
    OrderStatus.FULFILLED: "OrdersFulfilled",
    OrderStatus.CANCELLING: "CancellationsRequested",
    OrderStatus.PARKED: "OrdersParked",
}


class PaymentChanged(Record):
    """The part of `payment.captured` and `payment.capture_failed` that this consumer reads."""

    order_id: str


class PaymentIssues(PaymentChanged):
    """The part of `payment.issues_changed` that this consumer reads."""

    issues: list[str]
    causes: list[str] = field(default_factory=list)


class ParcelDispatched(Record):
    """The part of `shipment.dispatched` that this consumer reads."""

    order_id: str
    tracking_reference: Annotated[str, About(min_length=1)]


def captured(event: Event) -> None:
    """Records that the order's money was taken; a repeat changes nothing.

    Like the others it raises OrderMissing and WriteConflict; then the queue delivers the event again. It also raises
    IllegalTransition, which no retry mends.
    """
    order_id = PaymentChanged.model_validate(event.data).order_id
    _record(order_id, lambda order: order.record_capture(event.aggregate_version, utc_now()))


def capture_failed(event: Event) -> None:
    """Records that the order's money cannot be taken; a repeat changes nothing."""
    order_id = PaymentChanged.model_validate(event.data).order_id
    _record(order_id, lambda order: order.record_failed_capture(event.aggregate_version, utc_now()))


def dispatched(event: Event) -> None:
    """Records that the order's parcel is on its way; a repeat changes nothing."""
    parcel = ParcelDispatched.model_validate(event.data)
    _record(parcel.order_id, lambda order: order.record_dispatch(parcel.tracking_reference, utc_now()))


def issues_changed(event: Event) -> None:
    """Records which issues of the order's payment are open; a repeat changes nothing."""
    payment = PaymentIssues.model_validate(event.data)
    _record(
        payment.order_id,
        lambda order: order.record_payment_issues(
            event.aggregate_version, payment.causes or payment.issues, utc_now()
        ),
    )
    if payment.issues:
        count("PaymentIssuesReported")


def _record(order_id: str, change: Callable[[Order], tuple[Order, list[Event]]]) -> None:
    entered: list[OrderStatus] = []

    def recorded(order: Order) -> tuple[Order, list[Event]]:
        changed, events = change(order)
        entered[:] = [changed.status] if changed.status is not order.status else []
        return changed, events

    order = order_store().change(order_id, recorded)
    logger.debug("fulfilment recorded", order_id=order_id, status=order.status.value)
    for status in entered:
        count(_COUNTED[status])


handler = consumer_handler(
    {
        "payment.captured": captured,
        "payment.capture_failed": capture_failed,
        "payment.issues_changed": issues_changed,
        "shipment.dispatched": dispatched,
    }
)

"""Records the capture and the dispatch of a confirmed order: both make it fulfilled, a failed capture ends it.
Records the issues of an order's payment as well, and the returns of a fulfilled order.

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
from shared.money import Money
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


class Pieces(Record):
    """Pieces of a product."""

    quantity: Annotated[int, About(ge=1)]


class ReturnInspected(Record):
    """The part of `return.inspected` that this consumer reads: the pieces that were accepted."""

    order_id: str
    return_id: str
    restocked: list[Pieces]
    written_off: list[Pieces]


class ReturnRefunded(Record):
    """The part of `payment.return_refunded` that this consumer reads."""

    order_id: str
    return_id: str
    amount: Money


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


def inspected(event: Event) -> None:
    """Records the accepted pieces of a return; a repeat changes nothing."""
    seen = ReturnInspected.model_validate(event.data)
    pieces = sum(line.quantity for line in (*seen.restocked, *seen.written_off))
    _record(seen.order_id, lambda order: order.record_return(seen.return_id, utc_now(), pieces=pieces))


def return_refunded(event: Event) -> None:
    """Records the money that went back for a return; a repeat changes nothing."""
    refund = ReturnRefunded.model_validate(event.data)
    _record(
        refund.order_id,
        lambda order: order.record_return(refund.return_id, utc_now(), refunded=refund.amount.amount),
    )


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
        "payment.return_refunded": return_refunded,
        "return.inspected": inspected,
        "shipment.dispatched": dispatched,
    }
)

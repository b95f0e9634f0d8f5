"""Orders for the tests of their rules: how one is placed, and each command as a function of the order."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from orders.domain.order import Order
from orders.domain.order_request import OrderRequest
from orders.domain.pricing import Price
from orders.domain.status import Canceller, RejectionReason
from shared.events import Event
from shared.money import Money

NOW = datetime(2026, 11, 21, 10, 15, tzinfo=UTC)
LATER = NOW + timedelta(seconds=3)
MUCH_LATER = LATER + timedelta(days=1)
ADDRESS = {
    "name": "Ada Example",
    "line1": "1 Main St",
    "city": "Berlin",
    "postal_code": "10115",
    "country": "DE",
}

Change = Callable[[Order], tuple[Order, list[Event]]]


def request_of(*lines: tuple[str, int], **changes: Any) -> OrderRequest:
    body = {
        "lines": [{"sku": sku, "quantity": quantity} for sku, quantity in lines],
        "shipping_address": ADDRESS,
        "payment_token": "pm_card_visa",
    }
    return OrderRequest.model_validate({**body, **changes})


def price_of(sku: str, amount: int, *, currency: str = "EUR", active: bool = True) -> dict[str, Price]:
    return {sku: Price(sku=sku, price=Money(amount=amount, currency=currency), active=active, version=1)}


def place(request: OrderRequest, prices: dict[str, Price]) -> tuple[Order, list[Event]]:
    return Order.place(
        request,
        prices,
        customer_id="customer-1",
        idempotency_key="key-1",
        correlation_id="correlation-1",
        now=NOW,
    )


def placed() -> Order:
    return place(request_of(("TEA", 2)), price_of("TEA", 790))[0]


def event_types(events: list[Event]) -> list[str]:
    return [event.event_type for event in events]


def confirm(order: Order) -> tuple[Order, list[Event]]:
    return order.confirm(LATER)


def abandon(order: Order) -> tuple[Order, list[Event]]:
    return order.abandon(RejectionReason.PAYMENT_DECLINED, LATER)


def request_cancellation(order: Order) -> tuple[Order, list[Event]]:
    return order.request_cancellation(Canceller.CUSTOMER, LATER)


def cancel(order: Order) -> tuple[Order, list[Event]]:
    return order.cancel(LATER)


def park(order: Order) -> tuple[Order, list[Event]]:
    return order.park('{"error": {}}', LATER)


def resume(order: Order) -> tuple[Order, list[Event]]:
    return order.resume(LATER)


def take_over(order: Order) -> tuple[Order, list[Event]]:
    return order.take_over(LATER)


def erase(order: Order) -> tuple[Order, list[Event]]:
    return order.erase(LATER)


def capture(order: Order) -> tuple[Order, list[Event]]:
    return order.record_capture(4, LATER)


def fail_to_capture(order: Order) -> tuple[Order, list[Event]]:
    return order.record_failed_capture(4, LATER)


def dispatch(order: Order) -> tuple[Order, list[Event]]:
    return order.record_dispatch("PARCEL1", LATER)


def refuse_cancellation(order: Order) -> tuple[Order, list[Event]]:
    return order.refuse_cancellation(LATER)


def remind(order: Order) -> tuple[Order, list[Event]]:
    return order.remind(MUCH_LATER)


def capture_after_failure(order: Order) -> tuple[Order, list[Event]]:
    return order.record_capture(6, LATER)


def after(*changes: Change) -> Order:
    order = placed()
    for change in changes:
        order, _ = change(order)
    return order


def report_issues(order: Order) -> tuple[Order, list[Event]]:
    return order.record_payment_issues(7, ["refund_failed"], LATER)


def record_return(order: Order) -> tuple[Order, list[Event]]:
    return order.record_return("ret_1", LATER, pieces=2)


COMMANDS: tuple[Change, ...] = (
    confirm,
    abandon,
    request_cancellation,
    cancel,
    park,
    resume,
    take_over,
    erase,
    capture,
    fail_to_capture,
    dispatch,
    refuse_cancellation,
    remind,
    capture_after_failure,
    report_issues,
    record_return,
)
"""Every command that an order takes."""
# Every state an order can be in, and how it gets there: the status, and whether the order was confirmed on its way.
REACHING: dict[str, list[Change]] = {
    "placed": [],
    "confirmed": [confirm],
    "abandoned": [abandon],
    "cancelling": [request_cancellation],
    "cancelling, confirmed before": [confirm, request_cancellation],
    "cancelled": [request_cancellation, cancel],
    "cancelled, confirmed before": [confirm, request_cancellation, cancel],
    "rejected": [abandon, cancel],
    "parked": [abandon, park],
    "parked, confirmed before": [confirm, request_cancellation, park],
    "abandoned, resumed": [abandon, park, resume],
    "cancelling, resumed": [confirm, request_cancellation, park, resume],
    "rejected, resumed": [abandon, park, resume, cancel],
    "parked, resumed before": [abandon, park, resume, park],
    "confirmed, dispatched": [confirm, dispatch],
    "fulfilled": [confirm, capture, dispatch],
    "parked, uncollected": [confirm, dispatch, fail_to_capture],
    "abandoned, confirmed before": [
        confirm,
        request_cancellation,
        refuse_cancellation,
        fail_to_capture,
        capture_after_failure,
        resume,
    ],
}


def order_in(state: str) -> Order:
    """An order in that state of REACHING."""
    order = placed()
    for change in REACHING[state]:
        order, _ = change(order)
    assert order.status == state.partition(",")[0]
    return order

"""An order's returns in every status, and the commands that lead there."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from returns.domain.order_returns import Findings, OrderReturns
from returns.domain.pieces import BoughtLine, PieceLine
from returns.domain.policy import ReturnPolicy
from returns.domain.status import RefusalReason, ReturnReason
from shared.events import Event
from shared.money import Money

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
TOO_LATE = NOW + timedelta(days=31)
POLICY = ReturnPolicy(return_days=30, returns_accepted_up_to=0)
RETURN = "ret_1"

type Change = Callable[[OrderReturns], tuple[OrderReturns, list[Event]]]


def eur(amount: int) -> Money:
    return Money(amount=amount, currency="EUR")


def bought() -> OrderReturns:
    """Two teas at 7.90 EUR and a mug at 12.50 EUR, with 4.90 EUR of shipping."""
    return OrderReturns(
        order_id="ord_1",
        customer_id="ada",
        bought=[
            BoughtLine(sku="TEA", quantity=2, unit_price=eur(790)),
            BoughtLine(sku="MUG", quantity=1, unit_price=eur(1250)),
        ],
        shipping=eur(490),
        fulfilled_at="2026-03-01T12:00:00.000Z",
    )


def found(
    restocked: dict[str, int] | None = None,
    written_off: dict[str, int] | None = None,
    not_accepted: dict[str, int] | None = None,
) -> Findings:
    made = (
        [PieceLine(sku=sku, quantity=quantity) for sku, quantity in (pieces or {}).items()]
        for pieces in (restocked, written_off, not_accepted)
    )
    return Findings(restocked=next(made), written_off=next(made), not_accepted=next(made))


def request(order: OrderReturns) -> tuple[OrderReturns, list[Event]]:
    return order.request(RETURN, {"TEA": 2}, ReturnReason.DAMAGED, POLICY, correlation_id="corr-1", now=LATER)


def accept(order: OrderReturns) -> tuple[OrderReturns, list[Event]]:
    return order.accept(RETURN, POLICY, LATER)


def refuse(order: OrderReturns) -> tuple[OrderReturns, list[Event]]:
    return order.refuse(RETURN, RefusalReason.EXCLUDED, LATER)


def withdraw(order: OrderReturns) -> tuple[OrderReturns, list[Event]]:
    return order.withdraw(RETURN, LATER)


def withdraw_undecided(order: OrderReturns) -> tuple[OrderReturns, list[Event]]:
    return order.withdraw_undecided(LATER)


def record_label(order: OrderReturns) -> tuple[OrderReturns, list[Event]]:
    return order.record_label(RETURN, "CW8K87J2WHJWVB", LATER)


def inspect(order: OrderReturns) -> tuple[OrderReturns, list[Event]]:
    return order.inspect(RETURN, found({"TEA": 1}, {"TEA": 1}), LATER)


def inspect_and_accept_nothing(order: OrderReturns) -> tuple[OrderReturns, list[Event]]:
    return order.inspect(RETURN, found(not_accepted={"TEA": 2}), LATER)


def record_refund(order: OrderReturns) -> tuple[OrderReturns, list[Event]]:
    return order.record_refund(RETURN, eur(1580), LATER)


def as_of(order: OrderReturns) -> tuple[OrderReturns, list[Event]]:
    return order.as_of(LATER)


def expire(order: OrderReturns) -> tuple[OrderReturns, list[Event]]:
    """The same, when the time of an accepted return is over."""
    return order.as_of(LATER + timedelta(days=31))


REACHING: dict[str, list[Change]] = {
    "requested": [request],
    "accepted": [request, accept],
    "labelled": [request, accept, record_label],
    "inspected": [request, accept, record_label, inspect],
    "refunded": [request, accept, record_label, inspect, record_refund],
    "closed": [request, accept, inspect_and_accept_nothing],
    "refused": [request, refuse],
    "withdrawn": [request, withdraw],
    "expired": [request, accept, expire],
}
"""The commands that lead a return into each status."""
COMMANDS = [
    accept,
    refuse,
    withdraw,
    withdraw_undecided,
    record_label,
    inspect,
    inspect_and_accept_nothing,
    record_refund,
    as_of,
    expire,
]


def order_in(status: str) -> OrderReturns:
    """The order, whose return is in `status`."""
    order = bought()
    for change in REACHING[status]:
        order, _ = change(order)
    return order


def event_types(events: list[Event]) -> list[str]:
    return [event.event_type for event in events]

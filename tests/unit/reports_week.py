"""A made-up week of a shop: the facts of a few orders, for the tests of its report."""

from datetime import UTC, datetime, timedelta

from reports.adapters.page_template import read_page_template
from reports.domain import page
from reports.domain.facts import Fact, Kind, Line, LowStock, ProductVersion
from reports.domain.figures import Figures, figures_of
from reports.domain.week import Week
from shared.money import Money

WEEK = Week(2026, 10)
MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
HOSTILE = "=<script>alert(1)</script>\r\n\u202e&\"'"
PRODUCTS = [
    ProductVersion(sku="COF-DRIP", name="Dripper", active=True, version=1),
    ProductVersion(sku="TEA-ASSAM", name="Assam", active=True, version=3),
    ProductVersion(sku="TEA-DARJ", name=HOSTILE, active=True, version=1),
    ProductVersion(sku="TEA-OLD", name="Retired", active=False, version=2),
]
LOW = [
    LowStock(sku="TEA-ASSAM", available=5, threshold=5),
    LowStock(sku="TEA-ASSAM", available=2, threshold=5),
]


def eur(amount: int) -> Money:
    return Money(amount=amount, currency="EUR")


def line(sku: str, quantity: int, price: int, currency: str = "EUR") -> Line:
    return Line(sku=sku, quantity=quantity, unit_price=Money(amount=price, currency=currency))


def fact(
    order_id: str,
    kind: Kind,
    day: float = 0,
    amount: Money | None = None,
    *,
    lines: tuple[Line, ...] = (),
    reason: str | None = None,
) -> Fact:
    """A fact of the order, `day` days after the week began."""
    return Fact(
        event_id=f"{order_id}:{kind}:{day}",
        kind=kind,
        order_id=order_id,
        occurred_at=MONDAY + timedelta(days=day),
        amount=amount or eur(1_490),
        lines=lines,
        reason=reason,
    )


def some_orders() -> list[Fact]:
    """One order of each outcome, grouped by order."""
    swiss = Money(amount=5_000, currency="CHF")
    return [
        fact("stands", Kind.PLACED),
        fact(
            "stands",
            Kind.CONFIRMED,
            0,
            eur(3_490),
            lines=(line("TEA-ASSAM", 2, 1_000), line("TEA-DARJ", 1, 1_000)),
        ),
        fact("stands", Kind.FULFILLED, 1, eur(3_490)),
        fact("swiss", Kind.PLACED, 2, swiss),
        fact("swiss", Kind.CONFIRMED, 2, swiss, lines=(line("TEA-ASSAM", 5, 1_000, "CHF"),)),
        fact("declined", Kind.PLACED, 3),
        fact("declined", Kind.REJECTED, 3, reason="payment_declined"),
        fact("sold-out", Kind.PLACED, 3),
        fact("sold-out", Kind.REJECTED, 3, reason="out_of_stock"),
        fact("declined-too", Kind.PLACED, 3),
        fact("declined-too", Kind.REJECTED, 3, reason="payment_declined"),
        fact("changed-mind", Kind.PLACED, 4),
        fact("changed-mind", Kind.CONFIRMED, 4, eur(1_490), lines=(line("TEA-ASSAM", 1, 1_000),)),
        fact("changed-mind", Kind.CANCELLED, 5, eur(1_490)),
        fact("changed-mind", Kind.REFUNDED, 5, eur(1_490)),
        fact("of-last-week", Kind.CANCELLED, 6.9, eur(2_000)),
        fact("of-last-week", Kind.REFUNDED, 6.9, eur(2_000)),
        fact("never-confirmed", Kind.PLACED, 6),
        fact("never-confirmed", Kind.CANCELLED, 6),
    ]


def some_figures() -> Figures:
    """The figures of these orders."""
    return figures_of(WEEK, some_orders(), PRODUCTS, LOW, lambda order_id: order_id == "of-last-week")


def no_figures() -> Figures:
    """The figures of a week in which nothing happened."""
    return figures_of(WEEK, [], [], [], lambda _: False)


def page_of(figures: Figures) -> bytes:
    """The page of these figures, as the service makes it."""
    return page.page_of(figures, read_page_template())

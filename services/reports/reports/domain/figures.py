"""The figures of a week, added up from its facts.

**An order stands** if it was confirmed in the week and not cancelled by the week's end. Only such orders count for
revenue and best sellers. A cancellation of an order from an earlier week is a reversal in the week of the cancellation.
So the earlier report stays the same, and the sum over all weeks is right. Different currencies are never added.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from reports.domain.facts import Fact, Kind, LowStock, ProductVersion
from reports.domain.week import DAYS, Week
from shared.money import Money

LISTED = 10
"""The greatest length of the lists of best sellers and slow movers."""

type Amounts = dict[str, int]
"""Minor units by currency."""


@dataclass(frozen=True)
class Day:
    """A day in UTC: orders placed, orders confirmed that stand, and the revenue of the latter."""

    placed: int
    standing: int
    revenue: Amounts


@dataclass(frozen=True)
class ProductSales:
    """The sold pieces of a product in orders that stand, and their revenue."""

    sku: str
    name: str
    pieces: int
    revenue: Amounts


@dataclass(frozen=True)
class Shortage:
    """A product that ran low, with its last known stock in the week."""

    sku: str
    name: str
    available: int
    threshold: int


@dataclass(frozen=True)
class Returned:
    """The pieces of a product that came back and were accepted, for sale again or not."""

    sku: str
    name: str
    pieces: int


@dataclass(frozen=True)
class Figures:
    """All figures of a week's report."""

    week: Week
    placed: int
    standing: int
    cancelled: int
    fulfilled: int
    rejections: dict[str, int]
    revenue: Amounts
    reversed_orders: int
    reversals: Amounts
    refunded_orders: int
    refunds: Amounts
    returned: tuple[Returned, ...]
    days: tuple[Day, ...]
    best_sellers: tuple[ProductSales, ...]
    slow_movers: tuple[ProductSales, ...]
    unsold: int
    """The number of products that were on sale at the week's end and had no sales."""
    low_stock: tuple[Shortage, ...]

    @property
    def rejected(self) -> int:
        """The number of rejected orders."""
        return sum(self.rejections.values())

    @property
    def currencies(self) -> list[str]:
        """The currencies of all amounts of the week."""
        return sorted({*self.revenue, *self.reversals, *self.refunds})


@dataclass
class _Sums:
    placed: int = 0
    standing: int = 0
    cancelled: int = 0
    fulfilled: int = 0
    reversed_orders: int = 0
    refunded: set[str] = field(default_factory=set)
    rejections: Counter[str] = field(default_factory=Counter)
    reversals: Counter[str] = field(default_factory=Counter)
    refunds: Counter[str] = field(default_factory=Counter)
    placed_on: Counter[int] = field(default_factory=Counter)
    standing_on: Counter[int] = field(default_factory=Counter)
    revenue_on: tuple[Counter[str], ...] = field(
        default_factory=lambda: tuple(Counter[str]() for _ in range(DAYS))
    )
    pieces: Counter[str] = field(default_factory=Counter)
    returned: Counter[str] = field(default_factory=Counter)
    revenue_of: dict[str, Counter[str]] = field(default_factory=dict)


def figures_of(
    week: Week,
    facts: Iterable[Fact],
    products: Sequence[ProductVersion],
    low_stock: Iterable[LowStock],
    was_confirmed_before: Callable[[str], bool],
) -> Figures:
    """The figures of `week`.

    `facts` are the week's, grouped by order, so that memory holds one order's at a time. `products` are the versions at
    the week's end. `low_stock` is in the order of time. `was_confirmed_before` says whether the order of that id was
    confirmed in an earlier week; it is called only for cancelled orders.
    """
    sums = _Sums()
    for order_id, facts_of_order in groupby(facts, key=lambda fact: fact.order_id):
        _add_order(sums, order_id, list(facts_of_order), was_confirmed_before)
    names = {product.sku: product.name for product in products}
    sold = [
        ProductSales(sku, names.get(sku, sku), pieces, _amounts(sums.revenue_of[sku]))
        for sku, pieces in sums.pieces.items()
    ]
    best = sorted(sold, key=lambda product: (-product.pieces, product.sku))[:LISTED]
    slow = _slow_movers(products, {product.sku: product for product in sold}, {each.sku for each in best})
    shortages = {each.sku: each for each in low_stock}
    return Figures(
        week=week,
        placed=sums.placed,
        standing=sums.standing,
        cancelled=sums.cancelled,
        fulfilled=sums.fulfilled,
        rejections=dict(sorted(sums.rejections.items(), key=lambda entry: (-entry[1], entry[0]))),
        revenue=_amounts(sum(sums.revenue_on, Counter())),
        reversed_orders=sums.reversed_orders,
        reversals=_amounts(sums.reversals),
        refunded_orders=len(sums.refunded),
        refunds=_amounts(sums.refunds),
        returned=tuple(
            Returned(sku, names.get(sku, sku), pieces)
            for sku, pieces in sorted(sums.returned.items(), key=lambda entry: (-entry[1], entry[0]))
        ),
        days=tuple(
            Day(sums.placed_on[day], sums.standing_on[day], _amounts(sums.revenue_on[day]))
            for day in range(DAYS)
        ),
        best_sellers=tuple(best),
        slow_movers=tuple(slow),
        unsold=sum(1 for product in products if product.active and product.sku not in sums.pieces),
        low_stock=tuple(
            Shortage(sku, names.get(sku, sku), each.available, each.threshold)
            for sku, each in sorted(shortages.items())
        ),
    )


def _add_order(
    sums: _Sums, order_id: str, facts: list[Fact], was_confirmed_before: Callable[[str], bool]
) -> None:
    """Adds the week's facts of one order."""
    by_kind = {fact.kind: fact for fact in facts}
    if placed := by_kind.get(Kind.PLACED):
        sums.placed += 1
        sums.placed_on[placed.weekday] += 1
    if rejected := by_kind.get(Kind.REJECTED):
        sums.rejections[rejected.reason or "unknown"] += 1
    if Kind.FULFILLED in by_kind:
        sums.fulfilled += 1
    _add_refunds_and_returns(sums, facts)
    confirmed, cancelled = by_kind.get(Kind.CONFIRMED), by_kind.get(Kind.CANCELLED)
    if cancelled:
        sums.cancelled += 1
        if not confirmed and was_confirmed_before(order_id):
            sums.reversed_orders += 1
            sums.reversals[cancelled.amount.currency] += cancelled.amount.amount
    elif confirmed:
        sums.standing += 1
        sums.standing_on[confirmed.weekday] += 1
        sums.revenue_on[confirmed.weekday][confirmed.amount.currency] += confirmed.amount.amount
        for line in confirmed.lines:
            price = line.unit_price * line.quantity
            sums.pieces[line.sku] += line.quantity
            sums.revenue_of.setdefault(line.sku, Counter())[price.currency] += price.amount


def _add_refunds_and_returns(sums: _Sums, facts: list[Fact]) -> None:
    for fact in facts:
        if fact.kind.is_refund:
            sums.refunded.add(fact.order_id)
            sums.refunds[fact.amount.currency] += fact.amount.amount
        for returned in fact.returned or ():
            sums.returned[returned.sku] += returned.quantity


def _slow_movers(
    products: Sequence[ProductVersion], sold: dict[str, ProductSales], best: set[str]
) -> list[ProductSales]:
    """The products on sale at the week's end with the fewest sold pieces, beginning with those without sales."""
    candidates = [
        sold.get(product.sku) or ProductSales(product.sku, product.name, 0, {})
        for product in products
        if product.active and product.sku not in best
    ]
    return sorted(candidates, key=lambda product: (product.pieces, product.sku))[:LISTED]


def _amounts(counted: Counter[str]) -> Amounts:
    return {currency: counted[currency] for currency in sorted(counted)}


def money(amounts: Amounts) -> list[Money]:
    """The amounts, one for each currency."""
    return [Money(amount=amount, currency=currency) for currency, amount in amounts.items()]

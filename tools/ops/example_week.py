"""Made-up sales of a week, for the report of an embedded cloud that is younger than the week.

The reports service alone knows them: there are no such orders. `make rebuild PROJECTION=reports-sales` forgets them.
"""

from datetime import UTC, datetime, time, timedelta
from random import Random

from catalog.adapters.product_store import ProductStore
from catalog.domain.product import Category, Product
from orders.domain.pricing import Breakdown, OrderLine
from reports.adapters.sales_projection import SalesProjection
from reports.domain.facts import Fact, Kind, Line, ProductVersion
from reports.domain.week import Week
from tools.stack import Stack

_ORDERS, _PRODUCTS = 60, 100
_COUNTRIES = ("DE", "DE", "DE", "AT", "FR")
# How orders end, and how many of 20 end so.
_ENDS = 16 * [Kind.FULFILLED] + 2 * [Kind.REJECTED] + [Kind.CANCELLED] + [Kind.REFUNDED]
_REASONS = ("out_of_stock", "payment_declined", "address_not_served")


def fill(stack: Stack, week: Week) -> int:
    """Records made-up orders of `week`, for what the catalogue shows; returns how many.

    Records none if the week has sales, or if the catalogue is empty.
    """
    dynamodb = stack.client("dynamodb")
    sales = SalesProjection(dynamodb, stack.resource("ReportsSalesTable"))
    products, _ = ProductStore(dynamodb, stack.resource("CatalogTable")).browse(
        list(Category), _PRODUCTS, None
    )
    if not products or next(sales.facts_of(week), None):
        return 0
    for product in products:
        sales.record_product(ProductVersion(sku=product.sku, name=product.name, active=True, version=1), week)
    chance = Random(str(week))  # noqa: S311 # nosec B311 - examples, no secrets
    for number in range(_ORDERS):
        for fact in _order(f"ord_example-{week}-{number:03}", week, products, chance):
            sales.record(fact)
    return _ORDERS


def _order(order_id: str, week: Week, products: list[Product], chance: Random) -> list[Fact]:
    """The facts of one order from its placement to its end."""
    chosen = chance.sample(products, min(len(products), chance.choice((1, 1, 2, 3))))
    lines = [
        OrderLine(sku=product.sku, quantity=chance.randint(1, 3), unit_price=product.price)
        for product in chosen
    ]
    total = Breakdown.of(lines, chance.choice(_COUNTRIES)).total
    placed_at = datetime.combine(chance.choice(week.days), time(tzinfo=UTC)) + timedelta(
        seconds=chance.randrange(7 * 3600, 22 * 3600)
    )
    end = chance.choice(_ENDS)
    kinds = [Kind.PLACED, *([] if end is Kind.REJECTED else [Kind.CONFIRMED]), end]
    return [
        Fact(
            event_id=f"{order_id}:{version}:{kind}",
            kind=kind,
            order_id=order_id,
            occurred_at=placed_at + timedelta(seconds=3 * version),
            amount=total,
            lines=tuple(Line.model_validate(line.model_dump()) for line in lines)
            if kind is Kind.CONFIRMED
            else (),
            reason=chance.choice(_REASONS) if kind is Kind.REJECTED else None,
        )
        for version, kind in enumerate(kinds, 1)
    ]

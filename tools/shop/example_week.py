"""Made-up sales of a week, for the report of an embedded cloud that is younger than the week.

The reports service alone knows them: there are no such orders. `make rebuild PROJECTION=reports-sales` forgets them.
"""

import json
from datetime import UTC, datetime, time, timedelta
from random import Random

from orders.domain.pricing import Breakdown, OrderLine
from reports.adapters.sales_projection import SalesProjection
from reports.domain.facts import Fact, Kind, Line, ProductVersion
from reports.domain.week import Week
from shared.money import Money
from tools.shop.seed import PRODUCTS
from tools.stack import Stack

_ORDERS = 60
_COUNTRIES = ("DE", "DE", "DE", "AT", "FR")
# How orders end, and how many of 20 end so.
_ENDS = 16 * [Kind.FULFILLED] + 2 * [Kind.REJECTED] + [Kind.CANCELLED] + [Kind.REFUNDED]
_REASONS = ("out_of_stock", "payment_declined", "address_not_served")


def fill(stack: Stack, week: Week) -> int:
    """Records the made-up orders of `week`, unless it has sales; returns how many. Again makes the same ones."""
    projection = SalesProjection(stack.client("dynamodb"), stack.resource("ReportsSalesTable"))
    if next(projection.facts_of(week), None):
        return 0
    products = json.loads(PRODUCTS.read_text())
    for product in products:
        version = ProductVersion(sku=product["sku"], name=product["name"], active=True, version=1)
        projection.record_product(version, week)
    random = Random(str(week))  # noqa: S311 # nosec B311 - examples, no secrets
    for number in range(_ORDERS):
        for fact in _order(f"ord_example-{week}-{number:03}", week, products, random):
            projection.record(fact)
    return _ORDERS


def _order(order_id: str, week: Week, products: list[dict[str, object]], random: Random) -> list[Fact]:
    """The facts of one order from its placement to its end."""
    chosen = random.sample(products, random.choice((1, 1, 2, 3)))
    lines = [
        OrderLine(
            sku=str(product["sku"]),
            quantity=random.randint(1, 3),
            unit_price=Money.model_validate(product["price"]),
        )
        for product in chosen
    ]
    total = Breakdown.of(lines, random.choice(_COUNTRIES)).total
    placed_at = datetime.combine(random.choice(week.days), time(tzinfo=UTC)) + timedelta(
        seconds=random.randrange(7 * 3600, 22 * 3600)
    )
    end = random.choice(_ENDS)
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
            reason=random.choice(_REASONS) if kind is Kind.REJECTED else None,
        )
        for version, kind in enumerate(kinds, 1)
    ]

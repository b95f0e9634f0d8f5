"""The products that the tests sell. Each run makes its own, so that nobody else changes, buys or retires them."""

import os
from uuid import uuid4

from catalog.adapters.product_store import ProductStore
from catalog.domain.product import Category, Product, ProductDetails
from inventory.adapters.stock_ledger import StockLedger
from shared.clock import utc_now
from shared.money import Money
from tools.shop.audit import Auditor
from tools.stack import Stack
from tools.waiting import wait_for

from .clean_up import KIND, MADE

# All workers of a run have the same.
_RUN = os.environ.get("PYTEST_XDIST_TESTRUNUID", uuid4().hex)[:8].upper()

TEA, DARJEELING, RARE = (f"{MADE}{name}-{_RUN}" for name in ("TEA", "DARJEELING", "RARE"))
_PRICES = {TEA: 790, DARJEELING: 1490, RARE: 4900}
_STOCK = {TEA: 10_000, DARJEELING: 60, RARE: 3}


def sell(stack: Stack) -> None:
    """Puts them on sale; returns when the orders service knows their prices."""
    catalogue = ProductStore(stack.client("dynamodb"), stack.resource("CatalogTable"))
    ledger = StockLedger(stack.client("dynamodb"), stack.resource("InventoryTable"))
    for sku, amount in _PRICES.items():
        details = ProductDetails(
            sku=sku,
            name=f"{sku.title()} of the tests",
            description="Only for tests.",
            category=Category.TEA,
            price=Money(amount=amount, currency="EUR"),
        )
        product, events = Product.introduce(details, correlation_id=KIND, now=utc_now())
        catalogue.put_product(product, events)
        ledger.receive(sku, _STOCK[sku], movement_id=f"{KIND}-{sku}", correlation_id=KIND, now=utc_now())
    auditor = Auditor(stack)

    def are_priced() -> bool:
        return _PRICES.keys() <= {item["pk"] for item in auditor.table("OrdersPricesTable")}

    wait_for(are_priced, "the prices of the tests' products in the orders service", seconds=60)

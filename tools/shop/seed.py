"""`make seed`: loads the shop's first catalogue and stock through the services' own stores, so their events go out.

Loading again changes nothing: an existing product stays as it is, and each delivery is received once.
"""

import argparse
import json
from pathlib import Path

from pydantic import BaseModel

from catalog.adapters.product_store import ProductStore
from catalog.domain.product import Product, ProductDetails
from inventory.adapters.stock_ledger import StockLedger
from shared.clock import utc_now
from tools.command_line import Subcommands, add_command, add_stack_option
from tools.console import step
from tools.stack import Stack
from tools.waiting import be_patient, wait_for

_PRODUCTS = Path(__file__).parent / "seed_products.json"
_CORRELATION_ID = "seed"


class SeedStock(BaseModel):
    """How many pieces of a product the shop opens with, and the level that counts as low."""

    initial_stock: int
    low_threshold: int


def register(subcommands: Subcommands) -> None:
    """Registers `seed`."""
    parser = add_command(
        subcommands, "seed", _seed, description="fill the catalogue and the stock; again does no harm"
    )
    add_stack_option(parser)


def _seed(arguments: argparse.Namespace) -> None:
    stack = Stack.named(arguments.stack, arguments.region)
    stack.refuse_production("`make seed`")
    if stack.is_on_aws:
        be_patient()
    fill(stack)


def fill(stack: Stack) -> None:
    """Loads the seed as a step on the terminal."""
    with step("Filling the catalogue and the stock") as filling:
        filling.note(f"{load(stack)} products")


def load(stack: Stack) -> int:
    """Loads the seed and waits until the orders service has its prices; returns the number of products."""
    products = json.loads(_PRODUCTS.read_text())
    catalogue = ProductStore(stack.client("dynamodb"), stack.resource("CatalogTable"))
    inventory = StockLedger(stack.client("dynamodb"), stack.resource("InventoryTable"))
    for entry in products:
        details, stock = ProductDetails.model_validate(entry), SeedStock.model_validate(entry)
        if catalogue.find(details.sku, consistent=True) is None:
            product, events = Product.introduce(details, correlation_id=_CORRELATION_ID, now=utc_now())
            catalogue.put_product(product, events)
        inventory.receive(
            details.sku,
            stock.initial_stock,
            movement_id=f"seed-{details.sku}",
            correlation_id=_CORRELATION_ID,
            now=utc_now(),
            low_stock_threshold=stock.low_threshold,
        )
    skus = {entry["sku"] for entry in products}
    wait_for(
        lambda: skus <= _priced(stack), f"prices of {len(skus)} products in the orders service", seconds=60
    )
    return len(products)


def _priced(stack: Stack) -> set[str]:
    pages = (
        stack.client("dynamodb")
        .get_paginator("scan")
        .paginate(
            TableName=stack.resource("OrdersPricesTable"), ProjectionExpression="pk", ConsistentRead=True
        )
    )
    return {item["pk"]["S"] for page in pages for item in page["Items"]}

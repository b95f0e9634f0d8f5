"""An embedded cloud is younger than last week, so its first report is about sales that are made up."""

from typing import Any, cast

import boto3
import pytest

from catalog.adapters.product_store import ProductStore
from catalog.domain.product import Category, Product, ProductDetails
from reports.domain.week import Week
from shared.clock import utc_now
from shared.money import Money
from tests.component.reports.account import Service
from tests.component.shipped_template import template
from tools.ops import example_week
from tools.stack import Stack

WEEK = Week(2026, 10)


class FakeStack:
    """The stack of the reports service in moto."""

    def client(self, service: str) -> Any:
        make: Any = boto3.client
        return make(service)

    def resource(self, logical_id: str) -> str:
        return logical_id


@pytest.fixture(autouse=True)
def catalogue(service: Service) -> ProductStore:
    """The catalogue, with two products."""
    dynamodb = boto3.client("dynamodb")
    dynamodb.create_table(**template().tables["CatalogTable"])
    store = ProductStore(dynamodb, "CatalogTable")
    for sku, name in (("TEA", "Assam Second Flush"), ("MUG", "Stoneware Mug")):
        details = ProductDetails(
            sku=sku,
            name=name,
            description="",
            category=Category.TEA,
            price=Money(amount=790, currency="EUR"),
            active=True,
        )
        store.put_product(*Product.introduce(details, correlation_id="c-1", now=utc_now()))
    return store


def fill() -> int:
    return example_week.fill(cast(Stack, FakeStack()), WEEK)


def test_the_report_shows_orders_of_every_kind_of_end_and_names_the_products(service: Service) -> None:
    assert fill() == 60

    service.report(WEEK)

    page = service.file(f"weekly/{WEEK}/report.html").decode()
    assert "Assam Second Flush" in page
    items = service.items("ReportsSalesTable")
    kinds = {item["kind"] for item in items if "kind" in item}
    assert kinds == {
        "order.placed",
        "order.confirmed",
        "order.fulfilled",
        "order.rejected",
        "order.cancelled",
        "payment.refunded",
    }


def test_a_week_that_has_sales_gets_no_more(service: Service) -> None:
    fill()
    before = service.items("ReportsSalesTable")

    assert fill() == 0

    assert service.items("ReportsSalesTable") == before

"""An embedded cloud is younger than last week, so its first report is about sales that are made up."""

from typing import Any, cast

import boto3

from reports.domain.week import Week
from tests.component.reports.account import Service
from tools.shop import example_week
from tools.stack import Stack

WEEK = Week(2026, 10)


class FakeStack:
    """The stack of the reports service in moto."""

    def client(self, service: str) -> Any:
        make: Any = boto3.client
        return make(service)

    def resource(self, logical_id: str) -> str:
        return logical_id


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

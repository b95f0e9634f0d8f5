"""A deployed reports service in a pretended AWS: what it hears, and the reports that it makes."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module, reload
from pathlib import Path
from typing import Any

import boto3
import pytest

from reports import dependencies as resources
from reports.domain.week import Week
from shared.dynamo import from_item
from shared.events import Event
from tests.component.notifications.account import deliver
from tests.faults.template import Template

EVENTS = Path(__file__).parents[3] / "events"
BUCKET = "reports"
_CACHED = (resources.sales_store, resources.report_store, resources.reports_bucket)


@cache
def template() -> Template:
    """The template; reading it takes a second."""
    return Template()


def examples() -> list[Event]:
    """The events in the example of the sales consumer, one of every type that it reads."""
    records = json.loads((EVENTS / "reports_record_sales.json").read_text())["Records"]
    return [Event.model_validate_json(record["body"]) for record in records]


@dataclass
class Service:
    """The deployed service."""

    context: Any
    sales: Any
    weekly: Any

    def hear(self, *events: Event | str) -> Any:
        """Delivers a batch to the consumer of sales."""
        return deliver(self.sales.handler, self.context, *events)

    def report(self, week: str | Week) -> dict[str, Any]:
        """Asks for a week's report, as an operator does."""
        return self.start({"week": str(week)})

    def start(self, event: dict[str, Any]) -> dict[str, Any]:
        """Runs the report's function."""
        answer: dict[str, Any] = self.weekly.handler(event, self.context)
        return answer

    def file(self, key: str) -> bytes:
        """What the bucket has under that name."""
        content: bytes = boto3.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read()
        return content

    def items(self, table: str) -> list[dict[str, Any]]:
        """All of a table, by its logical id."""
        return [from_item(item) for item in boto3.client("dynamodb").scan(TableName=table)["Items"]]

    def told(self) -> list[dict[str, Any]]:
        """The events that wait for the relay, by week."""
        items = sorted(self.items("ReportsTable"), key=lambda item: item["pk"])
        return [json.loads(entry) for item in items for entry in item["outbox"]]


def reports_account(lambda_context: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    """The service in an empty account, with tables as the template has them, until the end of the test."""
    tables = template().tables
    for name in ("ReportsSalesTable", "ReportsTable"):
        boto3.client("dynamodb").create_table(**tables[name])
    boto3.client("s3").create_bucket(
        Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
    )
    for name, value in {
        "SALES_TABLE_NAME": "ReportsSalesTable",
        "TABLE_NAME": "ReportsTable",
        "REPORTS_BUCKET": BUCKET,
        "DLQ_URL": boto3.client("sqs").create_queue(QueueName="dead-letters")["QueueUrl"],
    }.items():
        monkeypatch.setenv(name, value)
    _forget(_CACHED)
    yield Service(
        context=lambda_context,
        sales=reload(import_module("reports.functions.record_sales")),
        weekly=reload(import_module("reports.functions.make_weekly_report")),
    )
    _forget(_CACHED)


def _forget(made: tuple[Callable[[], Any], ...]) -> None:
    for each in made:
        each.cache_clear()  # type: ignore[attr-defined]

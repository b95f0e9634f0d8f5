"""The reports service in a pretended AWS: its functions, its files and its events."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module, reload
from typing import Any

import boto3
import pytest

from reports import dependencies
from reports.domain.week import Week
from shared.dynamo import from_item
from shared.events import Event
from tests.component.batches import deliver
from tests.component.shipped_template import template

BUCKET = "reports"
_CACHED = (dependencies.sales_projection, dependencies.report_versions, dependencies.published_files)


@dataclass
class Service:
    """The deployed service."""

    dlq_url: str
    context: Any
    functions: dict[str, Any]

    def record_sales(self, *events: Event | str) -> Any:
        """Delivers a batch to the function of that name."""
        return deliver(self.functions["record_sales"].handler, self.context, *events)

    def report(self, week: str | Week) -> dict[str, Any]:
        """Asks for a week's report, as an operator does."""
        return self.make_weekly_report({"week": str(week)})

    def make_weekly_report(self, event: dict[str, Any]) -> dict[str, Any]:
        """Runs the function of that name."""
        answer: dict[str, Any] = self.functions["make_weekly_report"].handler(event, self.context)
        return answer

    def file(self, key: str) -> bytes:
        """The object of that name in the bucket."""
        content: bytes = boto3.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read()
        return content

    def items(self, table: str) -> list[dict[str, Any]]:
        """All items of a table, by its logical id."""
        return [from_item(item) for item in boto3.client("dynamodb").scan(TableName=table)["Items"]]

    def outbox(self) -> list[dict[str, Any]]:
        """The events that wait for the relay, by week."""
        items = sorted(self.items("ReportsTable"), key=lambda item: item["pk"])
        return [json.loads(entry) for item in items for entry in item["outbox"]]


@contextmanager
def reports_account(lambda_context: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    """The service in an empty account, with tables as the template has them."""
    for name in ("ReportsSalesTable", "ReportsTable"):
        boto3.client("dynamodb").create_table(**template().tables[name])
    boto3.client("s3").create_bucket(
        Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
    )
    dlq_url = boto3.client("sqs").create_queue(QueueName="dead-letters")["QueueUrl"]
    for name, value in {
        "SALES_TABLE_NAME": "ReportsSalesTable",
        "TABLE_NAME": "ReportsTable",
        "REPORTS_BUCKET": BUCKET,
        "DLQ_URL": dlq_url,
    }.items():
        monkeypatch.setenv(name, value)
    for cached in _CACHED:
        cached.cache_clear()
    yield Service(
        dlq_url=dlq_url,
        context=lambda_context,
        functions={
            name: reload(import_module(f"reports.functions.{name}"))
            for name in ("record_sales", "make_weekly_report")
        },
    )
    for cached in _CACHED:
        cached.cache_clear()

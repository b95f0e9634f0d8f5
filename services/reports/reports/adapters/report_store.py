"""The sales projection and the records of reports: the only module of the service that knows DynamoDB.

Sales table     a fact of an order       pk = week, "#" and a shard; sk = order id, "#" and the event's id
                that a product ran low   pk = week and "#low"; sk = sku, "#", the time, "#" and the event's id
                a product                pk = "products#" and a shard; sk = sku, "#" and a week: its last version in it
index by-confirmed-order                 confirmed_order; keys alone, and only of confirmations
Reports table   a week's report          pk = week
"""

import zlib
from collections.abc import Iterator
from datetime import datetime
from itertools import chain
from typing import Any

from botocore.exceptions import ClientError

from reports.domain.report import Report
from reports.domain.week import Fact, Kind, LowStock, ProductVersion, Week
from shared.clock import timestamp
from shared.dynamo import condition_failed, from_item, to_item
from shared.errors import TransientError
from shared.events import Event
from shared.outbox import outbox_of

# All orders of the present week are written under its keys. One key takes 1000 writes a second; these take 16000.
_WEEK_SHARDS = 16
_PRODUCT_SHARDS = 4


class ReportContended(TransientError):
    """Another run made the same week's report at the same time; trying again finds it made."""


class SalesStore:
    """Access to the sales table."""

    def __init__(self, dynamodb: Any, table_name: str) -> None:
        self._dynamodb = dynamodb
        self._table = table_name

    def record(self, fact: Fact) -> None:
        """Stores the fact; again changes nothing."""
        confirmed = {"confirmed_order": fact.order_id} if fact.kind is Kind.CONFIRMED else {}
        self._put(
            {
                "pk": _week_key(fact.week, fact.order_id),
                "sk": f"{fact.order_id}#{fact.event_id}",
                **fact.model_dump(mode="json", exclude_none=True),
                **confirmed,
            }
        )

    def record_low_stock(self, low: LowStock, event: Event, occurred_at: datetime) -> None:
        """Stores that a product ran low; again changes nothing."""
        self._put(
            {
                "pk": _low_key(Week.of(occurred_at)),
                "sk": f"{low.sku}#{timestamp(occurred_at)}#{event.event_id}",
                **low.model_dump(),
            }
        )

    def record_product(self, product: ProductVersion, week: Week) -> bool:
        """Stores the product as it was in `week` unless a newer version of that week is known; says whether it did."""
        try:
            self._dynamodb.put_item(
                TableName=self._table,
                Item=to_item(
                    {
                        "pk": f"products#{_shard(product.sku, _PRODUCT_SHARDS)}",
                        "sk": f"{product.sku}#{week}",
                        "week": str(week),
                        **product.model_dump(),
                    }
                ),
                ConditionExpression="attribute_not_exists(pk) OR #version < :version",
                ExpressionAttributeNames={"#version": "version"},
                ExpressionAttributeValues=to_item({":version": product.version}),
            )
        except ClientError as error:
            if condition_failed(error):
                return False
            raise
        return True

    def facts_of(self, week: Week) -> Iterator[Fact]:
        """The facts of `week`, all of an order's together, read as they are asked for."""
        keys = (f"{week}#{shard}" for shard in range(_WEEK_SHARDS))
        return map(Fact.model_validate, chain.from_iterable(map(self._under, keys)))

    def low_stock_of(self, week: Week) -> Iterator[LowStock]:
        """What ran low in `week`, each product's in the order of time."""
        return map(LowStock.model_validate, self._under(_low_key(week)))

    def products_at_end_of(self, week: Week) -> list[ProductVersion]:
        """Every product that was known by the end of `week`, as it was then, by sku."""
        found: dict[str, ProductVersion] = {}
        for shard in range(_PRODUCT_SHARDS):
            for item in self._under(f"products#{shard}"):
                if Week.named(item["week"]) <= week:
                    found[item["sku"]] = ProductVersion.model_validate(item)
        return [found[sku] for sku in sorted(found)]

    def was_confirmed_before(self, order_id: str, week: Week) -> bool:
        """Whether the order was confirmed in a week before `week`."""
        answer = self._dynamodb.query(
            TableName=self._table,
            IndexName="by-confirmed-order",
            KeyConditionExpression="confirmed_order = :order",
            ExpressionAttributeValues=to_item({":order": order_id}),
        )
        weeks = [from_item(item)["pk"].partition("#")[0] for item in answer["Items"]]
        return any(Week.named(name) < week for name in weeks)

    def _put(self, values: dict[str, Any]) -> None:
        self._dynamodb.put_item(TableName=self._table, Item=to_item(values))

    def _under(self, key: str) -> Iterator[dict[str, Any]]:
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=self._table,
            ConsistentRead=True,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues=to_item({":pk": key}),
        )
        for page in pages:
            yield from map(from_item, page["Items"])


class ReportStore:
    """Access to the reports table."""

    def __init__(self, dynamodb: Any, table_name: str) -> None:
        self._dynamodb = dynamodb
        self._table = table_name

    def find(self, week: Week) -> Report | None:
        """The report that was made of `week`, or None."""
        answer = self._dynamodb.get_item(
            TableName=self._table, Key=to_item({"pk": str(week)}), ConsistentRead=True
        )
        return Report.model_validate(from_item(answer["Item"])) if "Item" in answer else None

    def put(self, report: Report, events: list[Event]) -> None:
        """Stores the report with its events as the successor of the version before it; raises ReportContended."""
        try:
            self._dynamodb.put_item(
                TableName=self._table,
                Item=to_item({"pk": report.week, **report.model_dump(), "outbox": outbox_of(events)}),
                ConditionExpression="attribute_not_exists(pk) OR #version = :previous",
                ExpressionAttributeNames={"#version": "version"},
                ExpressionAttributeValues=to_item({":previous": report.version - 1}),
            )
        except ClientError as error:
            if condition_failed(error):
                raise ReportContended(report.week) from error
            raise


def _week_key(week: Week, order_id: str) -> str:
    return f"{week}#{_shard(order_id, _WEEK_SHARDS)}"


def _low_key(week: Week) -> str:
    return f"{week}#low"


def _shard(key: str, shards: int) -> int:
    return zlib.crc32(key.encode()) % shards

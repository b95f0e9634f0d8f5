"""The sales projection's table.

    item                             pk                   sk
    a fact of an order               `week#shard`         `order id#event id`
    a product that ran low           `week#low`           `sku#time#event id`
    a product's version in a week    `products#shard`     `sku#week`

The index `by-confirmed-order` has the key `confirmed_order`. It holds only keys, and only of confirmations.
"""

import zlib
from collections.abc import Iterator
from datetime import datetime
from itertools import chain
from typing import Any

from botocore.exceptions import ClientError

from reports.domain.facts import Fact, Kind, LowStock, ProductVersion
from reports.domain.week import Week
from shared.clock import timestamp
from shared.dynamo import condition_failed, from_item, to_item
from shared.events import Event

# All orders of the current week are written under its keys. One key takes 1000 writes a second; 16 keys take 16000.
_WEEK_SHARDS = 16
_PRODUCT_SHARDS = 4


class SalesProjection:
    """Access to the sales table."""

    def __init__(self, dynamodb: Any, table_name: str) -> None:
        self._dynamodb = dynamodb
        self._table = table_name

    def record(self, fact: Fact) -> None:
        """Stores the fact. A repeat changes nothing."""
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
        """Stores that a product ran low. A repeat changes nothing."""
        self._put(
            {
                "pk": _low_key(Week.of(occurred_at)),
                "sk": f"{low.sku}#{timestamp(occurred_at)}#{event.event_id}",
                **low.model_dump(),
            }
        )

    def record_product(self, product: ProductVersion, week: Week) -> bool:
        """Stores the product's version in `week`, unless a newer one is stored; returns whether it did.

        This is no write of a VersionedTable: a projection takes any newer version, not only the next one.
        """
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
        """The facts of `week`, grouped by order. Iterating reads them page by page."""
        keys = (f"{week}#{shard}" for shard in range(_WEEK_SHARDS))
        return map(Fact.model_validate, chain.from_iterable(map(self._under, keys)))

    def low_stock_of(self, week: Week) -> Iterator[LowStock]:
        """The products that ran low in `week`; repeats of a product are in the order of time."""
        return map(LowStock.model_validate, self._under(_low_key(week)))

    def products_at_end_of(self, week: Week) -> list[ProductVersion]:
        """Every product that existed at the end of `week`, in its version of that time, sorted by sku."""
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


def _week_key(week: Week, order_id: str) -> str:
    return f"{week}#{_shard(order_id, _WEEK_SHARDS)}"


def _low_key(week: Week) -> str:
    return f"{week}#low"


def _shard(key: str, shards: int) -> int:
    return zlib.crc32(key.encode()) % shards

"""Orders by the day on which they were placed: an index of the orders table, keys alone.

    index by-placement   placed_shard = day, "#" and a shard; placement = placed_at, "#" and the order's id

Under one key a day, each placement of a rush would go to one partition of the index, which takes 1000 writes a second.
The 16 shards take 16 times that. A reader of a day merges them, in order. Neither key ever changes, so DynamoDB writes
an order into the index once.
"""

import heapq
import zlib
from collections.abc import Iterator
from datetime import date
from typing import Any

from orders.domain.order import Order
from shared.dynamo import to_item

_SHARDS = 16
# Keys are small, and a page of an export takes about that many from each shard.
_KEYS_AT_ONCE = 64
# The first page of an operator's list takes about four from each shard. They cost half a read unit.
_NEWEST_KEYS_AT_ONCE = 8


def placement_keys(order: Order) -> dict[str, str]:
    """The attributes that put the order into the index."""
    shard = zlib.crc32(order.order_id.encode()) % _SHARDS
    return {
        "placed_shard": f"{order.placed_at[:10]}#{shard}",
        "placement": f"{order.placed_at}#{order.order_id}",
    }


class PlacementIndex:
    """Finds orders by the moment of their placement."""

    def __init__(self, dynamodb: Any, table_name: str) -> None:
        self._dynamodb = dynamodb
        self._table = table_name

    def placed_on(self, day: date, after: str = "") -> Iterator[tuple[str, str]]:
        """The placement and the id of each order that was placed on `day`, after the placement `after`.

        They come in the order of time, and are read as needed.
        """
        return heapq.merge(*(self._of_shard(shard, after) for shard in _shards_of(day)))

    def newest_on(self, day: date, before: str = "") -> Iterator[tuple[str, str]]:
        """As `placed_on`, the newest first: the orders of `day` that were placed before the placement `before`."""
        shards = (self._of_shard_backwards(shard, before) for shard in _shards_of(day))
        return heapq.merge(*shards, reverse=True)

    def count_on(self, day: date) -> int:
        """How many orders were placed on `day`."""
        return sum(self._count_of_shard(shard) for shard in _shards_of(day))

    def _count_of_shard(self, shard: str) -> int:
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=self._table,
            IndexName="by-placement",
            KeyConditionExpression="placed_shard = :shard",
            ExpressionAttributeValues=to_item({":shard": shard}),
            Select="COUNT",
        )
        return sum(page["Count"] for page in pages)

    def _of_shard(self, shard: str, after: str) -> Iterator[tuple[str, str]]:
        # A sort key is never empty, and every placement comes after a blank.
        return self._keys(
            shard, "placement > :bound", after or " ", PaginationConfig={"PageSize": _KEYS_AT_ONCE}
        )

    def _of_shard_backwards(self, shard: str, before: str) -> Iterator[tuple[str, str]]:
        # Every placement begins with a digit, and so comes before a tilde.
        page = {"PageSize": _NEWEST_KEYS_AT_ONCE}
        return self._keys(
            shard, "placement < :bound", before or "~", ScanIndexForward=False, PaginationConfig=page
        )

    def _keys(self, shard: str, bound: str, value: str, **options: Any) -> Iterator[tuple[str, str]]:
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=self._table,
            IndexName="by-placement",
            KeyConditionExpression=f"placed_shard = :shard AND {bound}",
            ExpressionAttributeValues=to_item({":shard": shard, ":bound": value}),
            **options,
        )
        for page in pages:
            for item in page["Items"]:
                yield item["placement"]["S"], item["pk"]["S"]


def _shards_of(day: date) -> list[str]:
    return [f"{day.isoformat()}#{shard}" for shard in range(_SHARDS)]

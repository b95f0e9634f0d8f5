"""Orders by the day on which they were placed: an index of the orders table, keys alone.

    index by-placement   placed_shard = day, "#" and a shard; placement = placed_at, "#" and the order's id

Every order of a day under one key would send each placement of a rush to one partition of the index, which takes 1000
writes a second; the shards take 16 times that. Whoever reads a day merges them, in order. Neither key ever changes, so
an order is written into the index once, whatever becomes of it later.
"""

import heapq
import zlib
from collections.abc import Iterator
from datetime import date
from itertools import batched
from typing import Any

from orders.domain.order import Order
from shared.dynamo import from_item, to_item
from shared.errors import TransientError

_SHARDS = 16
# Keys are small, and a page of an export takes about so many from each shard.
_KEYS_AT_ONCE = 64
_BATCH_GET_LIMIT = 100
_ATTEMPTS = 5


class OrdersThrottled(TransientError):
    """DynamoDB did not answer for every order asked for."""


def placement_keys(order: Order) -> dict[str, str]:
    """The attributes that put the order into the index."""
    shard = zlib.crc32(order.order_id.encode()) % _SHARDS
    return {
        "placed_shard": f"{order.placed_at[:10]}#{shard}",
        "placement": f"{order.placed_at}#{order.order_id}",
    }


class Placements:
    """Reads orders by when they were placed."""

    def __init__(self, dynamodb: Any, table_name: str) -> None:
        self._dynamodb = dynamodb
        self._table = table_name

    def of_day(self, day: date, after: str = "") -> Iterator[tuple[str, str]]:
        """The placement and the order's id of each order placed on `day`, in the order of time, read as needed; those
        after the placement `after`."""
        return heapq.merge(*(self._of_shard(f"{day.isoformat()}#{shard}", after) for shard in range(_SHARDS)))

    def orders(self, order_ids: list[str]) -> Iterator[Order]:
        """The orders of these ids, in this order, read a hundred at a time; raises OrdersThrottled."""
        for ids in batched(order_ids, _BATCH_GET_LIMIT, strict=False):
            found = self._read(list(ids))
            yield from (found[order_id] for order_id in ids if order_id in found)

    def _of_shard(self, shard: str, after: str) -> Iterator[tuple[str, str]]:
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=self._table,
            IndexName="by-placement",
            KeyConditionExpression="placed_shard = :shard AND placement > :after",
            # A sort key is never empty, and every placement comes after a blank.
            ExpressionAttributeValues=to_item({":shard": shard, ":after": after or " "}),
            PaginationConfig={"PageSize": _KEYS_AT_ONCE},
        )
        for page in pages:
            for item in page["Items"]:
                yield item["placement"]["S"], item["pk"]["S"]

    def _read(self, order_ids: list[str]) -> dict[str, Order]:
        found: dict[str, Order] = {}
        wanted: dict[str, Any] = {
            self._table: {"Keys": [to_item({"pk": order_id}) for order_id in order_ids]}
        }
        # A batch is cut where it grows beyond 16 MB; what is left is asked for again.
        for _ in range(_ATTEMPTS):
            answer = self._dynamodb.batch_get_item(RequestItems=wanted)
            orders = (Order.model_validate(from_item(item)) for item in answer["Responses"][self._table])
            found |= {order.order_id: order for order in orders}
            wanted = answer.get("UnprocessedKeys") or {}
            if not wanted:
                return found
        raise OrdersThrottled(f"{len(order_ids)} orders")

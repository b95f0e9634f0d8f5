"""Orders that need something yet: an index of the orders table, keys alone, without orders that are done with.

    index by-attention   attention, attention_since

    "open#" and a shard        open, since they came into their status
    "confirmed#" and a shard   confirmed, since then
    "late"                     confirmed and reminded, since the last reminder
    "parked"                   parked, since then
    "unsettled"                final, and its payment has an open issue, since payments reported it

Every order enters the index under the first two, and leaves it again. One key of an index takes 1000 writes a second;
the shards take 16 times that. Few orders come under the other three.
"""

import zlib
from datetime import datetime
from typing import Any

from orders.domain.order import Order
from orders.domain.status import OrderStatus
from shared.clock import timestamp
from shared.dynamo import from_item, to_item

_SHARDS = 16
_LATE = "late"
_PARKED = "parked"
_UNSETTLED = "unsettled"


def attention_keys(order: Order) -> dict[str, str]:
    """The attributes that put the order into the index, or none for one that is done with."""
    shard = zlib.crc32(order.order_id.encode()) % _SHARDS
    match order.status:
        case OrderStatus.PARKED:
            return {"attention": _PARKED, "attention_since": order.since}
        case OrderStatus.CONFIRMED if order.is_reminded:
            return {"attention": _LATE, "attention_since": order.waiting_since}
        case OrderStatus.CONFIRMED:
            return {"attention": f"confirmed#{shard}", "attention_since": order.since}
        case status if status.is_open:
            return {"attention": f"open#{shard}", "attention_since": order.since}
    if order.is_unsettled:
        return {"attention": _UNSETTLED, "attention_since": order.payment_issues_since or order.since}
    return {}


class AttentionIndex:
    """Finds orders that are open, confirmed, parked or unsettled, by how long they are so."""

    def __init__(self, dynamodb: Any, table_name: str) -> None:
        self._dynamodb = dynamodb
        self._table = table_name

    def parked(self, limit: int) -> list[str]:
        """The ids of up to `limit` parked orders, the longest parked first."""
        return _ids(self._entries(_PARKED, limit), limit)

    def unsettled(self, limit: int) -> list[str]:
        """The ids of up to `limit` final orders whose payment has an open issue, the oldest issue first."""
        return _ids(self._entries(_UNSETTLED, limit), limit)

    def open_since_before(self, moment: datetime, limit: int) -> list[str]:
        """The ids of up to `limit` orders that are in an open status since before `moment`, the oldest first."""
        return _ids(self._of_shards("open", limit, moment), limit)

    def late(self, moment: datetime, limit: int) -> list[str]:
        """The ids of up to `limit` orders that are confirmed since before `moment`, the reminded ones first."""
        return _ids([*self._entries(_LATE, limit), *self._of_shards("confirmed", limit, moment)], limit)

    def due_for_reminder(self, moment: datetime, limit: int) -> list[str]:
        """The ids of up to `limit` orders that are confirmed without a reminder since before `moment`, the oldest
        first."""
        reminded = self._entries(_LATE, limit, moment)
        return _ids(sorted([*reminded, *self._of_shards("confirmed", limit, moment)]), limit)

    def _of_shards(self, kind: str, limit: int, before: datetime) -> list[tuple[str, str]]:
        shards = (self._entries(f"{kind}#{shard}", limit, before) for shard in range(_SHARDS))
        return sorted(entry for entries in shards for entry in entries)

    def _entries(self, key: str, limit: int, before: datetime | None = None) -> list[tuple[str, str]]:
        """Since when, and the order's id, of up to `limit` entries under `key`, the oldest first."""
        in_time = {} if before is None else {":before": timestamp(before)}
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=self._table,
            IndexName="by-attention",
            KeyConditionExpression="attention = :key" + (" AND attention_since < :before" if in_time else ""),
            ExpressionAttributeValues=to_item({":key": key, **in_time}),
            PaginationConfig={"MaxItems": limit, "PageSize": limit},
        )
        entries = [from_item(item) for page in pages for item in page["Items"]]
        return [(entry["attention_since"], entry["pk"]) for entry in entries]


def _ids(entries: list[tuple[str, str]], limit: int) -> list[str]:
    return [order_id for _, order_id in entries[:limit]]

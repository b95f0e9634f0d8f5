"""The payments table: `pk` = order id, one payment an order. Keys are as many as orders, so none is hot.

The index `by-progress` has the payments that wait for the provider's answer: a shard, and the time of the last change.
"""

import zlib
from datetime import datetime
from typing import Any

from payments.domain.payment import Payment
from shared.clock import timestamp
from shared.dynamo import to_item
from shared.events import Event
from shared.outbox import outbox_of
from shared.versioned_table import VersionedTable

# Every payment enters and leaves the index two or three times. One key of an index takes 1000 writes a second; these
# take 16000.
_PROGRESS_SHARDS = 16


class PaymentStore:
    """The payments table. Each write raises WriteConflict if another writer changed the payment first."""

    def __init__(self, dynamodb: Any, table_name: str) -> None:
        self._table = VersionedTable(dynamodb, table_name)

    def find(self, order_id: str) -> Payment | None:
        """The order's payment, as last written, or None."""
        item = self._table.get({"pk": order_id})
        return Payment.model_validate(item) if item else None

    def add(self, payment: Payment) -> Payment:
        """Stores the order's first payment."""
        self._table.put(_item(payment, []), replaces=0)
        return payment

    def save(self, payment: Payment, events: list[Event] | None = None) -> Payment:
        """Stores the next version of a payment, with its events in the outbox."""
        self._table.put(_item(payment, events or []), replaces=payment.version - 1)
        return payment

    def republish(self, payment: Payment, event: Event) -> None:
        """Has the relay publish an event of the payment once more; the payment stays as it is.

        The event is stored with its present cause. So the outbox differs from the published one, and the relay sees it.
        """
        self._table.put(_item(payment, [event]), replaces=payment.version)

    def under_way_since_before(self, moment: datetime, limit: int) -> list[str]:
        """The order ids of up to `limit` payments that have waited for the provider's answer since before `moment`, the
        oldest first."""
        found = [
            (item["updated_at"]["S"], item["pk"]["S"])
            for shard in range(_PROGRESS_SHARDS)
            for item in self._table.dynamodb.query(
                TableName=self._table.name,
                IndexName="by-progress",
                KeyConditionExpression="progress_shard = :shard AND updated_at < :moment",
                ExpressionAttributeValues=to_item({":shard": str(shard), ":moment": timestamp(moment)}),
                Limit=limit,
            )["Items"]
        ]
        return [order_id for _, order_id in sorted(found)[:limit]]


def _item(payment: Payment, events: list[Event]) -> dict[str, Any]:
    item = {"pk": payment.order_id, **payment.model_dump(exclude_none=True)}
    if not payment.return_refunds:
        # Most orders have no return; their items are as small as before there were any.
        del item["return_refunds"]
    if payment.is_under_way:
        item["progress_shard"] = str(zlib.crc32(payment.order_id.encode()) % _PROGRESS_SHARDS)
    return {**item, **outbox_of(events)}

"""The sandbox's table.

`pk` = `intent#<id>` for an intent, `key#<idempotency key>` for the answer to a request. The index `by-order` is on the
order id in an intent's metadata. An intent's change and the answer to its request are one transaction.
"""

import json
from typing import Any

from payments_sandbox.domain.idempotent_requests import StoredAnswer
from payments_sandbox.domain.intent import Answer, Intent
from shared.dynamo import from_item, to_item
from shared.versioned_table import VersionedTable, WriteConflict

# As long as Stripe remembers an idempotency key.
_KEY_LIFETIME_SECONDS = 24 * 3600


class IntentStore:
    """The intents, and the answers under idempotency keys."""

    def __init__(self, dynamodb: Any, table_name: str) -> None:
        self._table = VersionedTable(dynamodb, table_name)

    def find(self, intent_id: str) -> Intent | None:
        """The intent, as last written, or None."""
        item = self._table.get({"pk": f"intent#{intent_id}"})
        return Intent.model_validate(item) if item else None

    def of_order(self, order_id: str) -> list[Intent]:
        """The intents of the order; an intent opened this instant may be missing."""
        answer = self._table.dynamodb.query(
            TableName=self._table.name,
            IndexName="by-order",
            KeyConditionExpression="order_id = :order",
            ExpressionAttributeValues=to_item({":order": order_id}),
        )
        return [Intent.model_validate(from_item(item)) for item in answer["Items"]]

    def answer_under(self, key: str) -> StoredAnswer | None:
        """The answer to the first request with this idempotency key, or None."""
        item = self._table.get({"pk": f"key#{key}"})
        if item is None:
            return None
        return StoredAnswer(
            key, item["fingerprint"], Answer(item["status"], json.loads(item["body"]), item["late"])
        )

    def save(self, intent: Intent, stored: StoredAnswer | None, now: int) -> None:
        """Stores the intent's next version and the answer to its request, both or none; raises WriteConflict.

        `now` is Unix time in seconds.
        """
        shown = intent.model_dump(mode="json", exclude=None if intent.refunds else {"refunds"})
        item = {"pk": f"intent#{intent.id}", "order_id": intent.order_id, **shown}
        writes = [self._table.successor(item, replaces=intent.version - 1)]
        if stored:
            writes.append(self._table.new(_answer_item(stored, now)))
        if self._table.write_all(writes):
            raise WriteConflict(intent.id)


def _answer_item(stored: StoredAnswer, now: int) -> dict[str, Any]:
    return {
        "pk": f"key#{stored.key}",
        "fingerprint": stored.fingerprint,
        "status": int(stored.answer.status),
        "body": json.dumps(stored.answer.body),
        "late": stored.answer.late,
        "expires_at": now + _KEY_LIFETIME_SECONDS,
    }

"""The provider's books: the only module of the sandbox that knows DynamoDB.

`pk` = `intent#<id>` for an intent, `key#<idempotency key>` for the answer given to a request; index `by-order` = the
order id in an intent's metadata. An answer is written together with the intent's change, in one transaction.
"""

import json
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from payments_sandbox.domain.intent import Answer, Intent
from shared.dynamo import from_item, to_item

# As long as Stripe remembers an idempotency key.
_KEY_LIFETIME_SECONDS = 24 * 3600


@dataclass(frozen=True)
class GivenAnswer:
    """The answer that the first request with an idempotency key got, and that request's fingerprint."""

    key: str
    fingerprint: str
    answer: Answer


class Contended(Exception):
    """Another request wrote the intent, or the answer under the same key, first."""


class Books:
    """Access to the sandbox's table."""

    def __init__(self, dynamodb: Any, table_name: str) -> None:
        self._dynamodb = dynamodb
        self._table = table_name

    def intent(self, intent_id: str) -> Intent | None:
        """The intent, as last written, or None."""
        item = self._read(f"intent#{intent_id}")
        return Intent.model_validate(item) if item else None

    def intents_of_order(self, order_id: str) -> list[Intent]:
        """The intents opened for the order; one opened this instant may be missing."""
        answer = self._dynamodb.query(
            TableName=self._table,
            IndexName="by-order",
            KeyConditionExpression="order_id = :order",
            ExpressionAttributeValues=to_item({":order": order_id}),
        )
        return [Intent.model_validate(from_item(item)) for item in answer["Items"]]

    def given_answer(self, key: str) -> GivenAnswer | None:
        """What the first request with this idempotency key was answered, or None."""
        item = self._read(f"key#{key}")
        if item is None:
            return None
        answer = Answer(item["status"], json.loads(item["body"]), item["late"])
        return GivenAnswer(key, item["fingerprint"], answer)

    def write(self, intent: Intent, given: GivenAnswer | None, now: int) -> None:
        """Stores the intent's next version and the answer given for it, both or none; raises Contended.

        `now` is Unix time in seconds.
        """
        writes = [self._intent_write(intent)]
        if given:
            writes.append(self._answer_write(given, now))
        try:
            self._dynamodb.transact_write_items(TransactItems=writes)
        except ClientError as error:
            if error.response["Error"]["Code"] in (
                "TransactionCanceledException",
                "TransactionConflictException",
            ):
                raise Contended(intent.id) from error
            raise

    def _read(self, pk: str) -> dict[str, Any] | None:
        answer = self._dynamodb.get_item(TableName=self._table, Key=to_item({"pk": pk}), ConsistentRead=True)
        return from_item(answer["Item"]) if "Item" in answer else None

    def _intent_write(self, intent: Intent) -> dict[str, Any]:
        values = {"pk": f"intent#{intent.id}", "order_id": intent.order_id, **intent.model_dump(mode="json")}
        put: dict[str, Any] = {"TableName": self._table, "Item": to_item(values)}
        if intent.version == 1:
            put["ConditionExpression"] = "attribute_not_exists(pk)"
        else:
            put["ConditionExpression"] = "#version = :previous"
            put["ExpressionAttributeNames"] = {"#version": "version"}
            put["ExpressionAttributeValues"] = to_item({":previous": intent.version - 1})
        return {"Put": put}

    def _answer_write(self, given: GivenAnswer, now: int) -> dict[str, Any]:
        values = {
            "pk": f"key#{given.key}",
            "fingerprint": given.fingerprint,
            "status": int(given.answer.status),
            "body": json.dumps(given.answer.body),
            "late": given.answer.late,
            "expires_at": now + _KEY_LIFETIME_SECONDS,
        }
        put = {
            "TableName": self._table,
            "Item": to_item(values),
            "ConditionExpression": "attribute_not_exists(pk)",
        }
        return {"Put": put}

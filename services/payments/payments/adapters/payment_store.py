"""The payments and the observations table: the only module of the service that knows DynamoDB.

Payments: `pk` = order id, one payment an order. Keys are as many as orders, so none is hot. The index `by-progress` has
the payments for which the provider was asked and did not answer yet, by a shard and by when that was; keys alone.
"""

import zlib
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from payments.domain.observation import Observation, ObservationContended
from payments.domain.payment import Payment
from shared.clock import timestamp
from shared.dynamo import condition_failed, from_item, to_item
from shared.errors import TransientError
from shared.events import Event
from shared.outbox import outbox_of

# The provider repeats an event for three days, and lets it be sent again by hand for thirty.
EVENT_LIFETIME_SECONDS = 31 * 24 * 3600


# Every payment enters the index of those under way and leaves it, two or three times in its life. One key of an index
# takes 1000 writes a second; these take 16000.
_PROGRESS_SHARDS = 16
# Differences are few, so one key of the index holds them.
_DIFFERING = "yes"


class PaymentContended(TransientError):
    """Another change of the same payment came first; trying again works on the changed payment."""


class PaymentStore:
    """Access to the payments table."""

    def __init__(self, dynamodb: Any, table_name: str) -> None:
        self._dynamodb = dynamodb
        self._table = table_name

    def find(self, order_id: str) -> Payment | None:
        """The order's payment, as last written, or None."""
        answer = self._dynamodb.get_item(
            TableName=self._table, Key=to_item({"pk": order_id}), ConsistentRead=True
        )
        return Payment.model_validate(from_item(answer["Item"])) if "Item" in answer else None

    def add(self, payment: Payment) -> Payment:
        """Stores the order's first payment record; raises PaymentContended when it has one."""
        self._write(payment, [], ConditionExpression="attribute_not_exists(pk)")
        return payment

    def save(self, payment: Payment, events: list[Event] | None = None) -> Payment:
        """Stores the next version of a payment with its events; raises PaymentContended unless it is the next."""
        self._write(
            payment,
            events or [],
            ConditionExpression="#version = :previous",
            ExpressionAttributeNames={"#version": "version"},
            ExpressionAttributeValues=to_item({":previous": payment.version - 1}),
        )
        return payment

    def tell_again(self, payment: Payment, event: Event) -> None:
        """Has the relay publish `event`, which told of the payment as it is; raises PaymentContended when it is not.

        It is written with its present cause, so that the outbox differs from the one that was published.
        """
        self._write(
            payment,
            [event],
            ConditionExpression="#version = :version",
            ExpressionAttributeNames={"#version": "version"},
            ExpressionAttributeValues=to_item({":version": payment.version}),
        )

    def under_way_since_before(self, moment: datetime, limit: int) -> list[str]:
        """The orders of up to `limit` payments that wait for the provider's answer since before `moment`, the oldest
        first."""
        found = [
            (item["updated_at"]["S"], item["pk"]["S"])
            for shard in range(_PROGRESS_SHARDS)
            for item in self._dynamodb.query(
                TableName=self._table,
                IndexName="by-progress",
                KeyConditionExpression="progress_shard = :shard AND updated_at < :moment",
                ExpressionAttributeValues=to_item({":shard": str(shard), ":moment": timestamp(moment)}),
                Limit=limit,
            )["Items"]
        ]
        return [order_id for _, order_id in sorted(found)[:limit]]

    def _write(self, payment: Payment, events: list[Event], **condition: Any) -> None:
        item = {"pk": payment.order_id, **payment.model_dump(mode="json", exclude_none=True)}
        if payment.status.is_under_way:
            item["progress_shard"] = str(zlib.crc32(payment.order_id.encode()) % _PROGRESS_SHARDS)
        try:
            self._dynamodb.put_item(
                TableName=self._table, Item=to_item({**item, "outbox": outbox_of(events)}), **condition
            )
        except ClientError as error:
            if condition_failed(error):
                raise PaymentContended(payment.order_id) from error
            raise


class ObservationStore:
    """Access to the observations table: what the provider says, apart from what we have written down ourselves.

    `pk` = `intent#<provider reference>` for the last observation of an intent, `event#<event id>` for an event that was
    recorded. The index `by-difference` has the observations that fit no payment of ours, and no others.
    """

    def __init__(self, dynamodb: Any, table_name: str) -> None:
        self._dynamodb = dynamodb
        self._table = table_name

    def last(self, reference: str) -> Observation | None:
        """What the provider was last heard to say of an intent, or None."""
        answer = self._dynamodb.get_item(
            TableName=self._table, Key=to_item({"pk": f"intent#{reference}"}), ConsistentRead=True
        )
        return Observation.model_validate(from_item(answer["Item"])) if "Item" in answer else None

    def record(self, event_id: str, observation: Observation | None, now: int) -> bool:
        """Remembers the event, and stores `observation` as the intent's next version where there is one, both or none.

        False when the event was recorded before, and then nothing is stored. `now` is in Unix seconds. Raises
        ObservationContended unless `observation` is the next version.
        """
        writes = [
            self._put({"pk": f"event#{event_id}", "expires_at": now + EVENT_LIFETIME_SECONDS}, previous=0)
        ]
        if observation:
            writes.append(self._put(_observation_item(observation), previous=observation.version - 1))
        try:
            self._dynamodb.transact_write_items(TransactItems=writes)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code not in ("TransactionCanceledException", "TransactionConflictException"):
                raise
            reasons: list[Any] = error.response.get("CancellationReasons", [])
            if reasons and reasons[0].get("Code") == "ConditionalCheckFailed":
                return False
            raise ObservationContended(event_id) from error
        return True

    def differing(self, limit: int) -> list[str]:
        """The references of up to `limit` intents whose observation fits no payment of ours, the oldest first."""
        answer = self._dynamodb.query(
            TableName=self._table,
            IndexName="by-difference",
            KeyConditionExpression="differing = :yes",
            ExpressionAttributeValues=to_item({":yes": _DIFFERING}),
            Limit=limit,
        )
        return [item["pk"]["S"].removeprefix("intent#") for item in answer["Items"]]

    def amend(self, observation: Observation) -> None:
        """Stores the next version of an intent's observation; raises ObservationContended unless it is the next."""
        try:
            self._dynamodb.put_item(
                **self._put(_observation_item(observation), previous=observation.version - 1)["Put"]
            )
        except ClientError as error:
            if condition_failed(error):
                raise ObservationContended(observation.reference) from error
            raise

    def _put(self, item: dict[str, Any], *, previous: int) -> dict[str, Any]:
        put: dict[str, Any] = {"TableName": self._table, "Item": to_item(item)}
        if previous == 0:
            put["ConditionExpression"] = "attribute_not_exists(pk)"
        else:
            put["ConditionExpression"] = "#version = :previous"
            put["ExpressionAttributeNames"] = {"#version": "version"}
            put["ExpressionAttributeValues"] = to_item({":previous": previous})
        return {"Put": put}


def _observation_item(observation: Observation) -> dict[str, Any]:
    return {
        "pk": f"intent#{observation.reference}",
        **({"differing": _DIFFERING} if observation.differs_from else {}),
        **observation.model_dump(mode="json", exclude_none=True),
    }

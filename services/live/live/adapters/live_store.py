"""The live table: the only module of the service that knows DynamoDB.

`pk` = customer id, so all that concerns one customer is read consistently, and nothing lies under one key for all.
`sk` = `feed` (where the feed is, or that the customer was erased) · `change#<position>` (what they were told) ·
`order#<id>` (the newest version told of) · `connection#<id>`. Everything but `feed` expires by `expires_at`.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from live.domain.feed import FEED_KEPT, VERSIONS_KEPT, Change, Connection, Entry, epoch, plain
from shared.clock import timestamp
from shared.dynamo import condition_failed, from_item, to_item
from shared.errors import Forbidden, TransientError

# Only events of the same customer ever meet.
_ATTEMPTS = 5
_BATCH = 25
# Longer than any message about the customer can lie around, and than any token of theirs is good.
_ERASURE_KEPT = timedelta(days=30)


class FeedContended(TransientError):
    """Others wrote into the same customer's feed at every try; the queue delivers the event again."""


class AccountClosed(Forbidden):
    """The account was deleted; its token is valid for a while yet, but watches nothing any more."""

    code = "account-closed"


class LiveStore:
    """Access to the live table."""

    def __init__(self, dynamodb: Any, table_name: str) -> None:
        self._dynamodb = dynamodb
        self._table = table_name

    def tell(self, customer_id: str, change: Change, now: datetime) -> Entry | None:
        """Puts `change` into the customer's feed, once, and returns it with its place: the same one at every repeat.

        None when something newer was told of the order, or the customer was erased. Raises FeedContended.
        """
        for _ in range(_ATTEMPTS):
            feed = self._item(customer_id, "feed")
            told = self._item(customer_id, f"order#{change.order_id}")
            if "erased_at" in feed:
                return None
            if told and told["version"] >= change.version:
                return self._entry(customer_id, told) if told["event_id"] == change.event_id else None
            entry = Entry(feed.get("position", 0) + 1, change)
            if self._append(customer_id, entry, now):
                return entry
        raise FeedContended(change.order_id)

    def position(self, customer_id: str) -> int:
        """Where the customer's feed is: 0 before the first change."""
        return int(self._item(customer_id, "feed").get("position", 0))

    def told_after(self, customer_id: str, position: int, limit: int) -> list[Entry]:
        """The first `limit` entries behind `position` that are kept, oldest first."""
        answer = self._dynamodb.query(
            TableName=self._table,
            KeyConditionExpression="pk = :customer AND sk BETWEEN :first AND :last",
            ExpressionAttributeValues=to_item(
                {":customer": customer_id, ":first": _change_key(position + 1), ":last": "change#~"}
            ),
            ConsistentRead=True,
            Limit=limit,
        )
        return [_entry_in(from_item(item)) for item in answer["Items"]]

    def connect(self, connection: Connection) -> None:
        """Keeps a new connection; raises AccountClosed when its customer was erased."""
        item = {
            "pk": connection.customer_id,
            "sk": f"connection#{connection.connection_id}",
            **connection.model_dump(exclude={"order_ids"}),
        }
        try:
            self._dynamodb.transact_write_items(
                TransactItems=[
                    {
                        "ConditionCheck": {
                            "TableName": self._table,
                            "Key": _key(connection.customer_id, "feed"),
                            "ConditionExpression": "attribute_not_exists(erased_at)",
                        }
                    },
                    {"Put": {"TableName": self._table, "Item": to_item(item)}},
                ]
            )
        except ClientError as error:
            if "ConditionalCheckFailed" in _cancelled_because(error):
                raise AccountClosed("This account was closed.") from error
            raise

    def connection(self, customer_id: str, connection_id: str) -> Connection | None:
        """The connection, or None when it is gone."""
        item = self._item(customer_id, f"connection#{connection_id}")
        return _connection_in(item) if item else None

    def connections(self, customer_id: str) -> list[Connection]:
        """The customer's connections, with what they watch as it was last written."""
        return [_connection_in(item) for item in self._items(customer_id, "connection#")]

    def watch(self, connection: Connection, order_id: str | None) -> Connection | None:
        """Lets the connection watch one order, or all; None when it is gone."""
        if order_id is None:
            return self._update(connection, "SET all_orders = :all", {":all": True})
        return self._update(connection, "ADD order_ids :orders", {":orders": {order_id}})

    def ignore(self, connection: Connection, order_id: str | None) -> Connection | None:
        """Lets the connection watch that order no more, or none at all; None when it is gone."""
        if order_id is None:
            return self._update(connection, "SET all_orders = :all REMOVE order_ids", {":all": False})
        return self._update(connection, "DELETE order_ids :orders", {":orders": {order_id}})

    def disconnect(self, customer_id: str, connection_id: str) -> None:
        """Forgets a connection; there being none is as good."""
        self._dynamodb.delete_item(
            TableName=self._table, Key=_key(customer_id, f"connection#{connection_id}")
        )

    def close_account(self, customer_id: str, now: datetime) -> None:
        """From now on the customer is told nothing, and nobody connects as them."""
        self._dynamodb.update_item(
            TableName=self._table,
            Key=_key(customer_id, "feed"),
            UpdateExpression="SET erased_at = :now, expires_at = :expires",
            ExpressionAttributeValues=to_item(
                {":now": timestamp(now), ":expires": epoch(now, _ERASURE_KEPT)}
            ),
        )

    def erase(self, customer_id: str) -> int:
        """Deletes all that is left of a customer whose account is closed; how much that was."""
        keys = [
            {"pk": item["pk"], "sk": item["sk"]}
            for item in self._items(customer_id, "")
            if item["sk"] != "feed"
        ]
        for start in range(0, len(keys), _BATCH):
            requests = [{"DeleteRequest": {"Key": to_item(key)}} for key in keys[start : start + _BATCH]]
            answer = self._dynamodb.batch_write_item(RequestItems={self._table: requests})
            if answer.get("UnprocessedItems"):
                raise FeedContended(f"{len(keys)} items of an erased customer could not all be deleted")
        return len(keys)

    def _append(self, customer_id: str, entry: Entry, now: datetime) -> bool:
        """Writes the entry, where the feed is, and the order's version at once; whether nobody came in between.

        Whoever told of the order since its version was read has moved the feed on, so one condition guards both.
        """
        order = f"order#{entry.change.order_id}"
        try:
            self._dynamodb.transact_write_items(
                TransactItems=[
                    {
                        "Update": {
                            "TableName": self._table,
                            "Key": _key(customer_id, "feed"),
                            "UpdateExpression": "SET #position = :position",
                            "ConditionExpression": "attribute_not_exists(erased_at) AND "
                            "(#position = :before OR (attribute_not_exists(#position) AND :before = :start))",
                            "ExpressionAttributeNames": {"#position": "position"},
                            "ExpressionAttributeValues": to_item(
                                {":position": entry.position, ":before": entry.position - 1, ":start": 0}
                            ),
                        }
                    },
                    {
                        "Put": {
                            "TableName": self._table,
                            "Item": to_item(
                                {
                                    "pk": customer_id,
                                    "sk": _change_key(entry.position),
                                    "position": entry.position,
                                    "change": plain(entry.change),
                                    "expires_at": epoch(now, FEED_KEPT),
                                }
                            ),
                        }
                    },
                    {
                        "Put": {
                            "TableName": self._table,
                            "Item": to_item(
                                {
                                    "pk": customer_id,
                                    "sk": order,
                                    "version": entry.change.version,
                                    "event_id": entry.change.event_id,
                                    "position": entry.position,
                                    "expires_at": epoch(now, VERSIONS_KEPT),
                                }
                            ),
                        }
                    },
                ]
            )
        except ClientError as error:
            if _cancelled_because(error) & {"ConditionalCheckFailed", "TransactionConflict"}:
                return False
            raise
        return True

    def _update(self, connection: Connection, expression: str, values: dict[str, Any]) -> Connection | None:
        try:
            answer = self._dynamodb.update_item(
                TableName=self._table,
                Key=_key(connection.customer_id, f"connection#{connection.connection_id}"),
                UpdateExpression=expression,
                ConditionExpression="attribute_exists(pk)",
                ExpressionAttributeValues=to_item(values),
                ReturnValues="ALL_NEW",
            )
        except ClientError as error:
            if condition_failed(error):
                return None
            raise
        return _connection_in(from_item(answer["Attributes"]))

    def _entry(self, customer_id: str, told: dict[str, Any]) -> Entry | None:
        item = self._item(customer_id, _change_key(told["position"]))
        return _entry_in(item) if item else None

    def _item(self, customer_id: str, sort_key: str) -> dict[str, Any]:
        answer = self._dynamodb.get_item(
            TableName=self._table, Key=_key(customer_id, sort_key), ConsistentRead=True
        )
        return from_item(answer.get("Item", {}))

    def _items(self, customer_id: str, prefix: str) -> Iterator[dict[str, Any]]:
        condition = "pk = :customer" + (" AND begins_with(sk, :prefix)" if prefix else "")
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression=condition,
            ExpressionAttributeValues=to_item({":customer": customer_id, ":prefix": prefix or None}),
            ConsistentRead=True,
        )
        for page in pages:
            yield from (from_item(item) for item in page["Items"])


def _key(customer_id: str, sort_key: str) -> dict[str, Any]:
    return to_item({"pk": customer_id, "sk": sort_key})


def _change_key(position: int) -> str:
    return f"change#{position:012}"


def _entry_in(item: dict[str, Any]) -> Entry:
    return Entry(item["position"], Change.model_validate(item["change"]))


def _connection_in(item: dict[str, Any]) -> Connection:
    return Connection.model_validate(item)


def _cancelled_because(error: ClientError) -> set[str]:
    """Why DynamoDB cancelled a transaction; nothing for any other error."""
    reasons: list[dict[str, Any]] = error.response.get("CancellationReasons", [])  # type: ignore[assignment]
    if error.response["Error"]["Code"] == "TransactionConflictException":
        return {"TransactionConflict"}
    return {str(reason.get("Code")) for reason in reasons}

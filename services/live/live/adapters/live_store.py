"""The live table.

    pk = customer id
    sk = feed                 the feed's last position, or `erased_at` for a closed account; only a closed one expires
         change#<position>    a change in the feed
         order#<id>           the newest version of the order in the feed; return#<id> of a return
         connection#<id>      an open WebSocket and its subscriptions

All items of a customer can be read consistently, and customers share no key.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from live.domain.connection import AccountClosed, Connection
from live.domain.feed import (
    CHANGES_EXPIRE_AFTER,
    VERSIONS_EXPIRE_AFTER,
    Change,
    Entry,
    present_fields,
    stored_change,
)
from shared.clock import timestamp
from shared.dynamo import from_item, to_item
from shared.versioned_table import VersionedTable, Write, WriteConflict, retry_on_conflict

# Longer than an event of the customer can wait as a message or dead letter, and than their token is valid.
_ERASURE_EXPIRES_AFTER = timedelta(days=30)
_OPEN = "attribute_not_exists(erased_at)"


class LiveStore:
    """Access to the live table."""

    def __init__(self, dynamodb: Any, table_name: str) -> None:
        self._table = VersionedTable(dynamodb, table_name)

    def append(self, customer_id: str, change: Change, now: datetime) -> Entry | None:
        """Appends `change` to the customer's feed, once; returns its entry, the same one at every repeat.

        None if the feed has a newer version of the order, or the account is closed. Raises WriteConflict.
        """
        return retry_on_conflict(self._append, customer_id, change, now)

    def position(self, customer_id: str) -> int:
        """The last position in the customer's feed; 0 before the first change."""
        return int(self._item(customer_id, "feed").get("position", 0))

    def entries_after(self, customer_id: str, position: int, limit: int) -> list[Entry]:
        """The first `limit` unexpired entries behind `position`, oldest first."""
        answer = self._table.dynamodb.query(
            TableName=self._table.name,
            KeyConditionExpression="pk = :customer AND sk BETWEEN :first AND :last",
            ExpressionAttributeValues=to_item(
                {":customer": customer_id, ":first": _change_key(position + 1), ":last": "change#~"}
            ),
            ConsistentRead=True,
            Limit=limit,
        )
        return [_entry_in(from_item(item)) for item in answer["Items"]]

    def connect(self, connection: Connection) -> None:
        """Stores a new connection. Raises AccountClosed or WriteConflict."""
        writes = [
            self._check_open(connection.customer_id),
            self._put(
                connection.customer_id,
                _connection_key(connection.connection_id),
                connection.model_dump(exclude={"order_ids"}),
            ),
        ]
        if retry_on_conflict(self._table.write_all, writes):
            raise AccountClosed("This account was closed.")

    def connection(self, customer_id: str, connection_id: str) -> Connection | None:
        """The connection, or None if it has ended."""
        item = self._item(customer_id, _connection_key(connection_id))
        return Connection.model_validate(item) if item else None

    def connections(self, customer_id: str) -> list[Connection]:
        """The customer's connections, with their subscriptions as last written."""
        return [Connection.model_validate(item) for item in self._items(customer_id, "connection#")]

    def subscribe(self, connection: Connection, order_id: str | None) -> Connection | None:
        """Subscribes the connection to one order, or to all; None if the connection has ended."""
        if order_id is None:
            return self._update(connection, "SET all_orders = :all", {":all": True})
        return self._update(connection, "ADD order_ids :orders", {":orders": {order_id}})

    def unsubscribe(self, connection: Connection, order_id: str | None) -> Connection | None:
        """Ends the subscription to one order, or all subscriptions; None if the connection has ended."""
        if order_id is None:
            return self._update(connection, "SET all_orders = :all REMOVE order_ids", {":all": False})
        return self._update(connection, "DELETE order_ids :orders", {":orders": {order_id}})

    def disconnect(self, customer_id: str, connection_id: str) -> None:
        """Deletes a connection; does nothing if it is gone. Raises WriteConflict."""
        self._table.delete(_key(customer_id, _connection_key(connection_id)))

    def close_account(self, customer_id: str, now: datetime) -> None:
        """Closes the customer's feed: from now on it takes no change, and the customer opens no connection."""
        write = self._table.update(
            _key(customer_id, "feed"),
            "SET erased_at = :now, expires_at = :expires",
            {":now": timestamp(now), ":expires": _epoch(now, _ERASURE_EXPIRES_AFTER)},
        )
        retry_on_conflict(self._table.write_one, write)

    def erase(self, customer_id: str) -> int:
        """Deletes the items of a customer whose account is closed; returns their number. Raises Throttled."""
        keys = [
            _key(customer_id, item["sk"]) for item in self._items(customer_id, "") if item["sk"] != "feed"
        ]
        self._table.delete_all(keys)
        return len(keys)

    def _append(self, customer_id: str, change: Change, now: datetime) -> Entry | None:
        feed = self._item(customer_id, "feed")
        newest = self._item(customer_id, change.subject)
        if "erased_at" in feed:
            return None
        if newest and newest["version"] >= change.version:
            return self._entry(customer_id, newest) if newest["event_id"] == change.event_id else None
        entry = Entry(feed.get("position", 0) + 1, change)
        if self._table.write_all(self._writes_of(customer_id, entry, now)):
            raise WriteConflict(f"another change of {customer_id} came first, or the account was closed")
        return entry

    def _writes_of(self, customer_id: str, entry: Entry, now: datetime) -> list[Write]:
        """The feed's next position, the change, and the order's version, as one transaction.

        Another writer of the same order has moved the feed on as well, so the condition on the feed guards all three.
        """
        change = entry.change
        return [
            self._advance(customer_id, entry.position),
            self._put(
                customer_id,
                _change_key(entry.position),
                {
                    "position": entry.position,
                    "change": present_fields(change),
                    "expires_at": _epoch(now, CHANGES_EXPIRE_AFTER),
                },
            ),
            self._put(
                customer_id,
                change.subject,
                {
                    "version": change.version,
                    "event_id": change.event_id,
                    "position": entry.position,
                    "expires_at": _epoch(now, VERSIONS_EXPIRE_AFTER),
                },
            ),
        ]

    def _advance(self, customer_id: str, position: int) -> Write:
        """Moves the feed on to `position`, which is its version under the name that stored feeds have."""
        write = self._table.update(
            _key(customer_id, "feed"),
            "SET #position = :position",
            {":position": position, ":before": position - 1, ":start": 0},
            condition=f"{_OPEN} AND "
            "(#position = :before OR (attribute_not_exists(#position) AND :before = :start))",
        )
        write["Update"]["ExpressionAttributeNames"] = {"#position": "position"}
        return write

    def _check_open(self, customer_id: str) -> Write:
        check = {"Key": to_item(_key(customer_id, "feed")), "ConditionExpression": _OPEN}
        return {"ConditionCheck": {"TableName": self._table.name, **check}}

    def _put(self, customer_id: str, sort_key: str, values: dict[str, Any]) -> Write:
        item = to_item({**_key(customer_id, sort_key), **values})
        return {"Put": {"TableName": self._table.name, "Item": item}}

    def _update(self, connection: Connection, expression: str, values: dict[str, Any]) -> Connection | None:
        key = _key(connection.customer_id, _connection_key(connection.connection_id))
        write = self._table.update(key, expression, values, condition="attribute_exists(pk)")
        answer = retry_on_conflict(self._table.write_one, write, ReturnValues="ALL_NEW")
        return Connection.model_validate(from_item(answer["Attributes"])) if answer else None

    def _entry(self, customer_id: str, newest: dict[str, Any]) -> Entry | None:
        item = self._item(customer_id, _change_key(newest["position"]))
        return _entry_in(item) if item else None

    def _item(self, customer_id: str, sort_key: str) -> dict[str, Any]:
        return self._table.get(_key(customer_id, sort_key)) or {}

    def _items(self, customer_id: str, prefix: str) -> Iterator[dict[str, Any]]:
        condition = "pk = :customer" + (" AND begins_with(sk, :prefix)" if prefix else "")
        pages = self._table.dynamodb.get_paginator("query").paginate(
            TableName=self._table.name,
            KeyConditionExpression=condition,
            ExpressionAttributeValues=to_item({":customer": customer_id, ":prefix": prefix or None}),
            ConsistentRead=True,
        )
        for page in pages:
            yield from (from_item(item) for item in page["Items"])


def _key(customer_id: str, sort_key: str) -> dict[str, str]:
    return {"pk": customer_id, "sk": sort_key}


def _change_key(position: int) -> str:
    return f"change#{position:012}"


def _connection_key(connection_id: str) -> str:
    return f"connection#{connection_id}"


def _epoch(moment: datetime, lifetime: timedelta) -> int:
    """The end of `lifetime` for an item written at `moment`, as DynamoDB's time to live takes it."""
    return int((moment + lifetime).timestamp())


def _entry_in(item: dict[str, Any]) -> Entry:
    return Entry(item["position"], stored_change(item["change"]))

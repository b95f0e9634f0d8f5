"""The orders table: an order with the events of its last change, in one item.

    an order                         pk = order id
    a closed account                 pk = "customer#" and the customer's id; no other account has such an item
    a customer's declined payments   pk = "declines#" and the customer's id; empty for ever when the account is closed
    index by-customer-keys           customer_id, placed_at: a customer's orders in the order of time
    index by-customer-status-keys    customer_status = customer id, "#" and status; placed_at: those in one status
    index by-attention               attention, attention_since
    index by-placement               placed_shard, placement

All indexes hold keys alone, so a change of an order writes only those whose key it changes. The modules
`attention_index` and `placement_index` explain the last two.

Release 0.6.0 takes every item under "customer#" for a closed account, so nothing else may stand there.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields
from typing import Any

from orders.adapters.attention_index import attention_keys
from orders.adapters.placement_index import placement_keys
from orders.domain.customer_account import CustomerAccount
from orders.domain.order import Order, is_order_id
from orders.domain.personal_data import PERSONAL, unread_personal_data
from orders.domain.status import OrderStatus
from shared.dynamo import from_item, to_item
from shared.errors import TransientError
from shared.events import Event
from shared.outbox import outbox_of
from shared.versioned_table import VersionedTable, retry_on_conflict

type Position = dict[str, str]
"""Where a page of a customer's orders ended: `placed_at` and `pk` of its last order."""


class OrderMissing(TransientError):
    """There is no such order, or not yet."""


class OrderStore:
    """Access to the orders table."""

    def __init__(self, dynamodb: Any, table_name: str) -> None:
        self._table = VersionedTable(dynamodb, table_name)

    def add(self, order: Order, events: list[Event]) -> Order:
        """Stores a new order with its events, or returns the one that is stored under its id, untouched."""
        stored = self._table.put_new(order_item(order, events))
        return order if stored is None else Order.model_validate(stored)

    def find(self, order_id: str) -> Order | None:
        """The order, as last written, or None."""
        if not is_order_id(order_id):
            # The function's policy lets it read orders alone.
            return None
        item = self._table.get({"pk": order_id})
        return None if item is None else Order.model_validate(item)

    def find_for_placement(self, order_id: str, customer_id: str) -> tuple[Order | None, CustomerAccount]:
        """The order that was placed under this id before, or None; and the customer's account.

        One request reads all. Raises Throttled.
        """
        closed, declines = _closed_key(customer_id), _declines_key(customer_id)
        keys = [{"pk": order_id}, closed, declines]
        found = {item["pk"]: item for item in self._table.get_all(keys, consistent=True)}
        order = Order.model_validate(found[order_id]) if order_id in found else None
        account = {**found.get(declines["pk"], {}), **found.get(closed["pk"], {})}
        return order, CustomerAccount.model_validate(account)

    def find_if(self, order_ids: Iterable[str], condition: Callable[[Order], bool]) -> Iterator[Order]:
        """The orders of these ids, as last written, that meet `condition`: an index lags behind its table."""
        for order_id in order_ids:
            order = self.find(order_id)
            if order is not None and condition(order):
                yield order

    def find_all(self, order_ids: Iterable[str], *, consistent: bool = False) -> Iterator[Order]:
        """The orders of these ids, in this order, read a hundred at a time; raises Throttled.

        With `consistent`, as last written, at twice the price.
        """
        keys = ({"pk": order_id} for order_id in order_ids)
        return map(Order.model_validate, self._table.get_all(keys, consistent=consistent))

    def change(self, order_id: str, change: Callable[[Order], tuple[Order, list[Event]]]) -> Order:
        """Applies `change` to the order and stores the result with its events, if it changed anything.

        If another writer changed the order first, `change` starts over from their version. Raises OrderMissing,
        WriteConflict if that goes on and on, and the exceptions of `change`.
        """
        return retry_on_conflict(self._change_once, order_id, change)

    def _change_once(self, order_id: str, change: Callable[[Order], tuple[Order, list[Event]]]) -> Order:
        order = self.find(order_id)
        if order is None:
            raise OrderMissing(order_id)
        changed, events = change(order)
        if changed != order:
            self._table.put(order_item(changed, events), replaces=order.version)
        return changed

    def add_countries(self) -> int:
        """Gives each order that lacks it the attribute `country` of its address; returns how many it changed.

        Versions and events stay as they are. A change meanwhile stores the attribute itself.
        """
        pages = self._table.dynamodb.get_paginator("scan").paginate(
            TableName=self._table.name,
            FilterExpression="attribute_exists(shipping_address) AND attribute_not_exists(country)",
            ProjectionExpression="pk, version, shipping_address",
            ConsistentRead=True,
        )
        items = (from_item(item) for page in pages for item in page["Items"])
        return sum(map(self._add_country, items))

    def _add_country(self, item: dict[str, Any]) -> bool:
        write = self._table.update(
            {"pk": item["pk"]},
            "SET country = :country",
            {":country": item["shipping_address"]["country"], ":version": item["version"]},
            condition="version = :version",
        )
        return self._table.write_one(write) is not None

    def close_account(self, customer_id: str, moment: str) -> str:
        """Refuses every placement of the customer from now on; returns since when (`moment`, the first time).

        It forgets the declined payments, and a saga that still runs adds none. Raises WriteConflict.
        """
        mark = {**_closed_key(customer_id), "closed_at": moment, **outbox_of([])}
        since = str((self._table.put_new(mark) or mark)["closed_at"])
        self.change_declines(customer_id, lambda account: account.close(since))
        return since

    def change_declines(self, customer_id: str, change: Callable[[CustomerAccount], CustomerAccount]) -> None:
        """Applies `change` to the account's declined payments and stores the result, if it changed anything.

        If another writer changed them first, `change` starts over. Raises WriteConflict if that goes on and on.
        """
        retry_on_conflict(self._change_declines_once, _declines_key(customer_id), change)

    def _change_declines_once(
        self, key: dict[str, str], change: Callable[[CustomerAccount], CustomerAccount]
    ) -> None:
        account = CustomerAccount.model_validate(self._table.get(key) or {})
        changed = change(account)
        if changed != account:
            item = {**key, **changed.model_dump(exclude_defaults=True), **outbox_of([])}
            self._table.put(item, replaces=account.version)

    def count_in_status(self, customer_id: str, status: OrderStatus, *, at_most: int) -> int:
        """How many orders of the customer are in this status, counted up to `at_most`.

        An index lags behind its table, so the youngest may be missing.
        """
        answer = self._table.dynamodb.query(
            TableName=self._table.name,
            IndexName="by-customer-status-keys",
            KeyConditionExpression="#hash = :hash",
            ExpressionAttributeNames={"#hash": "customer_status"},
            ExpressionAttributeValues=to_item({":hash": _customer_status(customer_id, status)}),
            Select="COUNT",
            Limit=at_most,
        )
        return int(answer["Count"])

    def orders_of_customer(
        self, customer_id: str, limit: int, after: Position | None, status: OrderStatus | None = None
    ) -> tuple[list[Order], Position | None]:
        """A page of the customer's orders, newest first, and the position after it, or None at the end.

        With `status`, only orders in it. `after` is the position at which an earlier page ended. An index lags behind
        its table, so a page leaves out an order that has another status by now. Raises Throttled.
        """
        index, name, value = (
            ("by-customer-keys", "customer_id", customer_id)
            if status is None
            else ("by-customer-status-keys", "customer_status", _customer_status(customer_id, status))
        )
        start = {"ExclusiveStartKey": to_item({**after, name: value})} if after else {}
        answer = self._table.dynamodb.query(
            TableName=self._table.name,
            IndexName=index,
            KeyConditionExpression="#hash = :hash",
            ExpressionAttributeNames={"#hash": name},
            ExpressionAttributeValues=to_item({":hash": value}),
            ScanIndexForward=False,
            Limit=limit,
            **start,
        )
        last = answer.get("LastEvaluatedKey")
        position = {key: entry for key, entry in from_item(last).items() if key != name} if last else None
        found = self.find_all([item["pk"]["S"] for item in answer["Items"]], consistent=True)
        return [order for order in found if status in (None, order.status)], position


class RedactedOrders:
    """Reads orders without their personal data, for functions that judge or export them.

    Their policies allow REDACTED_ATTRIBUTES alone. An order comes as if its personal data were erased, with the country
    of its address. That is empty for an order of release 0.7.0 or earlier, until it changes or `add_countries` was run.
    """

    def __init__(self, dynamodb: Any, table_name: str) -> None:
        self._table = VersionedTable(dynamodb, table_name)

    def find(self, order_id: str) -> Order | None:
        """The order, as last written, or None."""
        item = self._table.get({"pk": order_id}, attributes=REDACTED_ATTRIBUTES)
        return None if item is None else _redacted(item)

    def find_all(self, order_ids: Iterable[str]) -> Iterator[Order]:
        """The orders of these ids, in this order, read a hundred at a time; raises Throttled."""
        keys = ({"pk": order_id} for order_id in order_ids)
        return map(_redacted, self._table.get_all(keys, attributes=REDACTED_ATTRIBUTES))


REDACTED_ATTRIBUTES = (
    "pk",
    "country",
    *(entry.name for entry in fields(Order) if entry.name not in PERSONAL),
)
"""The attributes of an order's item that hold no personal data, and that make an Order."""


def _redacted(item: dict[str, Any]) -> Order:
    return Order.model_validate({**item, **unread_personal_data(item.get("country", ""))})


def order_item(order: Order, events: list[Event]) -> dict[str, Any]:
    """The item of the order with its events, as plain values."""
    return {
        "pk": order.order_id,
        "customer_status": _customer_status(order.customer_id, order.status),
        **attention_keys(order),
        **placement_keys(order),
        # Readers that may not read the address need it, and IAM tells top-level attributes apart alone.
        "country": order.shipping_address.country,
        # An attribute costs its size at every write, so an item leaves out what has its default.
        **order.model_dump(exclude_defaults=True),
        **outbox_of(events),
    }


def _customer_status(customer_id: str, status: OrderStatus) -> str:
    return f"{customer_id}#{status.value}"


def _closed_key(customer_id: str) -> dict[str, str]:
    return {"pk": f"customer#{customer_id}"}


def _declines_key(customer_id: str) -> dict[str, str]:
    return {"pk": f"declines#{customer_id}"}

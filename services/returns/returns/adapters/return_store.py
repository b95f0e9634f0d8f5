"""The returns table: a fulfilled order and all its returns in one item, with the events of their last change.

    a fulfilled order     pk = order id           OrderReturns, with its outbox; returned_by = its customer, once it
                                                  has a return
    a return that waits   pk = return id          waiting, waiting_place; gone once the return is final
    a closed account      pk = "customer#" and the customer's id
    index by-customer     returned_by, fulfilled_at: a customer's orders with returns
    index by-waiting      waiting = a return's status; waiting_place = since when, "#" and its order's id

An order's item and the entries of its changed returns are one transaction. Only the items of orders have a version.
Both indexes hold keys alone, and an order without a return is in neither.
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from returns.domain.order_returns import OrderReturns, Return
from returns.domain.status import AccountClosed, ReturnStatus
from shared.clock import timestamp
from shared.dynamo import from_item, to_item
from shared.errors import NotFound
from shared.events import Event
from shared.outbox import outbox_of
from shared.versioned_table import VersionedTable, Write, WriteConflict, retry_on_conflict

type Change = Callable[[OrderReturns], tuple[OrderReturns, list[Event]]]
"""Gives the changed returns of an order, and their events."""
type Position = dict[str, str]
"""Where a page ended: `pk` and `place` of its last entry, the keys of the table and of the index."""

_ORDER = "ord_"
_ORDERS_AT_ONCE = 100
# The order's item is the first write of a transaction, and the check of the account the last.
_ORDER_ITEM = 0


class OrderNotFulfilled(NotFound):
    """There is no such order, or it is not fulfilled, so that nothing of it can be returned."""

    def __init__(self) -> None:
        super().__init__("There is no such fulfilled order.")


class ReturnStore:
    """Access to the returns table."""

    def __init__(self, dynamodb: Any, table_name: str) -> None:
        self._table = VersionedTable(dynamodb, table_name)

    def find(self, order_id: str) -> OrderReturns | None:
        """The order's returns, as last written; None unless the order is fulfilled."""
        if not order_id.startswith(_ORDER):
            # The table has other items as well.
            return None
        item = self._table.get({"pk": order_id})
        return OrderReturns.model_validate(item) if item else None

    def add(self, fulfilled: OrderReturns) -> None:
        """Stores a fulfilled order, which has no returns yet; a repeat changes nothing. Raises WriteConflict."""
        self._table.put_new(_item(fulfilled, []))

    def change(self, order_id: str, change: Change, *, customer_id: str | None = None) -> OrderReturns:
        """Applies `change` to the order's returns and stores the result with its events, if it changed anything.

        If another writer changed them first, `change` starts over from their version. Raises OrderNotFulfilled,
        WriteConflict if that goes on and on, and the exceptions of `change`. With `customer_id`, raises AccountClosed
        and stores nothing if that account is closed.
        """
        return retry_on_conflict(self._change_once, order_id, change, customer_id)

    def close_account(self, customer_id: str, now: datetime) -> None:
        """Refuses every further request of the customer. A repeat changes nothing. Raises WriteConflict."""
        self._table.put_new({**_closed_key(customer_id), "closed_at": timestamp(now), **outbox_of([])})

    def of_customer(
        self, customer_id: str, limit: int, after: Position | None
    ) -> tuple[list[OrderReturns], Position | None]:
        """A page of the customer's orders with returns, as last written, the latest order first; and the position after
        it, or None at the end. An index lags behind its table, so the latest may be missing. Raises Throttled.
        """
        entries, position = self._page(
            "by-customer", ("returned_by", customer_id), "fulfilled_at", limit, after, newest_first=True
        )
        return list(self._all([entry["pk"] for entry in entries])), position

    def all_of_customer(self, customer_id: str) -> Iterator[OrderReturns]:
        """All of the customer's orders with returns, as last written. Raises Throttled."""
        after: Position | None = None
        while True:
            orders, after = self.of_customer(customer_id, _ORDERS_AT_ONCE, after)
            yield from orders
            if after is None:
                return

    def waiting(
        self, status: ReturnStatus, limit: int, after: Position | None
    ) -> tuple[list[tuple[OrderReturns, Return]], Position | None]:
        """A page of the returns in `status`, the longest waiting first, and the position after it, or None at the end.

        Each comes with its order, as last written. An index lags behind its table, so a page leaves out a return that
        has another status by now. Raises Throttled.
        """
        entries, position = self._page("by-waiting", ("waiting", status.value), "waiting_place", limit, after)
        places = [(entry["waiting_place"].partition("#")[2], entry["pk"]) for entry in entries]
        orders = {order.order_id: order for order in self._all([order_id for order_id, _ in places])}
        found = [(orders[order_id], orders[order_id].find(return_id)) for order_id, return_id in places]
        return [(order, entry) for order, entry in found if entry.status is status], position

    def _page(
        self,
        index: str,
        partition: tuple[str, str],
        sort_key: str,
        limit: int,
        after: Position | None,
        *,
        newest_first: bool = False,
    ) -> tuple[list[dict[str, Any]], Position | None]:
        """Up to `limit` entries of an index's partition behind `after`, and the position after them."""
        name, value = partition
        start = {"pk": after["pk"], sort_key: after["place"], name: value} if after else None
        answer = self._table.dynamodb.query(
            TableName=self._table.name,
            IndexName=index,
            KeyConditionExpression=f"{name} = :partition",
            ExpressionAttributeValues=to_item({":partition": value}),
            ScanIndexForward=not newest_first,
            Limit=limit,
            **({"ExclusiveStartKey": to_item(start)} if start else {}),
        )
        last = from_item(answer.get("LastEvaluatedKey", {}))
        position = {"pk": last["pk"], "place": last[sort_key]} if last else None
        return [from_item(item) for item in answer["Items"]], position

    def _all(self, order_ids: list[str]) -> Iterator[OrderReturns]:
        keys = ({"pk": order_id} for order_id in dict.fromkeys(order_ids))
        return map(OrderReturns.model_validate, self._table.get_all(keys, consistent=True))

    def _change_once(self, order_id: str, change: Change, customer_id: str | None) -> OrderReturns:
        known = self.find(order_id)
        if known is None:
            raise OrderNotFulfilled
        changed, events = change(known)
        if changed == known:
            return known
        writes = [
            self._table.successor(_item(changed, events), replaces=known.version),
            *(self._entry(changed, entry) for entry in changed.returns if entry not in known.returns),
        ]
        if customer_id is not None:
            writes.append(self._table.absent(_closed_key(customer_id)))
        failed = self._table.write_all(writes)
        if _ORDER_ITEM in failed:
            raise WriteConflict(f"the returns of {order_id} changed meanwhile")
        if failed:
            raise AccountClosed("This account was closed.")
        return changed

    def _entry(self, order: OrderReturns, entry: Return) -> Write:
        """The write that lists the return under its status, or no more."""
        key = {"pk": entry.return_id}
        if entry.status.is_final:
            return {"Delete": {"TableName": self._table.name, "Key": to_item(key)}}
        return self._table.update(
            key,
            "SET waiting = :status, waiting_place = :place, publishes_nothing = :nothing",
            {
                ":status": entry.status.value,
                ":place": f"{entry.since}#{order.order_id}",
                ":nothing": True,
            },
        )


def _item(order: OrderReturns, events: list[Event]) -> dict[str, Any]:
    listed = {"returned_by": order.customer_id} if order.returns else {}
    return {"pk": order.order_id, **listed, **order.model_dump(exclude_none=True), **outbox_of(events)}


def _closed_key(customer_id: str) -> dict[str, str]:
    return {"pk": f"customer#{customer_id}"}

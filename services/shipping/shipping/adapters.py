"""The shipping table: the only module of the service that knows DynamoDB.

`pk` = order id, one shipment an order; return id, one label a return; `customer#<id>` is the tombstone of an erased
customer. The index `by-customer` has the shipments that still have their customer's address (`recipient_id`), and no
others.
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from shared.clock import timestamp
from shared.dynamo import from_item, to_item
from shared.events import Event
from shared.outbox import outbox_of
from shared.versioned_table import VersionedTable, WriteConflict, retry_on_conflict
from shipping.domain.return_label import ReturnLabel
from shipping.domain.shipment import CustomerErased, Shipment

type Change = Callable[[Shipment | None], tuple[Shipment, list[Event]]]
"""Gives the changed shipment and its events; it gets None if the order has no shipment."""


class ShipmentStore:
    """The shipping table. Each change starts over after a WriteConflict, and raises it in the end."""

    def __init__(self, dynamodb: Any, table_name: str) -> None:
        self._table = VersionedTable(dynamodb, table_name)

    def of_order(self, order_id: str) -> Shipment | None:
        """The order's shipment as last written, or None."""
        item = self._table.get({"pk": order_id})
        return Shipment.model_validate(item) if item else None

    def change(self, order_id: str, change: Change) -> Shipment:
        """Applies `change` to the order's shipment, and stores the result with its events.

        An unchanged shipment is stored only if there are events. They are stored with their present cause. So the
        outbox differs from the published one, and the relay publishes them once more. Raises CustomerErased for a first
        shipment to the address of an erased customer, and the exceptions of `change`.
        """
        return retry_on_conflict(self._change, order_id, change)

    def dispatch(self, order_id: str, now: datetime) -> Shipment:
        """Marks the order's parcel as handed to the carrier, once; a repeat changes nothing.

        Raises ShipmentNotCreated and AlreadyCancelled.
        """
        return self.change(order_id, lambda existing: Shipment.dispatch(existing, order_id, now))

    def dispatch_or_republish(self, order_id: str, now: datetime) -> Shipment:
        """Like `dispatch`; publishes the event of an earlier dispatch once more."""
        return self.change(order_id, lambda existing: Shipment.dispatch_or_republish(existing, order_id, now))

    def book_return(self, return_id: str, order_id: str, correlation_id: str, now: datetime) -> bool:
        """Books the label of the return, once; says whether it was new. Raises WriteConflict."""
        label, booked = ReturnLabel.book(return_id, order_id, correlation_id, now)
        return self._table.put_new({"pk": return_id, **label.model_dump(), **outbox_of([booked])}) is None

    def erase_customer(self, customer_id: str, now: datetime) -> int:
        """Erases the customer's address from all shipments, present and future; returns how many had one.

        A repeat goes on where an earlier try stopped.
        """
        # First the tombstone, then the search: a concurrent creation is either refused by it, or found.
        retry_on_conflict(self._table.put_new, {**_tombstone_key(customer_id), "erased_at": timestamp(now)})
        erased = 0
        for order_id in self._orders_with_address_of(customer_id):
            self.change(order_id, lambda existing: _require(existing).erase_address(now))
            erased += 1
        return erased

    def _orders_with_address_of(self, customer_id: str) -> Iterator[str]:
        pages = self._table.dynamodb.get_paginator("query").paginate(
            TableName=self._table.name,
            IndexName="by-customer",
            KeyConditionExpression="recipient_id = :customer",
            ExpressionAttributeValues=to_item({":customer": customer_id}),
        )
        for page in pages:
            for item in page["Items"]:
                yield from_item(item)["pk"]

    def _change(self, order_id: str, change: Change) -> Shipment:
        existing = self.of_order(order_id)
        changed, events = change(existing)
        if changed != existing or events:
            self._store(existing, changed, events)
        return changed

    def _store(self, existing: Shipment | None, changed: Shipment, events: list[Event]) -> None:
        """Stores `changed` with its events; raises WriteConflict unless the stored shipment still is `existing`."""
        item = _item(changed, events)
        if existing is None and changed.has_address:
            self._create(item, changed.customer_id)
        else:
            self._table.put(item, replaces=existing.version if existing else 0)

    def _create(self, item: dict[str, Any], customer_id: str) -> None:
        """Stores an order's first shipment, unless its customer was erased; raises CustomerErased, WriteConflict."""
        creation = self._table.new(item)
        failed = self._table.write_all([creation, self._table.absent(_tombstone_key(customer_id))])
        if 0 in failed:
            raise WriteConflict(item["pk"])
        if failed:
            raise CustomerErased(customer_id)


def _item(shipment: Shipment, events: list[Event]) -> dict[str, Any]:
    return {
        "pk": shipment.order_id,
        "recipient_id": shipment.customer_id if shipment.has_address else None,
        **shipment.model_dump(exclude_none=True),
        **outbox_of(events),
    }


def _tombstone_key(customer_id: str) -> dict[str, str]:
    return {"pk": f"customer#{customer_id}"}


def _require(shipment: Shipment | None) -> Shipment:
    if shipment is None:
        raise LookupError("the index names a shipment that is missing, though no shipment is ever deleted")
    return shipment

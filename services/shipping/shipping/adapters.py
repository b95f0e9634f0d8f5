"""The shipping table: the only module of the service that knows DynamoDB.

`pk` = order id, one shipment an order; `customer#<id>` marks a customer who was erased. The index `by-customer` has the
shipments that still say where their customer (`recipient_id`) lives, and no others.
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from shared.clock import timestamp
from shared.dynamo import condition_failed, from_item, to_item
from shared.errors import TransientError
from shared.events import Event
from shared.outbox import outbox_of
from shipping.domain.shipment import CustomerErased, Shipment

# Only a creation, a dispatch and a cancellation of one order, and their retries, ever meet.
_ATTEMPTS = 3
# Why DynamoDB cancels a transaction: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
_CONDITION_FAILED = "ConditionalCheckFailed"
_CONTENTION = {"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"}


class ShipmentContended(TransientError):
    """Another change of the same shipment came first; trying again works on the changed shipment."""


class ShipmentStore:
    """Access to the shipping table."""

    def __init__(self, dynamodb: Any, table_name: str) -> None:
        self._dynamodb = dynamodb
        self._table = table_name

    def of_order(self, order_id: str) -> Shipment | None:
        """The order's shipment as last written, or None."""
        answer = self._dynamodb.get_item(
            TableName=self._table, Key=to_item({"pk": order_id}), ConsistentRead=True
        )
        return Shipment.model_validate(from_item(answer["Item"])) if "Item" in answer else None

    def change(
        self, order_id: str, change: Callable[[Shipment | None], tuple[Shipment, list[Event]]]
    ) -> Shipment:
        """Applies `change` to the order's shipment (None when there is none) and stores the result with its events.
        Events of a shipment that stays as it is are told again: with their present cause, by which the outbox differs.

        When someone else changed the shipment meanwhile, `change` is applied to what they left, a few times at most.
        Raises ShipmentContended after that, CustomerErased when it is the first shipment to an address of somebody who
        was erased, and whatever `change` raises.
        """
        for _ in range(_ATTEMPTS):
            existing = self.of_order(order_id)
            changed, events = change(existing)
            if (changed == existing and not events) or self._store(existing, changed, events):
                return changed
        raise ShipmentContended(order_id)

    def dispatch(self, order_id: str, now: datetime) -> Shipment:
        """Marks the order's parcel as handed to the carrier, once; a repeat changes nothing.

        Raises ShipmentNotCreated, ShipmentCancelled, ShipmentContended.
        """
        return self.change(order_id, lambda existing: Shipment.dispatch(existing, order_id, now))

    def tell_dispatch_again(self, order_id: str, now: datetime) -> Shipment:
        """The same, and has the dispatch of a parcel that had left told once more."""
        return self.change(order_id, lambda existing: Shipment.dispatch_told_again(existing, order_id, now))

    def erase_customer(self, customer_id: str, now: datetime) -> int:
        """Erases the addresses of all shipments to the customer, now and to come; returns how many it were.

        A repeat goes on where an earlier try stopped. Raises ShipmentContended.
        """
        # First the mark, then the search: a creation is either refused by the one or found by the other.
        self._dynamodb.put_item(
            TableName=self._table,
            Item=to_item({"pk": _mark_of(customer_id), "erased_at": timestamp(now)}),
        )
        erased = 0
        for order_id in self._orders_with_address_of(customer_id):
            self.change(order_id, lambda existing: _require(existing).erase_address(now))
            erased += 1
        return erased

    def _orders_with_address_of(self, customer_id: str) -> Iterator[str]:
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=self._table,
            IndexName="by-customer",
            KeyConditionExpression="recipient_id = :customer",
            ExpressionAttributeValues=to_item({":customer": customer_id}),
        )
        for page in pages:
            for item in page["Items"]:
                yield from_item(item)["pk"]

    def _store(self, existing: Shipment | None, changed: Shipment, events: list[Event]) -> bool:
        """Stores `changed` with its events if the shipment still is `existing`; says whether it did."""
        put = {"TableName": self._table, "Item": _item(changed, events), **_still(existing)}
        if existing is None and changed.has_address:
            return self._put_unless_erased(put, changed.customer_id)
        try:
            self._dynamodb.put_item(**put)
        except ClientError as error:
            if condition_failed(error):
                return False
            raise
        return True

    def _put_unless_erased(self, put: dict[str, Any], customer_id: str) -> bool:
        """Puts the item if its condition holds, and says whether it did; raises CustomerErased."""
        unmarked = {
            "TableName": self._table,
            "Key": to_item({"pk": _mark_of(customer_id)}),
            "ConditionExpression": "attribute_not_exists(pk)",
        }
        try:
            self._dynamodb.transact_write_items(TransactItems=[{"Put": put}, {"ConditionCheck": unmarked}])
        except ClientError as error:
            if error.response["Error"]["Code"] != "TransactionCanceledException":
                raise
            cancelled: Any = error.response  # boto3's type leaves the reasons out
            of_put, of_mark = (reason.get("Code") for reason in cancelled["CancellationReasons"])
            if of_put == _CONDITION_FAILED or _CONTENTION & {of_put, of_mark}:
                return False
            if of_mark == _CONDITION_FAILED:
                raise CustomerErased(customer_id) from None
            raise
        return True


def _item(shipment: Shipment, events: list[Event]) -> dict[str, Any]:
    return to_item(
        {
            "pk": shipment.order_id,
            "recipient_id": shipment.customer_id if shipment.has_address else None,
            **shipment.model_dump(mode="json", exclude_none=True),
            "outbox": outbox_of(events),
        }
    )


def _mark_of(customer_id: str) -> str:
    return f"customer#{customer_id}"


def _require(shipment: Shipment | None) -> Shipment:
    if shipment is None:
        raise LookupError("a shipment that the index names is gone, and no shipment is ever removed")
    return shipment


def _still(existing: Shipment | None) -> dict[str, Any]:
    """The condition that the item is still as it was read."""
    if existing is None:
        return {"ConditionExpression": "attribute_not_exists(pk)"}
    return {
        "ConditionExpression": "#version = :version",
        "ExpressionAttributeNames": {"#version": "version"},
        "ExpressionAttributeValues": to_item({":version": existing.version}),
    }

"""The inventory table: the only module of the service that knows DynamoDB.

One item a sku            pk = "sku#<sku>"                 StockLevel
One item an order         pk = "reservation#<order id>"    Reservation, with the outbox of its last change
One item a movement       pk = "movement#<movement id>"    stock that came in: sku, quantity

Stock moves only together with the item that says why, in one transaction, so that a repeat is recognised by that item's
condition and nothing moves twice.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from inventory.domain import (
    MovementReused,
    OutOfStock,
    Reservation,
    ReservationInconsistent,
    ReservationLine,
    ReservationReleased,
    ReservationStatus,
    StockContended,
    StockLevel,
)
from shared.clock import timestamp
from shared.dynamo import condition_failed, from_item, to_item
from shared.events import Event
from shared.outbox import outbox_of

# Why DynamoDB cancels a transaction: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
_CONDITION_FAILED = "ConditionalCheckFailed"
_CONTENTION = {"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"}

# The first entry of every transaction here is the item that says why stock moves; the stock follows, a line each.
_REASON_ITEM = 0


class StockStore:
    """Access to the inventory table."""

    def __init__(self, dynamodb: Any, table_name: str, retrying: Retrying | None = None) -> None:
        self._dynamodb = dynamodb
        self._table = table_name
        # Full jitter, at most 1.5 s in all: a step has 10 s, and the state machine comes back after StockContended.
        self._retrying = retrying or Retrying(
            retry=retry_if_exception_type(StockContended),
            wait=wait_random_exponential(multiplier=0.05, max=0.5),
            stop=stop_after_attempt(6),
            reraise=True,
        )

    def reserve(self, reservation: Reservation, now: datetime) -> Reservation:
        """Takes all lines of `reservation` from what is available, or none.

        A repeat for the same order changes nothing and returns what was reserved. Raises OutOfStock with the skus that
        lack, ReservationReleased when the order's stock was released before, StockContended when other orders kept
        getting in between.
        """
        return self._retrying(self._try_to_reserve, reservation, now)

    def release(self, order_id: str, correlation_id: str, now: datetime) -> Reservation:
        """Gives back what the order has reserved, once; where it has nothing, a reserve that comes later is refused.

        A repeat changes nothing and returns the same. Raises ReservationInconsistent when the stock to give back is
        not on record as reserved, StockContended when other orders kept getting in between.
        """
        return self._retrying(self._try_to_release, order_id, correlation_id, now)

    def receive(
        self,
        sku: str,
        quantity: int,
        *,
        movement_id: str,
        correlation_id: str,
        now: datetime,
        low_stock_threshold: int | None = None,
    ) -> bool:
        """Adds `quantity` pieces of `sku`, which need not be known before; sets its threshold where one is given.

        Returns whether stock was added: a repeat with the same `movement_id` adds nothing. Raises MovementReused when
        that id came with another sku or quantity, StockContended when orders kept getting in between.
        """
        if quantity < 0:
            raise ValueError("stock that comes in is counted from 0")
        movement = {
            "pk": f"movement#{movement_id}",
            "sku": sku,
            "quantity": quantity,
            "received_at": timestamp(now),
        }
        return self._retrying(self._try_to_receive, movement, low_stock_threshold, correlation_id, now)

    def level(self, sku: str) -> StockLevel | None:
        """How much there is of `sku`, as last written, or None when inventory does not know it."""
        item = self._read(_stock_key(sku))
        return StockLevel.model_validate(item) if item else None

    def reservation_of(self, order_id: str) -> Reservation | None:
        """The reservation (or its tombstone) of an order, as last written, or None."""
        item = self._read(_reservation_key(order_id))
        return Reservation.model_validate(item) if item else None

    def _try_to_reserve(self, reservation: Reservation, now: datetime) -> Reservation:
        take = [
            self._stock_change(
                line,
                "available = available - :quantity, reserved = reserved + :quantity",
                "available >= :quantity",
                reservation.correlation_id,
                now,
            )
            for line in reservation.lines
        ]
        failed = self._transact(
            [self._put_new(_reservation_item(reservation, [reservation.reserved(now)])), *take]
        )
        if not failed:
            return reservation
        # Read in any case: an order that has its stock must never hear that there is none, whichever condition failed.
        existing = self.reservation_of(reservation.order_id)
        if existing is None:
            if _REASON_ITEM in failed:
                raise StockContended(f"the reservation of {reservation.order_id} was in between")
            raise OutOfStock([reservation.lines[position - 1].sku for position in failed])
        if existing.status is ReservationStatus.RELEASED:
            raise ReservationReleased(f"the stock of order {reservation.order_id} was released before")
        return existing

    def _try_to_release(self, order_id: str, correlation_id: str, now: datetime) -> Reservation:
        existing = self.reservation_of(order_id)
        if existing is None:
            return self._bury(Reservation.tombstone(order_id, correlation_id))
        if existing.status is ReservationStatus.RELEASED:
            return existing
        released, event = existing.release(now)
        give_back = [
            self._stock_change(
                line,
                "available = available + :quantity, reserved = reserved - :quantity",
                "reserved >= :quantity",
                correlation_id,
                now,
            )
            for line in existing.lines
        ]
        mark = {
            "Put": {
                "TableName": self._table,
                "Item": to_item(_reservation_item(released, [event])),
                "ConditionExpression": "version = :before",
                "ExpressionAttributeValues": to_item({":before": existing.version}),
            }
        }
        failed = self._transact([mark, *give_back])
        if _REASON_ITEM in failed:
            raise StockContended(f"the reservation of {order_id} changed meanwhile")
        if failed:
            skus = ", ".join(existing.lines[position - 1].sku for position in failed)
            raise ReservationInconsistent(f"order {order_id}: less is reserved than it holds of {skus}")
        return released

    def _bury(self, tombstone: Reservation) -> Reservation:
        """Stores `tombstone`; raises StockContended, to look again, when the reservation was made meanwhile."""
        try:
            self._dynamodb.put_item(**self._put_new(_reservation_item(tombstone, []))["Put"])
        except ClientError as error:
            if not condition_failed(error):
                raise
            raise StockContended(f"the reservation of {tombstone.order_id} was made meanwhile") from error
        return tombstone

    def _try_to_receive(
        self, movement: Mapping[str, Any], threshold: int | None, correlation_id: str, now: datetime
    ) -> bool:
        add = {
            "Update": {
                "TableName": self._table,
                "Key": to_item({"pk": _stock_key(movement["sku"])}),
                "UpdateExpression": (
                    "SET sku = :sku, available = if_not_exists(available, :zero) + :quantity, "
                    "reserved = if_not_exists(reserved, :zero), version = if_not_exists(version, :zero) + :one, "
                    "low_stock_threshold = "
                    + (
                        "if_not_exists(low_stock_threshold, :threshold)"
                        if threshold is None
                        else ":threshold"
                    )
                    + ", changed_at = :now, correlation_id = :correlation_id"
                ),
                "ExpressionAttributeValues": to_item(
                    {
                        ":sku": movement["sku"],
                        ":quantity": movement["quantity"],
                        ":threshold": threshold or 0,
                        ":zero": 0,
                        ":one": 1,
                        ":now": timestamp(now),
                        ":correlation_id": correlation_id,
                    }
                ),
            }
        }
        if not self._transact([self._put_new(movement), add]):
            return True
        before = self._read(movement["pk"])
        if before is None:
            raise StockContended(f"{movement['pk']} was in between")
        if any(before[name] != movement[name] for name in ("sku", "quantity")):
            raise MovementReused(f"{movement['pk']} was {before['quantity']} of {before['sku']}")
        return False

    def _stock_change(
        self, line: ReservationLine, change: str, condition: str, correlation_id: str, now: datetime
    ) -> dict[str, Any]:
        """An update of a line's sku that holds only where `condition` does; an unknown sku never fulfils it."""
        return {
            "Update": {
                "TableName": self._table,
                "Key": to_item({"pk": _stock_key(line.sku)}),
                "UpdateExpression": (
                    f"SET {change}, version = version + :one, changed_at = :now, correlation_id = :correlation_id"
                ),
                "ConditionExpression": condition,
                "ExpressionAttributeValues": to_item(
                    {
                        ":quantity": line.quantity,
                        ":one": 1,
                        ":now": timestamp(now),
                        ":correlation_id": correlation_id,
                    }
                ),
            }
        }

    def _put_new(self, item: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "Put": {
                "TableName": self._table,
                "Item": to_item(item),
                "ConditionExpression": "attribute_not_exists(pk)",
            }
        }

    def _transact(self, entries: list[dict[str, Any]]) -> list[int]:
        """Writes all `entries` or none; returns the positions whose conditions did not hold (none: it is written).

        Raises StockContended when another transaction was at one of the items.
        """
        try:
            self._dynamodb.transact_write_items(TransactItems=entries)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code == "TransactionInProgressException":
                raise StockContended(str(error)) from error
            if code != "TransactionCanceledException":
                raise
            codes = [reason.get("Code") for reason in error.response["CancellationReasons"]]
            if _CONTENTION.intersection(codes):
                raise StockContended(str(error)) from error
            failed = [position for position, reason in enumerate(codes) if reason == _CONDITION_FAILED]
            if not failed:
                raise
            return failed
        return []

    def _read(self, key: str) -> dict[str, Any] | None:
        answer = self._dynamodb.get_item(TableName=self._table, Key=to_item({"pk": key}), ConsistentRead=True)
        return from_item(answer["Item"]) if "Item" in answer else None


def stock_change_of(
    old_image: Mapping[str, Any] | None, new_image: Mapping[str, Any] | None
) -> tuple[StockLevel | None, StockLevel] | None:
    """A sku's level before and after a change in the table's stream, or None when it changed something else."""
    if not new_image or not str(new_image["pk"]).startswith("sku#"):
        return None
    before = StockLevel.model_validate(old_image) if old_image else None
    return before, StockLevel.model_validate(new_image)


def _reservation_item(reservation: Reservation, events: list[Event]) -> dict[str, Any]:
    return {
        "pk": _reservation_key(reservation.order_id),
        **reservation.model_dump(mode="json"),
        "outbox": outbox_of(events),
    }


def _stock_key(sku: str) -> str:
    return f"sku#{sku}"


def _reservation_key(order_id: str) -> str:
    return f"reservation#{order_id}"

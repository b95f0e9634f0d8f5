"""The inventory table: what is stored, and every access pattern.

One item a sku            pk = "sku#<sku>"                 StockLevel
One item an order         pk = "reservation#<order id>"    Reservation, with the outbox of its last change
One item a movement       pk = "movement#<movement id>"    Movement, an entry of the ledger

Index `by-listing`: listing ("stock"), sku. Stock items alone, keys alone: an order changes how many pieces there are
and never the keys, so it writes nothing there.
Index `by-ledger`: ledger (a sku), ledger_place (time and id). Movements alone, whole.

Stock moves only together with the item that says why, in one transaction, so that a repeat is recognised by that item's
condition and nothing moves twice.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from tenacity import Retrying

from inventory.domain import (
    MAX_AVAILABLE,
    IdempotencyKeyReused,
    Movement,
    MovementKind,
    OutOfStock,
    Reservation,
    ReservationInconsistent,
    ReservationLine,
    ReservationReleased,
    ReservationStatus,
    StockContended,
    StockLevel,
    StockThrottled,
    UnknownSku,
)
from inventory.table import InventoryTable
from shared.clock import timestamp
from shared.dynamo import from_item, to_item
from shared.events import Event
from shared.outbox import outbox_of

# The first entry of every transaction here is the item that says why stock moves; the stock follows, a line each.
_REASON_ITEM = 0

# All stock items stand in this one listing.
_LISTING = "stock"


class StockStore:
    """Access to the inventory table."""

    def __init__(self, dynamodb: Any, table_name: str, retrying: Retrying | None = None) -> None:
        self._table = InventoryTable(dynamodb, table_name, retrying)

    def reserve(self, reservation: Reservation, now: datetime) -> Reservation:
        """Takes all lines of `reservation` from what is available, or none.

        A repeat for the same order changes nothing and returns what was reserved. Raises OutOfStock with the skus that
        lack, ReservationReleased when the order's stock was released before, StockContended when other orders kept
        getting in between.
        """
        return self._table.patiently(self._try_to_reserve, reservation, now)

    def release(self, order_id: str, correlation_id: str, now: datetime) -> Reservation:
        """Gives back what the order has reserved, once; where it has nothing, a reserve that comes later is refused.

        A repeat changes nothing and returns the same. Raises ReservationInconsistent when the stock to give back is
        not on record as reserved, StockContended when other orders kept getting in between.
        """
        return self._table.patiently(self._try_to_release, order_id, correlation_id, now)

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
        """Adds `quantity` pieces of `sku`, a receipt that nobody signed in for; sets its threshold where one is given.

        Returns whether stock was added: a repeat with the same `movement_id` adds nothing. Raises as `record` does.
        """
        if quantity < 0:
            raise ValueError("stock that comes in is counted from 0")
        movement = Movement(
            movement_id=movement_id,
            sku=sku,
            kind=MovementKind.RECEIPT,
            quantity=quantity,
            recorded_at=timestamp(now),
            correlation_id=correlation_id,
        )
        return self.record(movement, low_stock_threshold=low_stock_threshold) is movement

    def record(self, movement: Movement, *, low_stock_threshold: int | None = None) -> Movement:
        """Writes `movement` into the ledger and moves the stock by it; sets the sku's threshold where one is given.

        Returns `movement`, or the one that was recorded under its id before; then nothing changes. A receipt's sku need
        not be known before. Raises IdempotencyKeyReused when the one before was another, UnknownSku for an adjustment
        of a sku that inventory does not know, NotEnoughStock or TooMuchStock when the stock does not allow it, and
        StockContended when orders kept getting in between.
        """
        return self._table.patiently(self._try_to_record, movement, low_stock_threshold)

    def set_threshold(
        self, sku: str, threshold: int, correlation_id: str, now: datetime
    ) -> StockLevel | None:
        """Sets at how many available pieces `sku` counts as low; returns its level, or None when it is not known.

        Raises StockContended when orders kept getting in between.
        """
        change = self._table.update(
            _stock_key(sku),
            "SET low_stock_threshold = :threshold, version = version + :one, changed_at = :now, "
            "correlation_id = :correlation_id",
            {
                ":threshold": threshold,
                ":one": 1,
                ":now": timestamp(now),
                ":correlation_id": correlation_id,
            },
            condition="attribute_exists(pk)",
        )
        answer = self._table.patiently(self._table.write_one, change, ReturnValues="ALL_NEW")
        return StockLevel.model_validate(from_item(answer["Attributes"])) if answer else None

    def level(self, sku: str) -> StockLevel | None:
        """How much there is of `sku`, as last written, or None when inventory does not know it."""
        item = self._table.read(_stock_key(sku))
        return StockLevel.model_validate(item) if item else None

    def levels(self, limit: int, after: str | None) -> tuple[list[StockLevel], str | None]:
        """A page of up to 100 levels, as last written, by sku from the one behind `after`; and the sku to go on after,
        None at the end. A sku that came in a moment ago may be missing. Raises StockThrottled."""
        items, more = self._page("by-listing", {"listing": _LISTING}, "sku", limit, after)
        skus = [item["sku"] for item in items]
        found: dict[str, StockLevel] = {}
        if skus:
            self._table.patiently(self._add_levels, skus, found)
        return [found[sku] for sku in skus if sku in found], skus[-1] if more else None

    def movement(self, sku: str, movement_id: str) -> Movement | None:
        """A movement in the ledger of `sku`, as written, or None."""
        item = self._table.read(_movement_key(movement_id))
        return Movement.model_validate(item) if item and item["sku"] == sku else None

    def ledger(self, sku: str, limit: int, after: str | None) -> tuple[list[Movement], str | None]:
        """A page of the movements of `sku`, newest first, from the one behind `after`; and the place to go on after,
        None at the end. A movement of a moment ago may be missing."""
        items, more = self._page(
            "by-ledger", {"ledger": sku}, "ledger_place", limit, after, newest_first=True
        )
        movements = [Movement.model_validate(item) for item in items]
        return movements, movements[-1].place if more else None

    def reservation_of(self, order_id: str) -> Reservation | None:
        """The reservation (or its tombstone) of an order, as last written, or None."""
        item = self._table.read(_reservation_key(order_id))
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
        hold = self._table.put_new(_reservation_item(reservation, [reservation.reserved(now)]))
        failed = self._table.write_all([hold, *take])
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
        mark = self._table.replace(_reservation_item(released, [event]), version=existing.version)
        failed = self._table.write_all([mark, *give_back])
        if _REASON_ITEM in failed:
            raise StockContended(f"the reservation of {order_id} changed meanwhile")
        if failed:
            skus = ", ".join(existing.lines[position - 1].sku for position in failed)
            raise ReservationInconsistent(f"order {order_id}: less is reserved than it holds of {skus}")
        return released

    def _bury(self, tombstone: Reservation) -> Reservation:
        """Stores `tombstone`; raises StockContended, to look again, when the reservation was made meanwhile."""
        if self._table.write_one(self._table.put_new(_reservation_item(tombstone, []))) is None:
            raise StockContended(f"the reservation of {tombstone.order_id} was made meanwhile")
        return tombstone

    def _try_to_record(self, movement: Movement, threshold: int | None) -> Movement:
        move = self._table.update(
            _stock_key(movement.sku),
            "SET listing = :listing, sku = :sku, available = if_not_exists(available, :zero) + :quantity, "
            "reserved = if_not_exists(reserved, :zero), version = if_not_exists(version, :zero) + :one, "
            "low_stock_threshold = "
            + ("if_not_exists(low_stock_threshold, :threshold)" if threshold is None else ":threshold")
            + ", changed_at = :now, correlation_id = :correlation_id",
            {
                ":listing": _LISTING,
                ":sku": movement.sku,
                ":quantity": movement.quantity,
                ":threshold": threshold or 0,
                ":zero": 0,
                ":one": 1,
                ":now": movement.recorded_at,
                ":correlation_id": movement.correlation_id,
                **_bound(movement),
            },
            condition=_fits(movement),
        )
        failed = self._table.write_all([self._table.put_new(_movement_item(movement)), move])
        if not failed:
            return movement
        # Read in any case: a repeat is one, whatever has become of the stock since.
        stored = self._table.read(_movement_key(movement.movement_id))
        if stored is not None:
            before = Movement.model_validate(stored)
            if not before.is_repeated_by(movement):
                raise IdempotencyKeyReused(
                    f"{before.movement_id} is a {before.kind} of {before.quantity} {before.sku}; "
                    "use a new Idempotency-Key for a new movement."
                )
            return before
        level = self.level(movement.sku)
        if level is not None:
            movement.check_against(level)
        elif movement.kind is MovementKind.ADJUSTMENT:
            raise UnknownSku(movement.sku)
        raise StockContended(f"the stock of {movement.sku} changed meanwhile")

    def _add_levels(self, skus: list[str], found: dict[str, StockLevel]) -> None:
        """Adds to `found` those of up to 100 `skus` that it lacks; raises StockThrottled when some got no answer."""
        keys = [to_item({"pk": _stock_key(sku)}) for sku in skus if sku not in found]
        answer = self._table.dynamodb.batch_get_item(
            RequestItems={self._table.name: {"Keys": keys, "ConsistentRead": True}}
        )
        for item in answer["Responses"][self._table.name]:
            level = StockLevel.model_validate(from_item(item))
            found[level.sku] = level
        if answer.get("UnprocessedKeys"):
            raise StockThrottled(f"{len(found)} of {len(skus)} skus were answered for")

    def _page(
        self,
        index: str,
        partition: Mapping[str, str],
        sort_key: str,
        limit: int,
        after: str | None,
        *,
        newest_first: bool = False,
    ) -> tuple[list[dict[str, Any]], bool]:
        """Up to `limit` items of a partition behind the sort key `after`, and whether there are more."""
        ((name, value),) = partition.items()
        condition, values = f"{name} = :partition", {":partition": value}
        if after is not None:
            condition += f" AND {sort_key} {'<' if newest_first else '>'} :after"
            values[":after"] = after
        # One more than the page holds tells whether there is a next one.
        items = self._table.dynamodb.query(
            TableName=self._table.name,
            IndexName=index,
            KeyConditionExpression=condition,
            ExpressionAttributeValues=to_item(values),
            ScanIndexForward=not newest_first,
            Limit=limit + 1,
        )["Items"]
        return [from_item(item) for item in items[:limit]], len(items) > limit

    def _stock_change(
        self, line: ReservationLine, change: str, condition: str, correlation_id: str, now: datetime
    ) -> dict[str, Any]:
        """An update of a line's sku that holds only where `condition` does; an unknown sku never fulfils it."""
        return self._table.update(
            _stock_key(line.sku),
            f"SET {change}, version = version + :one, changed_at = :now, correlation_id = :correlation_id",
            {
                ":quantity": line.quantity,
                ":one": 1,
                ":now": timestamp(now),
                ":correlation_id": correlation_id,
            },
            condition=condition,
        )


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


def _movement_key(movement_id: str) -> str:
    return f"movement#{movement_id}"


def _movement_item(movement: Movement) -> dict[str, Any]:
    return {
        "pk": _movement_key(movement.movement_id),
        **movement.model_dump(mode="json"),
        "ledger": movement.sku,
        "ledger_place": movement.place,
    }


def _fits(movement: Movement) -> str:
    """The condition under which a sku's stock can take `movement`; Movement.check_against says why it does not hold."""
    if movement.quantity < 0:
        return "available >= :bound"
    known = "available <= :bound"
    return f"attribute_not_exists(pk) OR {known}" if movement.kind is MovementKind.RECEIPT else known


def _bound(movement: Movement) -> dict[str, int]:
    """The value of `_fits`: what must be available for pieces to go out, or may be for pieces to come in."""
    return {
        ":bound": -movement.quantity if movement.quantity < 0 else MAX_AVAILABLE - movement.quantity,
    }

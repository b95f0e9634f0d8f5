"""The reservations in the inventory table, and the stock that they take and give back.

Stock moves only together with the reservation, in one transaction. So the condition on the reservation recognises a
repeat, and nothing moves twice.
"""

from datetime import datetime
from typing import Any

from inventory.adapters.items import movement_item, reservation_item, reservation_key, stock_key
from inventory.domain.reservation import (
    OutOfStock,
    Reservation,
    ReservationInconsistent,
    ReservationLine,
    ReservationMissing,
    ReservationStatus,
)
from inventory.domain.stock import Movement
from shared.clock import timestamp
from shared.versioned_table import VersionedTable, Write, WriteConflict, retry_on_conflict

# The first write of every transaction here is the reservation; its stock follows, line by line.
_RESERVATION = 0


class ReservationStore:
    """Access to the reservations: one item for each order. `dynamodb` is a low-level client."""

    def __init__(self, dynamodb: Any, table_name: str) -> None:
        self._table = VersionedTable(dynamodb, table_name)

    def reservation_of(self, order_id: str) -> Reservation | None:
        """The reservation (or its tombstone) of an order, as last written, or None."""
        item = self._table.get(reservation_key(order_id))
        return Reservation.model_validate(item) if item else None

    def reserve(self, reservation: Reservation, now: datetime) -> Reservation:
        """Takes all lines of `reservation` from the available stock, or none.

        A repeat for the same order changes nothing and returns the first reservation. Raises OutOfStock with the
        lacking skus, ReservationReleased if the order's stock was released before, WriteConflict if other orders kept
        changing the same stock.
        """
        return retry_on_conflict(self._reserve, reservation, now)

    def release(self, order_id: str, correlation_id: str, now: datetime) -> Reservation:
        """Gives back the order's stock, once. If the order has none, a tombstone refuses a reserve that comes later.

        A repeat changes nothing and returns the same. Raises ReservationCommitted if the stock has left the warehouse.
        Raises ReservationInconsistent if less is on record as reserved, and WriteConflict if other orders kept changing
        the same stock.
        """
        return retry_on_conflict(self._release, order_id, correlation_id, now)

    def commit(self, order_id: str, now: datetime) -> Reservation:
        """Takes the order's stock out of the warehouse, each line with its movement in the ledger.

        A repeat takes out nothing more and returns the same. It finishes a commit that stopped half-way, which happens
        to a reservation of more than LINES_PER_COMMIT lines only. Raises ReservationMissing, and ReservationReleased
        if the stock was given back before. Raises ReservationInconsistent if less is on record as reserved, and
        WriteConflict if other orders kept changing the same stock.
        """
        reservation = retry_on_conflict(self._commit, order_id, now)
        while reservation.status is ReservationStatus.COMMITTING:
            reservation = retry_on_conflict(self._commit, order_id, now)
        return reservation

    def _reserve(self, reservation: Reservation, now: datetime) -> Reservation:
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
        made = reservation_item(reservation, [reservation.reserved_event(now)])
        failed = self._table.write_all([self._table.new(made), *take])
        if not failed:
            return reservation
        # Read it, no matter which condition failed: an order that has its stock must never get OutOfStock.
        existing = self.reservation_of(reservation.order_id)
        if existing is None:
            if _RESERVATION in failed:
                raise WriteConflict(f"the reservation of {reservation.order_id} was there and is gone")
            raise OutOfStock([reservation.lines[position - 1].sku for position in failed])
        existing.check_reserved()
        return existing

    def _release(self, order_id: str, correlation_id: str, now: datetime) -> Reservation:
        existing = self.reservation_of(order_id)
        if existing is None:
            return self._put_tombstone(Reservation.tombstone(order_id, correlation_id))
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
        mark = self._table.successor(reservation_item(released, [event]), replaces=existing.version)
        failed = self._table.write_all([mark, *give_back])
        self._check(order_id, failed, [existing.lines[position - 1].sku for position in failed if position])
        return released

    def _commit(self, order_id: str, now: datetime) -> Reservation:
        existing = self.reservation_of(order_id)
        if existing is None:
            raise ReservationMissing(order_id)
        if existing.status is ReservationStatus.COMMITTED:
            return existing
        after, leaving, events = existing.commit(now)
        writes = [self._table.successor(reservation_item(after, events), replaces=existing.version)]
        for line in leaving:
            movement = Movement.shipped(
                order_id, line.sku, line.quantity, correlation_id=existing.correlation_id, now=now
            )
            take_out = self._stock_change(
                line,
                "reserved = reserved - :quantity",
                "reserved >= :quantity",
                existing.correlation_id,
                now,
            )
            writes += [self._table.new(movement_item(movement)), take_out]
        failed = self._table.write_all(writes)
        self._check(order_id, failed, [leaving[(position - 1) // 2].sku for position in failed if position])
        return after

    def _put_tombstone(self, tombstone: Reservation) -> Reservation:
        """Stores `tombstone`; raises WriteConflict, to read again, if the order reserved its stock meanwhile."""
        self._table.put(reservation_item(tombstone, []), replaces=0)
        return tombstone

    def _stock_change(
        self, line: ReservationLine, change: str, condition: str, correlation_id: str, now: datetime
    ) -> Write:
        """An update of a line's sku, on `condition`; an unknown sku never meets one."""
        return self._table.update(
            stock_key(line.sku),
            f"SET {change}, version = version + :one, changed_at = :now, correlation_id = :correlation_id",
            {
                ":quantity": line.quantity,
                ":one": 1,
                ":now": timestamp(now),
                ":correlation_id": correlation_id,
            },
            condition=condition,
        )

    @staticmethod
    def _check(order_id: str, failed: list[int], skus: list[str]) -> None:
        """Raises WriteConflict if the reservation's write `failed`, ReservationInconsistent if one of a sku did."""
        if _RESERVATION in failed:
            raise WriteConflict(f"the reservation of {order_id} changed meanwhile")
        if failed:
            raise ReservationInconsistent(
                f"order {order_id}: less is reserved than it holds of {', '.join(sorted(set(skus)))}"
            )

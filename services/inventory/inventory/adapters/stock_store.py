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

from datetime import datetime
from typing import Any

from inventory.adapters.items import movement_item, reservation_item, reservation_key, stock_key
from inventory.adapters.ledger import StockLedger
from inventory.domain.reservation import (
    OutOfStock,
    Reservation,
    ReservationInconsistent,
    ReservationLine,
    ReservationMissing,
    ReservationStatus,
    StockContended,
)
from inventory.domain.stock import Movement
from shared.clock import timestamp

# The first entry of every transaction here is the item that says why stock moves; the stock follows, line by line.
_REASON_ITEM = 0


class StockStore(StockLedger):
    """Access to the inventory table: its stock, and the reservations that orders have of it."""

    def reserve(self, reservation: Reservation, now: datetime) -> Reservation:
        """Takes all lines of `reservation` from what is available, or none.

        A repeat for the same order changes nothing and returns what was reserved. Raises OutOfStock with the skus that
        lack, ReservationReleased when the order's stock was released before, StockContended when other orders kept
        getting in between.
        """
        return self._table.patiently(self._try_to_reserve, reservation, now)

    def release(self, order_id: str, correlation_id: str, now: datetime) -> Reservation:
        """Gives back what the order has reserved, once; where it has nothing, a reserve that comes later is refused.

        A repeat changes nothing and returns the same. Raises ReservationCommitted when the stock has left the
        warehouse, ReservationInconsistent when the stock to give back is not on record as reserved, StockContended when
        other orders kept getting in between.
        """
        return self._table.patiently(self._try_to_release, order_id, correlation_id, now)

    def commit(self, order_id: str, now: datetime) -> Reservation:
        """Takes what the order has reserved out of the warehouse, each line with its movement in the ledger.

        A repeat takes out nothing more and returns the same; it finishes what an earlier try left half-way, which only
        a reservation of more than LINES_PER_COMMIT lines can be. Raises ReservationMissing, ReservationReleased when
        the stock was given back before, ReservationInconsistent when it is not on record as reserved, StockContended
        when other orders kept getting in between.
        """
        reservation = self._table.patiently(self._try_to_commit, order_id, now)
        while reservation.status is ReservationStatus.COMMITTING:
            reservation = self._table.patiently(self._try_to_commit, order_id, now)
        return reservation

    def reservation_of(self, order_id: str) -> Reservation | None:
        """The reservation (or its tombstone) of an order, as last written, or None."""
        item = self._table.read(reservation_key(order_id))
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
        held, reserved = reservation.hold(now)
        failed = self._table.write_all([self._table.put_new(reservation_item(held, [reserved])), *take])
        if not failed:
            return held
        # Read in any case: an order that has its stock must never hear that there is none, whichever condition failed.
        existing = self.reservation_of(reservation.order_id)
        if existing is None:
            if _REASON_ITEM in failed:
                raise StockContended(f"the reservation of {reservation.order_id} was in between")
            raise OutOfStock([reservation.lines[position - 1].sku for position in failed])
        existing.check_reserved()
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
        mark = self._table.replace(reservation_item(released, [event]), version=existing.version)
        failed = self._table.write_all([mark, *give_back])
        if _REASON_ITEM in failed:
            raise StockContended(f"the reservation of {order_id} changed meanwhile")
        if failed:
            raise _inconsistent(order_id, {existing.lines[position - 1].sku for position in failed})
        return released

    def _try_to_commit(self, order_id: str, now: datetime) -> Reservation:
        existing = self._reservation_made(order_id)
        if existing.status is ReservationStatus.COMMITTED:
            return existing
        after, leaving, events = existing.commit(now)
        entries = [self._table.replace(reservation_item(after, events), version=existing.version)]
        for line in leaving:
            movement = Movement.shipped(
                order_id, line.sku, line.quantity, correlation_id=existing.correlation_id, now=now
            )
            entries += [
                self._table.put_new(movement_item(movement)),
                self._stock_change(
                    line,
                    "reserved = reserved - :quantity",
                    "reserved >= :quantity",
                    existing.correlation_id,
                    now,
                ),
            ]
        failed = self._table.write_all(entries)
        if _REASON_ITEM in failed:
            raise StockContended(f"the reservation of {order_id} changed meanwhile")
        if failed:
            raise _inconsistent(order_id, {leaving[(position - 1) // 2].sku for position in failed})
        return after

    def _reservation_made(self, order_id: str) -> Reservation:
        existing = self.reservation_of(order_id)
        if existing is None:
            raise ReservationMissing(order_id)
        return existing

    def _bury(self, tombstone: Reservation) -> Reservation:
        """Stores `tombstone`; raises StockContended, to look again, when the reservation was made meanwhile."""
        if self._table.write_one(self._table.put_new(reservation_item(tombstone, []))) is None:
            raise StockContended(f"the reservation of {tombstone.order_id} was made meanwhile")
        return tombstone

    def _stock_change(
        self, line: ReservationLine, change: str, condition: str, correlation_id: str, now: datetime
    ) -> dict[str, Any]:
        """An update of a line's sku that holds only where `condition` does; an unknown sku never fulfils it."""
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


def _inconsistent(order_id: str, skus: set[str]) -> ReservationInconsistent:
    return ReservationInconsistent(
        f"order {order_id}: less is reserved than it holds of {', '.join(sorted(skus))}"
    )

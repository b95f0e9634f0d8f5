"""The rules of reservations: the stock that an order holds, gives back, and takes away with its parcel.

A reservation takes pieces from available to reserved, a release takes them back. A commit takes them out of the
warehouse, each line with a movement of the ledger. The rules of stock on hand are in `stock`.

    (nothing) ──reserve──► reserved ──release──► released
        │                     ├──commit──► committed
        │                     └──commit──► committing ──commit──► committed     (more than LINES_PER_COMMIT lines)
        └──────release──────────────────────► released     (a tombstone: released before it was made)

Nothing leads out of `released` and `committed`. A reserve or a commit after the release is refused. So is a release
after the commit, since the pieces are in a parcel by then.

A reservation does not expire. Inventory cannot distinguish a lost order from a slow one, so it gives nothing back by
the clock. The order's saga, its cancellation or its resumption releases the stock.
"""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Self

from inventory.domain.events import StockCommitted, StockLine, StockReleased, StockReserved
from shared.errors import PermanentError
from shared.events import Event
from shared.record import About, Record

MAX_LINES = 50
LINES_PER_COMMIT = 49
"""DynamoDB takes 100 entries in one transaction: the reservation, and a movement and the stock of each line."""


class OutOfStock(PermanentError):
    """There is too little of `skus`. A sku that inventory does not know counts as out of stock."""

    def __init__(self, skus: list[str]) -> None:
        super().__init__(f"out of stock: {', '.join(skus)}")
        self.skus = skus


class ReservationReleased(PermanentError):
    """The order's reservation was released before; it cannot be made (again), nor committed."""


class ReservationCommitted(PermanentError):
    """The order's stock has left the warehouse, at least in part, so it cannot be given back."""


class ReservationMissing(PermanentError):
    """The order has no reservation, so there is nothing to take out. An operator has to look."""


class ReservationUnfit(PermanentError):
    """The order has no line, or more lines than one reservation can hold."""


class ReservationInconsistent(PermanentError):
    """Less stock is on record as reserved than the order gives back or takes out. An operator has to look."""


class ReservationStatus(StrEnum):
    """Where a reservation stands."""

    RESERVED = "reserved"
    COMMITTING = "committing"
    COMMITTED = "committed"
    RELEASED = "released"


class ReservationLine(Record):
    """How many of one sku a reservation holds."""

    sku: Annotated[str, About(min_length=1)]
    quantity: Annotated[int, About(ge=1)]


class Reservation(Record):
    """The stock that one order holds: all of its lines, or nothing. Its key is the order's id.

    The first `shipped_lines` of its lines have left the warehouse.
    """

    order_id: str
    correlation_id: str
    lines: tuple[ReservationLine, ...]
    status: ReservationStatus
    version: int
    shipped_lines: int = 0

    @classmethod
    def of(cls, order_id: str, correlation_id: str, quantities: Iterable[tuple[str, int]]) -> Self:
        """The reservation of (sku, quantity) pairs in any order, with one line a sku even if it appears several times.

        Raises ReservationUnfit unless that makes 1 to MAX_LINES lines.
        """
        merged: Counter[str] = Counter()
        for sku, quantity in quantities:
            merged[sku] += quantity
        if not 1 <= len(merged) <= MAX_LINES:
            raise ReservationUnfit(f"a reservation has 1 to {MAX_LINES} lines, not {len(merged)}")
        return cls(
            order_id=order_id,
            correlation_id=correlation_id,
            lines=tuple(ReservationLine(sku=sku, quantity=merged[sku]) for sku in sorted(merged)),
            status=ReservationStatus.RESERVED,
            version=1,
        )

    @classmethod
    def tombstone(cls, order_id: str, correlation_id: str) -> Self:
        """Marks that an order's stock was released before it was reserved."""
        return cls(
            order_id=order_id,
            correlation_id=correlation_id,
            lines=(),
            status=ReservationStatus.RELEASED,
            version=1,
        )

    @property
    def reservation_id(self) -> str:
        """The id of the aggregate in events: one for each order."""
        return f"reservation-{self.order_id}"

    @property
    def held(self) -> tuple[ReservationLine, ...]:
        """The lines whose pieces are in the warehouse for this order."""
        return () if self.status is ReservationStatus.RELEASED else self.lines[self.shipped_lines :]

    @property
    def has_given_back(self) -> bool:
        """Whether stock that was held went back; false for a tombstone, which never held any."""
        return self.status is ReservationStatus.RELEASED and bool(self.lines)

    def reserved_event(self, now: datetime) -> Event:
        """The event that the order's stock is reserved."""
        return self._event(StockReserved, now)

    def check_reserved(self) -> None:
        """Raises ReservationReleased if a reserve comes after the release.

        A reserve that is repeated after the dispatch is fine: the order has had its stock.
        """
        if self.status is ReservationStatus.RELEASED:
            raise ReservationReleased(f"the stock of order {self.order_id} was released before")

    def release(self, now: datetime) -> tuple[Self, Event]:
        """The reservation after its stock is given back, and the event.

        Raises ReservationReleased the second time, ReservationCommitted if some of it has left the warehouse.
        """
        if self.status is ReservationStatus.RELEASED:
            raise ReservationReleased(self.order_id)
        if self.status is not ReservationStatus.RESERVED:
            raise ReservationCommitted(f"the stock of order {self.order_id} has left the warehouse")
        after = self._changed(status=ReservationStatus.RELEASED)
        return after, after._event(StockReleased, now)

    def commit(self, now: datetime) -> tuple[Self, tuple[ReservationLine, ...], list[Event]]:
        """The reservation after its next LINES_PER_COMMIT lines left the warehouse, these lines, and the event at the
        last of them.

        Raises ReservationReleased if the stock was given back, ReservationCommitted if all of it has left.
        """
        if self.status is ReservationStatus.COMMITTED:
            raise ReservationCommitted(self.order_id)
        self.check_reserved()
        shipped = min(self.shipped_lines + LINES_PER_COMMIT, len(self.lines))
        done = shipped == len(self.lines)
        after = self._changed(
            status=ReservationStatus.COMMITTED if done else ReservationStatus.COMMITTING,
            shipped_lines=shipped,
        )
        events = [after._event(StockCommitted, now)] if done else []
        return after, self.lines[self.shipped_lines : shipped], events

    def _changed(self, **changes: object) -> Self:
        return self.model_copy(update={**changes, "version": self.version + 1})

    def _event(self, payload: type[StockReserved | StockReleased | StockCommitted], now: datetime) -> Event:
        lines = [StockLine(sku=line.sku, quantity=line.quantity) for line in self.lines]
        return Event.of(
            payload(order_id=self.order_id, lines=lines),
            aggregate_id=self.reservation_id,
            aggregate_version=self.version,
            occurred_at=now,
            correlation_id=self.correlation_id,
        )

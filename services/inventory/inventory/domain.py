"""The rules of stock, without AWS: what a reservation holds, when it is given back, and when stock is low.

(nothing) ──► reserved ──► released
    └────────────────────► released      (a tombstone: released before it was made; a late reserve is refused)
"""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field

from shared.errors import PermanentError, TransientError
from shared.events import Event

MAX_LINES = 50


class OutOfStock(PermanentError):
    """There is too little of `skus`; a sku that inventory does not know counts as out of stock."""

    def __init__(self, skus: list[str]) -> None:
        super().__init__(f"out of stock: {', '.join(skus)}")
        self.skus = skus


class ReservationReleased(PermanentError):
    """The order's reservation was released before; it cannot be made (again)."""


class ReservationUnfit(PermanentError):
    """The order has no line, or more lines than one reservation can hold."""


class ReservationInconsistent(PermanentError):
    """The stock to give back is not on record as reserved; someone has to look."""


class MovementReused(PermanentError):
    """The movement id was used before for another sku or quantity."""


class StockContended(TransientError):
    """Other orders kept changing the same stock; the state machine tries again later."""


class ReservationStatus(StrEnum):
    """Where a reservation stands."""

    RESERVED = "reserved"
    RELEASED = "released"


class ReservationLine(BaseModel):
    """How many of one sku a reservation holds."""

    model_config = ConfigDict(frozen=True)

    sku: Annotated[str, Field(min_length=1)]
    quantity: Annotated[int, Field(ge=1)]


class Reservation(BaseModel):
    """The stock that one order holds: all of its lines or nothing. Its key is the order's id."""

    model_config = ConfigDict(frozen=True)

    order_id: str
    correlation_id: str
    lines: tuple[ReservationLine, ...]
    status: ReservationStatus
    version: int

    @classmethod
    def of(cls, order_id: str, correlation_id: str, quantities: Iterable[tuple[str, int]]) -> Self:
        """The reservation of (sku, quantity) pairs, one line a sku, whatever their order and however often a sku
        appears; raises ReservationUnfit unless that makes 1 to MAX_LINES lines."""
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
        """What is kept when an order's stock is released before it was reserved."""
        return cls(
            order_id=order_id,
            correlation_id=correlation_id,
            lines=(),
            status=ReservationStatus.RELEASED,
            version=1,
        )

    @property
    def reservation_id(self) -> str:
        """The reservation as an aggregate: one for each order."""
        return f"reservation-{self.order_id}"

    @property
    def has_given_back(self) -> bool:
        """Whether stock that was held went back; false for a tombstone, which never held any."""
        return self.status is ReservationStatus.RELEASED and bool(self.lines)

    def reserved(self, now: datetime) -> Event:
        """The event that the stock is held."""
        return self._event("stock.reserved", now)

    def release(self, now: datetime) -> tuple[Self, Event]:
        """The reservation after its stock is given back, and the event; raises ReservationReleased the second time."""
        if self.status is ReservationStatus.RELEASED:
            raise ReservationReleased(self.order_id)
        after = self.model_copy(update={"status": ReservationStatus.RELEASED, "version": self.version + 1})
        return after, after._event("stock.released", now)

    def _event(self, event_type: str, now: datetime) -> Event:
        return Event.of(
            event_type,
            aggregate_id=self.reservation_id,
            aggregate_version=self.version,
            occurred_at=now,
            correlation_id=self.correlation_id,
            data={"order_id": self.order_id, "lines": [line.model_dump() for line in self.lines]},
        )


class StockLevel(BaseModel):
    """How much of a sku can still be sold (`available`) and how much is promised to orders (`reserved`), in pieces."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    sku: str
    available: int
    reserved: int
    low_stock_threshold: int
    version: int
    changed_at: datetime
    correlation_id: str


def low_stock(before: StockLevel | None, after: StockLevel) -> list[Event]:
    """The `stock.low` event when a change took `available` to or below the threshold; none while it stays there."""
    if before is None or not after.available <= after.low_stock_threshold < before.available:
        return []
    return [
        Event.of(
            "stock.low",
            aggregate_id=f"stock-{after.sku}",
            aggregate_version=after.version,
            occurred_at=after.changed_at,
            correlation_id=after.correlation_id,
            data={
                "sku": after.sku,
                "available": after.available,
                "threshold": after.low_stock_threshold,
            },
        )
    ]

"""The rules of stock, without AWS: what moves it, what a reservation holds and gives back, and when stock is low.

On hand is what stands in the warehouse: what is available and what is reserved. Only a movement of the ledger changes
it, so the sum of a sku's movements is what is on hand. A reservation takes from available to reserved, a release back:

(nothing) ──► reserved ──► released
    └────────────────────► released      (a tombstone: released before it was made; a late reserve is refused)
"""

import re
from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Self
from uuid import UUID, uuid5

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from shared.clock import timestamp
from shared.errors import Conflict, NotFound, PermanentError, TransientError, Unprocessable
from shared.events import Event
from shared.numbers import INTEGRAL

# Movement ids derive from this, the admin, the sku and the idempotency key (RFC 9562, version 5); it must never change.
_MOVEMENT_ID_NAMESPACE = UUID("b031871f-bef6-5ef2-bce7-5048cc29dd31")

MAX_LINES = 50
MAX_QUANTITY = 1_000_000
"""Pieces of one movement, and the highest threshold."""
MAX_AVAILABLE = 1_000_000_000
"""Pieces of one sku that can be for sale: far beyond any warehouse, and far within a number's exact range."""

# The form of the catalogue's skus, which a delivery may come before: the product need not be on sale yet.
SKU = r"^[A-Z0-9]+(-[A-Z0-9]+)*$"
MAX_SKU = 40
# No control characters, and at least one that can be seen.
_REASON = r"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$"


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


class UnknownSku(NotFound):
    """Inventory does not know the sku; the first movement of one is a receipt."""

    def __init__(self, sku: str) -> None:
        super().__init__(f"Inventory does not know {sku}; the first movement of a sku is a receipt.")


class NotEnoughStock(Conflict):
    """Fewer pieces are available than the adjustment takes."""

    code = "not-enough-stock"


class TooMuchStock(Conflict):
    """More pieces would be available than inventory counts of one sku."""

    code = "too-much-stock"


class IdempotencyKeyReused(Unprocessable):
    """The same Idempotency-Key came with another movement of the sku."""

    code = "idempotency-key-reused"


class StockThrottled(TransientError):
    """DynamoDB did not answer for every sku asked for."""


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


class MovementKind(StrEnum):
    """Why pieces came in or went out."""

    RECEIPT = "receipt"
    """A delivery came in."""
    ADJUSTMENT = "adjustment"
    """A count, breakage or loss: the record is set right."""


class MovementRequest(BaseModel):
    """A delivery that came in, or an adjustment of what is on record."""

    # The rules that tie the fields together, as JSON Schema says them; `_fits_its_kind` and `_is_given` enforce them.
    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_extra={
            "anyOf": [
                {"properties": {"kind": {"const": "receipt"}, "quantity": {"minimum": 1}}},
                {
                    "properties": {
                        "kind": {"const": "adjustment"},
                        "quantity": {"not": {"const": 0}},
                        "reason": {"type": "string"},
                    },
                    "required": ["reason"],
                },
            ]
        },
    )

    kind: MovementKind
    quantity: Annotated[
        int,
        Field(
            ge=-MAX_QUANTITY,
            le=MAX_QUANTITY,
            strict=True,
            description="Pieces: from 1 for a receipt; for an adjustment what comes in (from 1) or goes out (to -1)",
            examples=[24],
        ),
        INTEGRAL,
    ]
    reason: Annotated[
        str | None,
        Field(
            min_length=1,
            max_length=200,
            pattern=_REASON,
            validate_default=True,
            description="Why; required for an adjustment",
            examples=["Delivery note 4711"],
        ),
    ] = None

    @field_validator("quantity")
    @classmethod
    def _fits_its_kind(cls, quantity: int, info: ValidationInfo) -> int:
        if info.data.get("kind") is MovementKind.RECEIPT and quantity < 1:
            raise ValueError("a receipt brings in 1 piece or more")
        if quantity == 0:
            raise ValueError("an adjustment of nothing is none")
        return quantity

    @field_validator("reason")
    @classmethod
    def _is_given(cls, reason: str | None, info: ValidationInfo) -> str | None:
        if info.data.get("kind") is MovementKind.ADJUSTMENT and reason is None:
            raise ValueError("an adjustment needs a reason")
        return reason


class Movement(BaseModel):
    """An entry of the ledger, which never changes: `quantity` pieces came in, or went out where it is negative."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    movement_id: str
    sku: str
    kind: MovementKind
    quantity: int
    reason: str | None = None
    recorded_by: str | None = None
    """The admin's user id; none where nobody was signed in, as at the loading of the first stock."""
    recorded_at: str
    correlation_id: str

    @classmethod
    def asked_for(
        cls,
        request: MovementRequest,
        *,
        sku: str,
        idempotency_key: str,
        recorded_by: str,
        correlation_id: str,
        now: datetime,
    ) -> Self:
        """The movement of `sku` that an admin asks for; the same admin's same key makes the same movement id."""
        return cls(
            movement_id=f"mov_{uuid5(_MOVEMENT_ID_NAMESPACE, f'{recorded_by}/{sku}/{idempotency_key}')}",
            sku=sku,
            kind=request.kind,
            quantity=request.quantity,
            reason=request.reason,
            recorded_by=recorded_by,
            recorded_at=timestamp(now),
            correlation_id=correlation_id,
        )

    @property
    def place(self) -> str:
        """Where the movement stands in its sku's ledger: by time, and by id among those of one millisecond."""
        return f"{self.recorded_at}#{self.movement_id}"

    def is_repeated_by(self, other: Self) -> bool:
        """Whether `other` asks for what this movement did; when that was does not matter."""
        return (self.sku, self.kind, self.quantity, self.reason) == (
            other.sku,
            other.kind,
            other.quantity,
            other.reason,
        )

    def check_against(self, level: "StockLevel") -> None:
        """Raises NotEnoughStock or TooMuchStock when the movement cannot be made of `level`."""
        after = level.available + self.quantity
        if after < 0:
            raise NotEnoughStock(
                f"{-self.quantity} pieces of {self.sku} cannot go out: {level.available} are available."
            )
        if self.quantity > 0 and after > MAX_AVAILABLE:
            raise TooMuchStock(
                f"{self.quantity} more pieces of {self.sku} would be more than {MAX_AVAILABLE}, the most there can be."
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

    @property
    def on_hand(self) -> int:
        """The pieces that stand in the warehouse."""
        return self.available + self.reserved

    @property
    def is_low(self) -> bool:
        """Whether no more is available than the threshold says."""
        return self.available <= self.low_stock_threshold


def is_sku(text: str) -> bool:
    """Whether `text` has the form of a sku."""
    return len(text) <= MAX_SKU and re.fullmatch(SKU, text) is not None


def low_stock(before: StockLevel | None, after: StockLevel) -> list[Event]:
    """The `stock.low` event when a change (of stock or of its threshold) made the sku low; none while it stays so."""
    if before is None or before.is_low or not after.is_low:
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

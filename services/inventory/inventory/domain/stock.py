"""The rules of stock: how much there is of a sku, its movements, and when it is low.

The pieces on hand stand in the warehouse: available and reserved ones. Only a movement of the ledger changes their
number, so it is the sum of the sku's movements.
"""

from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Self
from uuid import UUID, uuid5

from inventory.domain.events import StockLow
from shared.clock import timestamp
from shared.errors import Conflict, NotFound, Unprocessable
from shared.events import Event
from shared.record import Personal, Record

if TYPE_CHECKING:
    from inventory.domain.movement_request import MovementRequest

# Movement ids are of version 5 (RFC 9562). The first namespace serves the admins' movements: admin, sku and idempotency
# key. The second serves dispatches: order and sku. The third serves returns: return and sku. None may ever change.
_MOVEMENT_ID_NAMESPACE = UUID("b031871f-bef6-5ef2-bce7-5048cc29dd31")
_SHIPMENT_ID_NAMESPACE = UUID("5d1c9a44-0f6e-5b0b-9a63-1b6f3f1a7c52")
_RETURN_ID_NAMESPACE = UUID("8e4b2f70-5c1d-5a9e-b6f2-9d3a0c7e5f18")

MAX_QUANTITY = 1_000_000
"""Pieces of one movement, and the highest threshold."""
MAX_AVAILABLE = 1_000_000_000
"""Pieces of one sku that can be for sale: far beyond any warehouse, and far within a number's exact range."""


class UnknownSku(NotFound):
    """Inventory does not know the sku. The first movement of a sku is a receipt."""

    def __init__(self, sku: str) -> None:
        super().__init__(f"Inventory does not know {sku}. The first movement of a sku is a receipt.")


class NotEnoughStock(Conflict):
    """Fewer pieces are available than the adjustment takes."""

    code = "not-enough-stock"


class TooMuchStock(Conflict):
    """More pieces of the sku would be available than inventory can count."""

    code = "too-much-stock"


class IdempotencyKeyReused(Unprocessable):
    """The same Idempotency-Key was used for another movement of the sku."""

    code = "idempotency-key-reused"


class MovementKind(StrEnum):
    """Why pieces came in or went out."""

    RECEIPT = "receipt"
    """A delivery came in, or pieces of an order came back."""
    ADJUSTMENT = "adjustment"
    """A count, breakage or loss corrects the record."""
    SHIPMENT = "shipment"
    """An order's pieces left in its parcel. Only a dispatch records this kind; no request can."""


class Movement(Record):
    """An entry of the ledger, which never changes: `quantity` pieces came in, or went out if it is negative."""

    movement_id: str
    sku: str
    kind: MovementKind
    quantity: int
    reason: str | None = None
    recorded_by: Annotated[str | None, Personal.ACCOUNT_ID] = None
    """The admin's user id; None if the system recorded the movement, for example when it loads the first stock."""
    recorded_at: str
    correlation_id: str
    order_id: str | None = None
    """The order whose pieces these are; None unless they left in its parcel or came back."""

    @classmethod
    def requested(
        cls,
        request: "MovementRequest",
        *,
        sku: str,
        idempotency_key: str,
        recorded_by: str,
        correlation_id: str,
        now: datetime,
    ) -> Self:
        """The movement of `sku` that an admin requests. The same admin's same key makes the same movement id."""
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

    @classmethod
    def shipped(cls, order_id: str, sku: str, quantity: int, *, correlation_id: str, now: datetime) -> Self:
        """The movement of `quantity` pieces of `sku` that left with an order's parcel: one for each order and sku."""
        return cls(
            movement_id=f"mov_{uuid5(_SHIPMENT_ID_NAMESPACE, f'{order_id}/{sku}')}",
            sku=sku,
            kind=MovementKind.SHIPMENT,
            quantity=-quantity,
            recorded_at=timestamp(now),
            correlation_id=correlation_id,
            order_id=order_id,
        )

    @classmethod
    def returned(
        cls, return_id: str, order_id: str, sku: str, quantity: int, *, correlation_id: str, now: datetime
    ) -> Self:
        """The receipt of `quantity` pieces of `sku` that came back with a return: one for each return and sku."""
        return cls(
            movement_id=f"mov_{uuid5(_RETURN_ID_NAMESPACE, f'{return_id}/{sku}')}",
            sku=sku,
            kind=MovementKind.RECEIPT,
            quantity=quantity,
            reason=f"Return {return_id}",
            recorded_at=timestamp(now),
            correlation_id=correlation_id,
            order_id=order_id,
        )

    @property
    def place(self) -> str:
        """Where the movement stands in its sku's ledger: by time, and by id among those of one millisecond."""
        return f"{self.recorded_at}#{self.movement_id}"

    def is_repeated_by(self, other: Self) -> bool:
        """Whether `other` requests the same movement again, whenever that was."""
        return (self.sku, self.kind, self.quantity, self.reason) == (
            other.sku,
            other.kind,
            other.quantity,
            other.reason,
        )

    @property
    def bound(self) -> int:
        """The fewest available pieces that a movement out needs, or the most that a movement in allows."""
        return -self.quantity if self.quantity < 0 else MAX_AVAILABLE - self.quantity

    def check_against(self, level: "StockLevel") -> None:
        """Raises NotEnoughStock or TooMuchStock if `level` does not allow the movement."""
        if self.quantity < 0 and level.available < self.bound:
            raise NotEnoughStock(
                f"{-self.quantity} pieces of {self.sku} cannot go out: {level.available} are available."
            )
        if self.quantity >= 0 and level.available > self.bound:
            raise TooMuchStock(
                f"{self.quantity} more pieces of {self.sku} would exceed the limit of {MAX_AVAILABLE} available pieces."
            )


class StockLevel(Record):
    """How many pieces of a sku can still be sold (`available`), and how many are promised to orders (`reserved`)."""

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
        """Whether the available pieces are at or below the threshold."""
        return self.available <= self.low_stock_threshold


def low_stock(before: StockLevel | None, after: StockLevel) -> list[Event]:
    """The `stock.low` event if a change (of stock or threshold) made the sku low; no event while it stays low."""
    if before is None or before.is_low or not after.is_low:
        return []
    return [
        Event.of(
            StockLow(sku=after.sku, available=after.available, threshold=after.low_stock_threshold),
            aggregate_id=f"stock-{after.sku}",
            aggregate_version=after.version,
            occurred_at=after.changed_at,
            correlation_id=after.correlation_id,
        )
    ]

"""The requests and answers of the inventory API: the stock of a sku, an entry of its ledger, and pages of both."""

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field

from inventory.domain.stock import MAX_QUANTITY, Movement, MovementKind, StockLevel
from shared.clock import timestamp
from shared.numbers import INTEGRAL


class StockView(BaseModel):
    """The stock of a sku, in pieces. `changed_at` is RFC 3339 in UTC."""

    sku: str
    on_hand: int = Field(description="Pieces in the warehouse: available and reserved")
    available: int = Field(description="Pieces that can still be sold")
    reserved: int = Field(description="Pieces that are promised to orders")
    low_stock_threshold: int
    low: bool = Field(description="Whether `available` is at or below the threshold")
    version: int
    changed_at: str

    @classmethod
    def of(cls, level: StockLevel) -> Self:
        """The view of `level`."""
        return cls(
            sku=level.sku,
            on_hand=level.on_hand,
            available=level.available,
            reserved=level.reserved,
            low_stock_threshold=level.low_stock_threshold,
            low=level.is_low,
            version=level.version,
            changed_at=timestamp(level.changed_at),
        )


class StockPage(BaseModel):
    """A page of the stock, sorted by sku. `next` is the cursor of the following page, null on the last one."""

    stock: list[StockView]
    next: str | None = None


class MovementView(BaseModel):
    """An entry of a sku's ledger. `recorded_at` is RFC 3339 in UTC."""

    movement_id: str
    sku: str
    kind: MovementKind
    quantity: int = Field(description="Pieces that came in; negative if they went out")
    reason: str | None = None
    order_id: str | None = Field(
        default=None,
        description="The order whose pieces these are; null unless they left in its parcel or came back",
    )
    recorded_by: str | None = Field(
        default=None, description="The user id of the admin; null if the system recorded the movement"
    )
    recorded_at: str

    @classmethod
    def of(cls, movement: Movement) -> Self:
        """The view of `movement`."""
        return cls.model_validate(movement.model_dump())


class MovementPage(BaseModel):
    """A page of a sku's ledger, newest first. `next` is the cursor of the following page, null on the last one."""

    movements: list[MovementView]
    next: str | None = None


class ThresholdRequest(BaseModel):
    """The number of available pieces at which a sku counts as low."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    low_stock_threshold: Annotated[
        int, Field(ge=0, le=MAX_QUANTITY, strict=True, description="Pieces", examples=[15]), INTEGRAL
    ]

"""The requests of an admin that move stock. The rules of stock itself are in `stock`."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from inventory.domain.stock import MAX_QUANTITY, MovementKind
from shared.numbers import INTEGRAL
from shared.text import SKU, VISIBLE_LINE

_MAX_SKU = 40
# The catalogue's skus. A delivery may come before its product is on sale.
Sku = Annotated[
    str, Field(max_length=_MAX_SKU, description="Stock-keeping unit", examples=["TEA-ASSAM-100"]), SKU
]


def is_sku(text: str) -> bool:
    """Whether `text` has the form of a sku."""
    return len(text) <= _MAX_SKU and SKU.fits(text)


Reason = Annotated[
    str,
    Field(min_length=1, max_length=200, description="Why", examples=["Delivery note 4711"]),
    VISIBLE_LINE,
]


def _not_zero(quantity: int) -> int:
    if quantity == 0:
        raise ValueError("an adjustment changes the stock by 1 piece or more")
    return quantity


class Receipt(BaseModel):
    """A delivery that came in."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal[MovementKind.RECEIPT]
    quantity: Annotated[
        int, Field(ge=1, le=MAX_QUANTITY, strict=True, description="Pieces", examples=[24]), INTEGRAL
    ]
    reason: Reason | None = None


class Adjustment(BaseModel):
    """A correction of the recorded stock, after a count, breakage or loss."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal[MovementKind.ADJUSTMENT]
    quantity: Annotated[
        int,
        Field(
            ge=-MAX_QUANTITY,
            le=MAX_QUANTITY,
            strict=True,
            description="Pieces: positive if more are in stock than recorded, negative if fewer; never 0",
            examples=[-2],
            json_schema_extra={"not": {"const": 0}},
        ),
        INTEGRAL,
        AfterValidator(_not_zero),
    ]
    reason: Reason


type MovementRequest = Receipt | Adjustment
"""What an admin may record; `kind` tells which."""

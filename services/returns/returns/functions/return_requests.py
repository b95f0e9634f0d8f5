"""The bodies of the returns API's requests."""

from collections import Counter
from collections.abc import Sequence
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from returns.domain.order_returns import Findings
from returns.domain.pieces import Pieces, lines_of
from returns.domain.status import DuplicateSku, RefusalReason, ReturnReason
from shared.errors import FieldError
from shared.numbers import INTEGRAL
from shared.text import VISIBLE_LINE

_MAX_LINES = 50  # as many as an order has
_MAX_QUANTITY = 999

_Sku = Annotated[
    str,
    Field(min_length=1, max_length=64, description="As in the order", examples=["TEA-ASSAM-100"]),
    VISIBLE_LINE,
    AfterValidator(str.strip),
]


class _Request(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class PiecesRequest(_Request):
    """Some pieces of one product of the order."""

    sku: _Sku
    quantity: Annotated[int, Field(ge=1, le=_MAX_QUANTITY, strict=True, examples=[1]), INTEGRAL]


class ReturnRequest(_Request):
    """The pieces that come back, and why."""

    lines: Annotated[list[PiecesRequest], Field(min_length=1, max_length=_MAX_LINES)]
    reason: Annotated[ReturnReason, Field(examples=["damaged"])]

    @property
    def pieces(self) -> Pieces:
        """The pieces by sku; raises DuplicateSku."""
        _refuse_duplicates([line.sku for line in self.lines])
        return Counter({line.sku: line.quantity for line in self.lines})


class RefusalRequest(_Request):
    """Why the shop does not take the pieces back."""

    reason: Annotated[RefusalReason, Field(examples=["excluded"])]


_Found = Annotated[int, Field(ge=0, le=_MAX_QUANTITY, strict=True, examples=[0]), INTEGRAL]


class FindingsRequest(_Request):
    """The pieces of one product that arrived: what becomes of how many."""

    sku: _Sku
    restocked: Annotated[_Found, Field(description="For sale again, and paid back", examples=[1])] = 0
    written_off: Annotated[_Found, Field(description="Not for sale any more, and paid back")] = 0
    not_accepted: Annotated[_Found, Field(description="Not paid back")] = 0


class InspectionRequest(_Request):
    """The outcome of an inspection. Pieces that did not arrive are left out."""

    lines: Annotated[list[FindingsRequest], Field(min_length=1, max_length=_MAX_LINES)]

    @property
    def findings(self) -> Findings:
        """The findings in the rules' terms; raises DuplicateSku."""
        _refuse_duplicates([line.sku for line in self.lines])
        return Findings(
            restocked=lines_of({line.sku: line.restocked for line in self.lines}),
            written_off=lines_of({line.sku: line.written_off for line in self.lines}),
            not_accepted=lines_of({line.sku: line.not_accepted for line in self.lines}),
        )


def _refuse_duplicates(skus: Sequence[str]) -> None:
    errors = [
        FieldError(f"/body/lines/{position}/sku", "appears on an earlier line; add up the quantities")
        for position, sku in enumerate(skus)
        if sku in skus[:position]
    ]
    if errors:
        raise DuplicateSku("A product may appear on one line only.", errors)

"""The request of a client that places an order, and the reasons to refuse it."""

import hashlib
import json
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from orders.domain.pricing import OrderLine, Price
from shared.errors import FieldError, Unprocessable
from shared.numbers import INTEGRAL
from shared.record import Personal
from shared.text import COUNTRY, VISIBLE_LINE

MAX_LINES = 50
MAX_QUANTITY = 999

# Blanks around a text carry no meaning; they are removed after its form is checked.
_Sku = Annotated[
    str,
    Field(min_length=1, max_length=64, examples=["TEA-ASSAM-100"]),
    VISIBLE_LINE,
    AfterValidator(str.strip),
]
_Text = Annotated[str, Field(min_length=1, max_length=100), VISIBLE_LINE, AfterValidator(str.strip)]
_PostalCode = Annotated[
    str,
    Field(min_length=1, max_length=20, examples=["10115"]),
    VISIBLE_LINE,
    AfterValidator(str.strip),
    Personal.POSTAL_ADDRESS,
]
_PaymentToken = Annotated[
    str,
    Field(min_length=1, max_length=255, examples=["pm_card_visa"]),
    VISIBLE_LINE,
    AfterValidator(str.strip),
    Personal.PAYMENT_TOKEN,
]


class UnknownSku(Unprocessable):
    """A line names a product that is not sold."""

    code = "unknown-sku"


class DuplicateSku(Unprocessable):
    """Two lines name the same product."""

    code = "duplicate-sku"


class IdempotencyKeyReused(Unprocessable):
    """The same Idempotency-Key came with another body."""

    code = "idempotency-key-reused"


class _Request(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class LineRequest(_Request):
    """One requested line: a product, and how many."""

    sku: _Sku
    quantity: Annotated[int, Field(ge=1, le=MAX_QUANTITY, strict=True, examples=[2]), INTEGRAL]


class AddressRequest(_Request):
    """The address that the parcel goes to."""

    name: Annotated[_Text, Field(examples=["Ada Example"]), Personal.NAME]
    line1: Annotated[_Text, Field(examples=["Beispielweg 1"]), Personal.POSTAL_ADDRESS]
    line2: Annotated[_Text | None, Personal.POSTAL_ADDRESS] = Field(default=None, examples=["Flat 2"])
    city: Annotated[_Text, Field(examples=["Berlin"]), Personal.POSTAL_ADDRESS]
    postal_code: _PostalCode
    country: Annotated[str, Field(description="ISO 3166-1 alpha-2 code", examples=["DE"]), COUNTRY]


class OrderRequest(_Request):
    """The body of `POST /orders`. It holds no price: the server has its own."""

    lines: Annotated[list[LineRequest], Field(min_length=1, max_length=MAX_LINES)]
    shipping_address: AddressRequest
    payment_token: _PaymentToken

    def fingerprint(self) -> str:
        """A hash of the body's meaning: it distinguishes a retry from another order under the same key."""
        canonical = json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()

    def lines_at(self, prices: dict[str, Price]) -> list[OrderLine]:
        """The lines at `prices` (by sku); raises DuplicateSku, or UnknownSku (also for a product no longer sold)."""
        self._refuse_duplicates()
        self._refuse_unknown(prices)
        return [
            OrderLine(sku=line.sku, quantity=line.quantity, unit_price=prices[line.sku].price)
            for line in self.lines
        ]

    def _refuse_duplicates(self) -> None:
        skus = [line.sku for line in self.lines]
        errors = [
            FieldError(f"/body/lines/{position}/sku", "appears on an earlier line; add up the quantities")
            for position, sku in enumerate(skus)
            if sku in skus[:position]
        ]
        if errors:
            raise DuplicateSku("A product may appear on one line only.", errors)

    def _refuse_unknown(self, prices: dict[str, Price]) -> None:
        errors = [
            FieldError(f"/body/lines/{position}/sku", "no such product is sold")
            for position, line in enumerate(self.lines)
            if line.sku not in prices or not prices[line.sku].active
        ]
        if errors:
            raise UnknownSku("The order names products that are not sold.", errors)

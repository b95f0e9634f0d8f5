"""The rules of a product: its limits, its changes, and the order in which products are browsed.

The catalogue is a row of shelves, one per category, each sorted by name. Browsing everything walks the shelves in the
order of `Category`. The next page needs only the position at which the page before it ended.
"""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, field_validator

from catalog.domain.collation import sort_key
from catalog.domain.events import ProductChanged
from catalog.domain.picture import MAX_PICTURES, Picture, TooManyPictures
from shared.clock import timestamp
from shared.events import Event
from shared.money import Money
from shared.text import SKU, VISIBLE_LINE, Form

_MAX_SKU = 40
_MAX_NAME = 120
# DynamoDB's limit of a sort key's value, in bytes.
_MAX_PLACE_BYTES = 1024

_DESCRIPTION = Form(
    r"^[^\x00-\x09\x0B\x0C\x0E-\x1F\x7F-\x9F\u2028\u2029]*$",
    "Write text in lines, without tabs and other control characters",
)

LOWEST_PRICE = 1
"""In minor units: no product is free."""
HIGHEST_PRICE = 10_000_000_00
"""In minor units, 10 million in a currency with cents: a higher price is more likely mistyped than meant."""

Sku = Annotated[
    str,
    Field(max_length=_MAX_SKU, description="Stock-keeping unit", examples=["TEA-ASSAM-100"]),
    SKU,
]


def _in_lines(text: object) -> object:
    """The text with each of its lines ended by LF alone; anything else as it is."""
    return text.replace("\r\n", "\n").replace("\r", "\n") if isinstance(text, str) else text


# Trimmed after the check, so that exactly the texts of the published schema pass. A browser's form ends lines with CR
# and LF, but counts each end as one character of the limit. So a description's line ends are changed before the check.
ProductName = Annotated[
    str,
    Field(max_length=_MAX_NAME, examples=["Assam Second Flush, 100 g"]),
    VISIBLE_LINE,
    AfterValidator(str.strip),
]
ProductDescription = Annotated[
    str,
    Field(max_length=2000, examples=["Malty black tea; strong enough for milk."]),
    _DESCRIPTION,
    BeforeValidator(_in_lines),
    AfterValidator(str.strip),
]


class Category(StrEnum):
    """The shelves, in the order in which they are browsed."""

    TEA = "tea"
    COFFEE = "coffee"
    TEAWARE = "teaware"
    COFFEEWARE = "coffeeware"
    PANTRY = "pantry"
    GIFTS = "gifts"


class ProductDetails(BaseModel):
    """The details of a product.

    A retired product is not active: the link of an old order still shows it, but nobody can browse or order it.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    sku: Sku
    name: ProductName
    description: ProductDescription
    category: Category
    price: Money
    active: bool = True

    @field_validator("price")
    @classmethod
    def _within_bounds(cls, price: Money) -> Money:
        if not LOWEST_PRICE <= price.amount <= HIGHEST_PRICE:
            raise ValueError(f"a price is {LOWEST_PRICE} to {HIGHEST_PRICE} minor units")
        return price


class Product(ProductDetails):
    """A product at one version; each change is the next version and one `product.changed`."""

    version: Annotated[int, Field(ge=1)]
    changed_at: str
    pictures: tuple[Picture, ...] = ()

    @classmethod
    def introduce(
        cls, details: ProductDetails, *, correlation_id: str, now: datetime
    ) -> tuple[Self, list[Event]]:
        """The product's first version and its event."""
        product = cls(**_fields_of(details), version=1, changed_at=timestamp(now))
        return product, [product._changed(correlation_id, now)]

    def revise(
        self, details: ProductDetails, *, correlation_id: str, now: datetime
    ) -> tuple[Self, list[Event]]:
        """The product's next version and its event; itself and no event if nothing differs.

        Raises ValueError if `details` are of another sku.
        """
        if details.sku != self.sku:
            raise ValueError(f"{details.sku} is not {self.sku}")
        if _fields_of(details) == _fields_of(self):
            return self, []
        return self._next(_fields_of(details), correlation_id, now)

    def retire(self, *, correlation_id: str, now: datetime) -> tuple[Self, list[Event]]:
        """The product taken off sale and its event; itself and no event if it is retired already."""
        retired = self.model_copy(update={"active": False})
        return self.revise(retired, correlation_id=correlation_id, now=now)

    def show(self, picture: Picture, *, correlation_id: str, now: datetime) -> tuple[Self, list[Event]]:
        """The product with `picture` as its last one, and its event; itself and no event if it shows it already.

        Raises TooManyPictures.
        """
        if any(shown.picture_id == picture.picture_id for shown in self.pictures):
            return self, []
        if len(self.pictures) >= MAX_PICTURES:
            raise TooManyPictures(self.sku)
        return self._next({"pictures": (*self.pictures, picture)}, correlation_id, now)

    def remove(self, picture_id: str, *, correlation_id: str, now: datetime) -> tuple[Self, list[Event]]:
        """The product without that picture, and its event; itself and no event if it does not show the picture."""
        remaining = tuple(picture for picture in self.pictures if picture.picture_id != picture_id)
        if len(remaining) == len(self.pictures):
            return self, []
        return self._next({"pictures": remaining}, correlation_id, now)

    def picture(self, picture_id: str) -> Picture | None:
        """The picture of that id, or None."""
        return next((picture for picture in self.pictures if picture.picture_id == picture_id), None)

    def _next(
        self, changes: dict[str, object], correlation_id: str, now: datetime
    ) -> tuple[Self, list[Event]]:
        """The version after this one, with `changes`, and its event."""
        changed = self.model_copy(
            update={**changes, "version": self.version + 1, "changed_at": timestamp(now)}
        )
        return changed, [changed._changed(correlation_id, now)]

    def _changed(self, correlation_id: str, now: datetime) -> Event:
        payload = ProductChanged(
            sku=self.sku,
            name=self.name,
            category=self.category,
            price=self.price,
            active=self.active,
            version=self.version,
        )
        return Event.of(
            payload,
            aggregate_id=self.sku,
            aggregate_version=self.version,
            occurred_at=now,
            correlation_id=correlation_id,
        )


class Position(BaseModel):
    """A place on the shelves, after which a page starts: a shelf, and the sort key of its products."""

    model_config = ConfigDict(frozen=True)

    shelf: Category
    place: Annotated[str, Field(min_length=1)]

    @field_validator("place")
    @classmethod
    def _fits_a_key(cls, place: str) -> str:
        if len(place.encode()) > _MAX_PLACE_BYTES:
            raise ValueError("too long for a place on a shelf")
        return place

    @classmethod
    def of(cls, product: ProductDetails) -> Self:
        """The position of `product`: by name as `sort_key` has it, and by sku among equal names."""
        # The key may have several letters for one. With at most a name's length it always fits a cursor.
        name = sort_key(product.name)[:_MAX_NAME]
        # A tab sorts before every character of a key, so "Tea" comes before "Tea Black".
        return cls(shelf=product.category, place=f"{name}\t{product.sku}")


def apply_details(
    stored: Product | None, details: ProductDetails, *, correlation_id: str, now: datetime
) -> tuple[Product, list[Event]]:
    """The product with `details` and its event, introduced unless it is `stored`; no event if nothing differs."""
    if stored is None:
        return Product.introduce(details, correlation_id=correlation_id, now=now)
    return stored.revise(details, correlation_id=correlation_id, now=now)


def is_sku(text: str) -> bool:
    """Whether `text` has the form of a sku; no product has a sku of another form."""
    return len(text) <= _MAX_SKU and SKU.fits(text)


def shelves_from(position: Position | None, category: Category | None) -> Sequence[Category]:
    """The shelves left to browse after `position`, of one `category` or of all.

    Raises ValueError if the position is on none of these shelves.
    """
    shelves = [category] if category else list(Category)
    return shelves[shelves.index(position.shelf) :] if position else shelves


def _fields_of(details: ProductDetails) -> dict[str, object]:
    return {name: getattr(details, name) for name in ProductDetails.model_fields}

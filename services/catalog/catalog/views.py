"""What the catalogue's clients send and see."""

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field

from catalog.domain import (
    HIGHEST_PRICE,
    LOWEST_PRICE,
    Category,
    Product,
    ProductDescription,
    ProductDetails,
    ProductName,
    Sku,
)
from catalog.pictures import PictureType
from shared.money import CurrencyCode, Money
from shared.numbers import INTEGRAL


class ProductView(BaseModel):
    """A product as anyone sees it; one that is not active is retired and cannot be ordered."""

    sku: str
    name: str
    description: str
    category: Category
    price: Money
    active: bool

    @classmethod
    def of(cls, product: Product) -> Self:
        """The public view of `product`."""
        return cls.model_validate(product.model_dump(include=set(cls.model_fields)))


class ProductPage(BaseModel):
    """A page of products, by category and name; `next` is the cursor of the following page, null on the last."""

    products: list[ProductView]
    next: str | None = None


class ProductPrice(BaseModel):
    """What one piece costs."""

    model_config = ConfigDict(extra="forbid")

    amount: Annotated[
        int,
        Field(
            strict=True,
            ge=LOWEST_PRICE,
            le=HIGHEST_PRICE,
            description="Minor units, for example cents",
            examples=[790],
        ),
        INTEGRAL,
    ]
    currency: CurrencyCode


class ProductChange(BaseModel):
    """All that is said of a product, as it shall be from now on."""

    model_config = ConfigDict(extra="forbid")

    name: ProductName
    description: ProductDescription
    category: Category
    price: ProductPrice
    active: Annotated[bool, Field(strict=True, description="Whether it is on sale; false retires it")]

    def details(self, sku: str) -> ProductDetails:
        """The product `sku` as this says."""
        return ProductDetails.model_validate({**self.model_dump(), "sku": sku})


class NewProduct(ProductChange):
    """A product to be added. One that is not active is prepared, and put on sale by a change."""

    sku: Sku
    active: Annotated[bool, Field(strict=True, description="Whether it is on sale at once")] = True


class PictureRequest(BaseModel):
    """A picture to be uploaded."""

    model_config = ConfigDict(extra="forbid")

    content_type: Annotated[PictureType, Field(examples=[PictureType.JPEG])]

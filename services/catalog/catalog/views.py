"""What the catalogue's clients send and see."""

from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

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


def _whole(value: Any) -> Any:
    """A float without a fraction as an int: to JSON Schema, 790.0 is an integer. Neither text nor truth is a number."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


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
        BeforeValidator(_whole),
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

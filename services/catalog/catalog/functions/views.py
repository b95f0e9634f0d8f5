"""What the catalogue's clients send and see."""

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field

from catalog.adapters.pictures_bucket import PictureType
from catalog.domain.pictures import Picture, Upload, UploadStatus
from catalog.domain.product import (
    HIGHEST_PRICE,
    LOWEST_PRICE,
    Category,
    Product,
    ProductDescription,
    ProductDetails,
    ProductName,
    Sku,
)
from shared.money import CurrencyCode, Money
from shared.numbers import INTEGRAL


class RenditionView(BaseModel):
    """One size of a picture in one format, upright and in sRGB."""

    href: str = Field(
        description="Where it is, below the API's URL; it answers with a redirect to the picture",
        examples=["/products/TEA-ASSAM-100/pictures/4b0d9c1f6a7e4f0b8d2c3a5e6f708192/800.webp"],
    )
    content_type: str = Field(description="`image/jpeg` or `image/webp`", examples=["image/webp"])
    width: int = Field(description="Pixels")
    height: int = Field(description="Pixels")


class PictureView(BaseModel):
    """A picture of a product, in several sizes and formats to choose from; the smallest come first."""

    picture_id: str = Field(examples=["4b0d9c1f6a7e4f0b8d2c3a5e6f708192"])
    renditions: list[RenditionView]

    @classmethod
    def of(cls, sku: str, picture: Picture) -> Self:
        """The public view of a picture of the product `sku`."""
        return cls(
            picture_id=picture.picture_id,
            renditions=[
                RenditionView(
                    href=f"/products/{sku}/pictures/{picture.picture_id}/{rendition.name}",
                    content_type=rendition.content_type,
                    width=rendition.width,
                    height=rendition.height,
                )
                for rendition in picture.renditions
            ],
        )


class ProductView(BaseModel):
    """A product as anyone sees it; one that is not active is retired and cannot be ordered."""

    sku: str
    name: str
    description: str
    category: Category
    price: Money
    active: bool
    pictures: list[PictureView] = Field(description="In the order in which they came")

    @classmethod
    def of(cls, product: Product) -> Self:
        """The public view of `product`."""
        return cls(
            sku=product.sku,
            name=product.name,
            description=product.description,
            category=product.category,
            price=product.price,
            active=product.active,
            pictures=[PictureView.of(product.sku, picture) for picture in product.pictures],
        )


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


class UploadView(BaseModel):
    """What became of an upload of a picture."""

    upload_id: str
    status: UploadStatus = Field(
        description="`awaited`: nothing is known of it yet; `ready`: the product shows the picture; "
        "`refused`: nothing was made of it, for `reason`"
    )
    reason: str | None = Field(
        None,
        description="Why it was refused: `not-a-picture`, `unsupported-type`, `truncated`, `damaged`, `too-large`, "
        "`too-many-pixels`, `too-complex` or `too-many-pictures`; there may be new ones",
        examples=["too-many-pixels"],
    )
    detail: str | None = Field(
        None,
        description="The same for people: what was wrong, and what would be taken",
        examples=["It has more than 50 megapixels; send it smaller."],
    )
    picture_id: str | None = Field(
        None,
        description="Which of the product's pictures it is",
        examples=["4b0d9c1f6a7e4f0b8d2c3a5e6f708192"],
    )

    @classmethod
    def of(cls, upload: Upload) -> Self:
        """The view of `upload`."""
        return cls.model_validate(upload.model_dump(include=set(cls.model_fields)))

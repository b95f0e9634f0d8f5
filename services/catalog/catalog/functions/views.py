"""The requests and answers of the catalogue's API."""

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field

from catalog.adapters.picture_signing import UploadForm
from catalog.domain.picture import Picture
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
from catalog.domain.upload import MAX_BYTES, PictureType, Upload, UploadStatus
from shared.clock import timestamp
from shared.links import LinkTo
from shared.money import CurrencyCode, Money
from shared.numbers import INTEGRAL


class RenditionView(BaseModel):
    """One size of a picture in one format, upright and in sRGB."""

    href: str = Field(
        description="Link, relative to the URL of this answer; it redirects to the picture",
        examples=["/prod/products/TEA-ASSAM-100/pictures/4b0d9c1f6a7e4f0b8d2c3a5e6f708192/800.webp"],
    )
    content_type: str = Field(description="`image/jpeg` or `image/webp`", examples=["image/webp"])
    width: int = Field(description="Pixels")
    height: int = Field(description="Pixels")


class PictureView(BaseModel):
    """A picture of a product, in several sizes and formats, the smallest first."""

    picture_id: str = Field(examples=["4b0d9c1f6a7e4f0b8d2c3a5e6f708192"])
    renditions: list[RenditionView]

    @classmethod
    def of(cls, sku: str, picture: Picture, link_to: LinkTo) -> Self:
        """The public view of a picture of the product `sku`."""
        return cls(
            picture_id=picture.picture_id,
            renditions=[
                RenditionView(
                    href=link_to(f"/products/{sku}/pictures/{picture.picture_id}/{rendition.name}"),
                    content_type=rendition.content_type,
                    width=rendition.width,
                    height=rendition.height,
                )
                for rendition in picture.renditions
            ],
        )


class ProductView(BaseModel):
    """A product as anyone sees it. A product that is not active is retired, and nobody can order it."""

    sku: str
    name: str
    description: str
    category: Category
    price: Money
    active: bool
    pictures: list[PictureView] = Field(description="The oldest picture first")

    @classmethod
    def of(cls, product: Product, link_to: LinkTo) -> Self:
        """The public view of `product`."""
        return cls(
            sku=product.sku,
            name=product.name,
            description=product.description,
            category=product.category,
            price=product.price,
            active=product.active,
            pictures=[PictureView.of(product.sku, picture, link_to) for picture in product.pictures],
        )


class ProductPage(BaseModel):
    """A page of products, by category and name; `next` is the cursor of the following page, null on the last."""

    products: list[ProductView]
    next: str | None = None


class ProductPrice(BaseModel):
    """The price of one piece."""

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
    """The new details of a product, all of them."""

    model_config = ConfigDict(extra="forbid")

    name: ProductName
    description: ProductDescription
    category: Category
    price: ProductPrice
    active: Annotated[
        bool, Field(strict=True, description="Whether the product is on sale; false retires it")
    ]

    def details(self, sku: str) -> ProductDetails:
        """These details for the product `sku`."""
        return ProductDetails.model_validate({**self.model_dump(), "sku": sku})


class NewProduct(ProductChange):
    """A product to add. A product that is not active is prepared; a later change puts it on sale."""

    sku: Sku
    active: Annotated[bool, Field(strict=True, description="Whether the product is on sale at once")] = True


class PictureRequest(BaseModel):
    """A picture to upload."""

    model_config = ConfigDict(extra="forbid")

    content_type: Annotated[PictureType, Field(examples=[PictureType.JPEG])]


class PictureUpload(BaseModel):
    """The form for uploading one picture: POST a multipart form of `fields`, then the field `file`, to `url`."""

    upload_id: str = Field(description="Id of the upload, to read its outcome")
    url: str
    fields: dict[str, str] = Field(
        description="The form's fields; send all of them unchanged, before the file"
    )
    key: str = Field(description="The picture's key in the bucket")
    expires_at: str = Field(description="When the form expires, RFC 3339 in UTC")
    max_bytes: int = Field(description="The largest size of the picture, in bytes")

    @classmethod
    def of(cls, upload_id: str, form: UploadForm) -> Self:
        """The view of a signed form."""
        return cls(
            upload_id=upload_id,
            url=form.url,
            fields=form.fields,
            key=form.key,
            expires_at=timestamp(form.expires_at),
            max_bytes=MAX_BYTES,
        )


class UploadView(BaseModel):
    """The outcome of an upload of a picture."""

    upload_id: str
    status: UploadStatus = Field(
        description="`awaited`: no outcome is known yet; `ready`: the product shows the picture; "
        "`refused`: the picture was refused, for `reason`"
    )
    reason: str | None = Field(
        None,
        description="Why the picture was refused: `not-a-picture`, `unsupported-type`, `truncated`, `damaged`, "
        "`too-large`, `too-many-pixels`, `too-complex` or `too-many-pictures`; later versions may add others",
        examples=["too-many-pixels"],
    )
    detail: str | None = Field(
        None,
        description="The reason in words: the fault, and how to correct it",
        examples=["It has more than 50 megapixels; send it smaller."],
    )
    picture_id: str | None = Field(
        None,
        description="Id of the product's picture",
        examples=["4b0d9c1f6a7e4f0b8d2c3a5e6f708192"],
    )

    @classmethod
    def of(cls, upload: Upload) -> Self:
        """The view of `upload`."""
        return cls.model_validate(upload.model_dump(include=set(cls.model_fields)))

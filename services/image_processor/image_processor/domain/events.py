"""What the image processor tells the others: what became of an uploaded picture."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from shared.events import Payload


class Rendition(BaseModel):
    """One size of a picture in one format, as it lies in the pictures bucket."""

    model_config = ConfigDict(frozen=True)

    key: Annotated[
        str,
        Field(
            description="What it is called in the pictures bucket; its bytes never change",
            examples=["renditions/TEA-ASSAM-100/4b0d9c1f6a7e4f0b8d2c3a5e6f708192/800.webp"],
        ),
    ]
    content_type: Annotated[str, Field(description="`image/jpeg` or `image/webp`", examples=["image/webp"])]
    width: Annotated[int, Field(ge=1, description="Pixels", examples=[800])]
    height: Annotated[int, Field(ge=1, description="Pixels", examples=[600])]


class _UploadFacts(Payload):
    sku: Annotated[str, Field(description="Stock-keeping unit", examples=["TEA-ASSAM-100"])]
    upload_id: Annotated[
        str,
        Field(
            description="Which upload of the product's it was", examples=["0b8f3c526f0e4a0c9f572f3a5d1c7e90"]
        ),
    ]


class ProductImageReady(_UploadFacts):
    """An uploaded picture of a product can be shown; all of its renditions are stored."""

    event_type = "product.image_ready"

    picture_id: Annotated[
        str,
        Field(
            description="Derives from the picture's bytes: the same picture has the same id at every upload",
            examples=["4b0d9c1f6a7e4f0b8d2c3a5e6f708192"],
        ),
    ]
    renditions: Annotated[
        list[Rendition],
        Field(description="By size, the smallest first; each size as JPEG and as WebP", min_length=1),
    ]


class ProductImageRefused(_UploadFacts):
    """What was uploaded as a picture of a product cannot be shown, and nothing was made of it."""

    event_type = "product.image_refused"

    reason: Annotated[str, Field(description="Stable; there may be new ones", examples=["too-many-pixels"])]
    detail: Annotated[
        str,
        Field(
            description="The same for people: what was wrong and what would be taken",
            examples=["It has more than 50 megapixels; send it smaller."],
        ),
    ]

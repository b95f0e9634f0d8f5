"""The outcome of an uploaded picture. The catalogue publishes it as an event; this service may publish nothing."""

from typing import Annotated

from shared.events import Payload
from shared.record import About, Record


class Rendition(Record):
    """One size of a picture in one format, stored in the pictures bucket."""

    key: Annotated[
        str,
        About(
            description="The key in the pictures bucket; the object's bytes never change",
            examples=["renditions/TEA-ASSAM-100/4b0d9c1f6a7e4f0b8d2c3a5e6f708192/800.webp"],
        ),
    ]
    content_type: Annotated[str, About(description="`image/jpeg` or `image/webp`", examples=["image/webp"])]
    width: Annotated[int, About(ge=1, description="Pixels", examples=[800])]
    height: Annotated[int, About(ge=1, description="Pixels", examples=[600])]


class _UploadFacts(Payload):
    sku: Annotated[str, About(description="Stock-keeping unit", examples=["TEA-ASSAM-100"])]
    upload_id: Annotated[
        str,
        About(description="Id of the upload", examples=["0b8f3c526f0e4a0c9f572f3a5d1c7e90"]),
    ]


class ProductImageReady(_UploadFacts):
    """All renditions of an uploaded picture of a product are stored, so the shop can show it."""

    event_type = "product.image_ready"

    picture_id: Annotated[
        str,
        About(
            description="Derives from the picture's bytes: the same picture has the same id at every upload",
            examples=["4b0d9c1f6a7e4f0b8d2c3a5e6f708192"],
        ),
    ]
    renditions: Annotated[
        list[Rendition],
        About(description="By size, the smallest first; each size as JPEG and as WebP", min_length=1),
    ]


class ProductImageRefused(_UploadFacts):
    """An uploaded picture of a product was refused, and no renditions were made."""

    event_type = "product.image_refused"

    reason: Annotated[
        str, About(description="Stable; later versions may add others", examples=["too-many-pixels"])
    ]
    detail: Annotated[
        str,
        About(
            description="The reason in words: the fault, and how to correct it",
            examples=["It has more than 50 megapixels; send it smaller."],
        ),
    ]

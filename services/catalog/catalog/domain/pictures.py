"""A product's pictures, without AWS: which it shows, and what became of the uploads that they were made of."""

import re
from enum import StrEnum
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field

MAX_PICTURES = 8
"""Of one product. They lie in the product's item, which every reader of the product pays for."""

_UPLOAD_ID = r"[0-9a-f]{32}"


class Rendition(BaseModel):
    """One size of a picture in one format; `name` is the last part of its key in the bucket (`800.webp`)."""

    model_config = ConfigDict(frozen=True)

    name: str
    content_type: str
    width: int
    height: int


class Picture(BaseModel):
    """A picture of a product: its renditions, smallest first, all in one `folder` of the pictures bucket."""

    model_config = ConfigDict(frozen=True)

    picture_id: str
    folder: str
    renditions: tuple[Rendition, ...]

    def key_of(self, name: str) -> str | None:
        """The key of the rendition `name` in the bucket, or None where there is no such one."""
        return f"{self.folder}/{name}" if any(found.name == name for found in self.renditions) else None


class StoredRendition(BaseModel):
    """What the catalogue reads of a rendition in `product.image_ready`."""

    key: str
    content_type: str
    width: int
    height: int


class PictureReady(BaseModel):
    """What the catalogue reads of `product.image_ready`."""

    sku: str
    upload_id: str
    picture_id: str
    renditions: Annotated[list[StoredRendition], Field(min_length=1)]

    def picture(self) -> Picture:
        """The picture that it tells of."""
        return Picture(
            picture_id=self.picture_id,
            folder=self.renditions[0].key.rpartition("/")[0],
            renditions=tuple(
                Rendition(
                    name=stored.key.rpartition("/")[2],
                    content_type=stored.content_type,
                    width=stored.width,
                    height=stored.height,
                )
                for stored in self.renditions
            ),
        )


class PictureRefused(BaseModel):
    """What the catalogue reads of `product.image_refused`."""

    sku: str
    upload_id: str
    reason: str
    detail: str


class UploadStatus(StrEnum):
    """How far an upload is."""

    AWAITED = "awaited"
    """Nothing is known of it yet: not uploaded, or not looked at."""
    READY = "ready"
    """The product shows the picture."""
    REFUSED = "refused"
    """Nothing was made of it, for the reason given."""


class Upload(BaseModel):
    """What is known of one upload of a picture; `told_at` is the time of the event that told it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    sku: str
    upload_id: str
    status: UploadStatus = UploadStatus.AWAITED
    reason: str | None = None
    detail: str | None = None
    picture_id: str | None = None
    told_at: str | None = None

    @classmethod
    def ready(cls, told: PictureReady, told_at: str) -> Self:
        """An upload whose picture the product shows."""
        return cls(
            sku=told.sku,
            upload_id=told.upload_id,
            status=UploadStatus.READY,
            picture_id=told.picture_id,
            told_at=told_at,
        )

    @classmethod
    def refused(cls, sku: str, upload_id: str, *, reason: str, detail: str, told_at: str) -> Self:
        """An upload of which nothing was made."""
        return cls(
            sku=sku,
            upload_id=upload_id,
            status=UploadStatus.REFUSED,
            reason=reason,
            detail=detail,
            told_at=told_at,
        )


class TooManyPictures(Exception):
    """The product shows as many pictures as it may."""


def is_upload_id(text: str) -> bool:
    """Whether `text` has the form of the ids that the catalogue gives to uploads."""
    return re.fullmatch(_UPLOAD_ID, text) is not None

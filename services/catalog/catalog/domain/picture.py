"""A picture that a product shows, and the outcomes that the image processor tells the catalogue.

The image processor decodes strangers' bytes. So the catalogue takes nothing from it that is not about the named upload.
"""

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from shared.errors import PermanentError
from shared.events import Event

MAX_PICTURES = 8
"""The most that one product shows. They are part of the product's item, and every read of the product pays for them."""


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
        """The key of the rendition `name` in the bucket, or None if the picture has no such rendition."""
        return f"{self.folder}/{name}" if any(found.name == name for found in self.renditions) else None


class TooManyPictures(Exception):
    """The product shows as many pictures as it may."""


class StoredRendition(BaseModel):
    """The part of a rendition in `product.image_ready` that the catalogue reads."""

    key: str
    content_type: str
    width: int
    height: int


class PictureReady(BaseModel):
    """The part of `product.image_ready` that the catalogue reads."""

    sku: str
    upload_id: str
    picture_id: str
    renditions: Annotated[list[StoredRendition], Field(min_length=1)]

    @model_validator(mode="after")
    def _has_its_own_renditions(self) -> Self:
        folder = f"renditions/{self.sku}/{self.picture_id}"
        if any(stored.key.rpartition("/")[0] != folder for stored in self.renditions):
            raise ValueError("a rendition is not the picture's own")
        return self

    def picture(self) -> Picture:
        """The picture that the event announces."""
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
    """The part of `product.image_refused` that the catalogue reads."""

    sku: str
    upload_id: str
    reason: str
    detail: str


class ForeignOutcome(PermanentError):
    """The outcome's ids are not of the upload that its data names; the image processor sends none of this kind."""


def publishable(outcome: Event, read: PictureReady | PictureRefused) -> Event:
    """The outcome as the catalogue publishes it, with the data that it `read` alone; raises ForeignOutcome."""
    own = outcome.aggregate_id.startswith(f"{read.sku}/{read.upload_id}/")
    if not own or outcome.event_id != f"{outcome.aggregate_id}:1:{outcome.event_type}":
        raise ForeignOutcome("the event has another id than one about the upload that it names")
    return outcome.model_copy(update={"data": read.model_dump()})

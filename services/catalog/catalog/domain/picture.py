"""A picture that a product shows, and the events of the image processor that the catalogue reads."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

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

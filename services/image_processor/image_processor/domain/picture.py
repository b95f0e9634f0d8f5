"""The rules of pictures, without AWS and without pixels: what is taken, what is made of it, and what it is called."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from image_processor.domain.events import ProductImageReady, ProductImageRefused, Rendition
from shared.errors import PermanentError
from shared.events import Event

UPLOADS = "uploads/"
RENDITIONS = "renditions/"

MAX_BYTES = 10 * 1024 * 1024
"""What an upload form lets through; larger objects came another way."""
MAX_PIXELS = 50_000_000
"""What the function's memory is measured for (benchmarks/README.md), and as much as a telephone's camera takes."""
MAX_SIDE = 30_000
"""Longer than any panorama; decoders keep whole rows."""
MAX_SCANS = 100
"""Of a progressive JPEG, each of which is a pass over all pixels; encoders write about ten."""

LONG_SIDES = (200, 800, 1600)
"""The renditions' long sides in pixels: in a list, on a page, enlarged."""

# Part of every picture's id: raise it when the same picture is to be rendered differently, so that names stay true.
_RECIPE = b"1\0"
# A rendition's key is longer than its upload's sku by less than this leaves of S3's 1,024 bytes.
_MAX_SKU_BYTES = 256


class Refusal(StrEnum):
    """Why a picture is not taken."""

    NOT_A_PICTURE = "not-a-picture"
    UNSUPPORTED_TYPE = "unsupported-type"
    TRUNCATED = "truncated"
    DAMAGED = "damaged"
    TOO_LARGE = "too-large"
    TOO_MANY_PIXELS = "too-many-pixels"
    TOO_COMPLEX = "too-complex"


class PictureRefused(Exception):
    """The picture is not taken: `reason` is stable, `detail` tells the admin who uploaded it."""

    def __init__(self, reason: Refusal, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class NotAnUpload(PermanentError):
    """The object is not named as the upload of a product's picture is; nobody waits for what becomes of it."""


@dataclass(frozen=True)
class Upload:
    """A picture that was uploaded: `uploads/<sku>/<upload id>` in the pictures bucket."""

    key: str
    sku: str
    upload_id: str
    uploaded_at: datetime

    @classmethod
    def of(cls, key: str, uploaded_at: datetime) -> "Upload":
        """The upload that `key` names; raises NotAnUpload."""
        sku, _, upload_id = key.removeprefix(UPLOADS).partition("/")
        if not key.startswith(UPLOADS) or not sku or not upload_id or len(sku.encode()) > _MAX_SKU_BYTES:
            raise NotAnUpload(f"{key!r} is not {UPLOADS}<sku>/<upload id>")
        return cls(key, sku, upload_id, uploaded_at)

    def ready(
        self, picture_id: str, renditions: list[Rendition], *, content_tag: str, correlation_id: str
    ) -> Event:
        """The event that tells of the picture's renditions.

        `content_tag` stands for the upload's bytes, so that an event's id is of this upload with these bytes: the same
        at every try, and another one after the form was used again for another picture.
        """
        payload = ProductImageReady(
            sku=self.sku, upload_id=self.upload_id, picture_id=picture_id, renditions=renditions
        )
        return self._telling(payload, content_tag, correlation_id)

    def refused(self, refusal: PictureRefused, *, content_tag: str, correlation_id: str) -> Event:
        """The event that tells why nothing was made of the upload; `content_tag` as for `ready`."""
        payload = ProductImageRefused(
            sku=self.sku, upload_id=self.upload_id, reason=refusal.reason, detail=refusal.detail
        )
        return self._telling(payload, content_tag, correlation_id)

    def _telling(
        self, payload: ProductImageReady | ProductImageRefused, content_tag: str, correlation_id: str
    ) -> Event:
        return Event.of(
            payload,
            aggregate_id=f"{self.sku}/{self.upload_id}/{content_tag}",
            aggregate_version=1,
            occurred_at=self.uploaded_at,
            correlation_id=correlation_id,
        )


def picture_id_of(content: bytes) -> str:
    """The picture's id, which derives from its bytes and from how it is rendered."""
    return hashlib.sha256(_RECIPE + content).hexdigest()[:32]


def rendition_key(sku: str, picture_id: str, name: str) -> str:
    """Where the rendition `name` (`800.webp`) of a product's picture lies in the bucket."""
    return f"{RENDITIONS}{sku}/{picture_id}/{name}"


def sizes_of(size: tuple[int, int]) -> list[tuple[int, int]]:
    """The sizes in which a picture of `size` (width, height) is rendered, smallest first; none is larger than it."""
    long_sides = sorted({min(long_side, max(size)) for long_side in LONG_SIDES})
    return [fitted(size, long_side) for long_side in long_sides]


def fitted(size: tuple[int, int], long_side: int) -> tuple[int, int]:
    """`size` (width, height) scaled to `long_side`, with a pixel at least on the other side."""
    longest = max(size)
    width, height = (max(1, round(side * long_side / longest)) for side in size)
    return width, height


def too_large(size: int) -> PictureRefused:
    """The refusal of what has more bytes than are read."""
    return PictureRefused(
        Refusal.TOO_LARGE, f"It has {size:,} bytes; at most {MAX_BYTES:,} (10 MiB) are taken."
    )

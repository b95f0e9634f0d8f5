"""The rules of pictures: the limits of an upload, its renditions and their names, and the events about it."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from image_processor.domain.events import ProductImageReady, ProductImageRefused, Rendition
from shared.events import Event

MAX_BYTES = 10 * 1024 * 1024
"""The limit of the upload forms; a larger object came another way."""
MAX_PIXELS = 50_000_000
"""The function's memory is measured for this (benchmarks/README.md); a telephone's camera takes no more."""
MAX_SIDE = 30_000
"""Longer than any panorama; decoders hold whole rows in memory."""
MAX_SCANS = 100
"""Of a progressive JPEG. Each scan is a pass over all pixels; encoders write about ten."""

LONG_SIDES = (200, 800, 1600)
"""The renditions' long sides in pixels: in a list, on a page, enlarged."""

# Part of every picture's id: raise it if the same picture is to be rendered differently, so that its names change too.
_RECIPE = b"1\0"


class Refusal(StrEnum):
    """Why a picture is refused."""

    NOT_A_PICTURE = "not-a-picture"
    UNSUPPORTED_TYPE = "unsupported-type"
    TRUNCATED = "truncated"
    DAMAGED = "damaged"
    TOO_LARGE = "too-large"
    TOO_MANY_PIXELS = "too-many-pixels"
    TOO_COMPLEX = "too-complex"


class PictureRefused(Exception):
    """The picture is refused: `reason` is stable, `detail` explains it to the admin who uploaded the picture."""

    def __init__(self, reason: Refusal, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True)
class Upload:
    """A picture that an admin uploaded for a product."""

    sku: str
    upload_id: str
    uploaded_at: datetime

    def ready(self, picture_id: str, renditions: list[Rendition], *, etag: str, correlation_id: str) -> Event:
        """The event with the picture's renditions.

        `etag` stands for the upload's bytes and is part of the event's id. So the id is the same at every attempt, and
        another one after the form was used again for another picture.
        """
        payload = ProductImageReady(
            sku=self.sku, upload_id=self.upload_id, picture_id=picture_id, renditions=renditions
        )
        return self._event(payload, etag, correlation_id)

    def refused(self, refusal: PictureRefused, *, etag: str, correlation_id: str) -> Event:
        """The event with the reason why the picture was refused; `etag` as for `ready`."""
        payload = ProductImageRefused(
            sku=self.sku, upload_id=self.upload_id, reason=refusal.reason, detail=refusal.detail
        )
        return self._event(payload, etag, correlation_id)

    def _event(
        self, payload: ProductImageReady | ProductImageRefused, etag: str, correlation_id: str
    ) -> Event:
        return Event.of(
            payload,
            aggregate_id=f"{self.sku}/{self.upload_id}/{etag}",
            aggregate_version=1,
            occurred_at=self.uploaded_at,
            correlation_id=correlation_id,
        )


def picture_id_of(content: bytes) -> str:
    """The picture's id, which derives from its bytes and from the recipe of its renditions."""
    return hashlib.sha256(_RECIPE + content).hexdigest()[:32]


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
    """The refusal of a file that is too large."""
    return PictureRefused(
        Refusal.TOO_LARGE, f"It has {size:,} bytes; at most {MAX_BYTES:,} (10 MiB) are taken."
    )

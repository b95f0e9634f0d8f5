"""An upload of a product's picture: its limits and its outcome."""

import re
from datetime import timedelta
from enum import StrEnum
from typing import Self

from pydantic import BaseModel, ConfigDict

from catalog.domain.picture import PictureReady
from shared.errors import PermanentError

MAX_BYTES = 10 * 1024 * 1024
"""The largest picture that may be uploaded: a photograph of some 24 megapixels as JPEG."""

RETENTION = timedelta(days=30)
"""How long an upload's status is stored.

An event about the upload waits in a queue and in its dead letters for 14 days each at most. So a late event still
finds the status.
"""

_UPLOAD_ID = r"[0-9a-f]{32}"


class PictureType(StrEnum):
    """The formats that may be uploaded: cameras and drawing programs export them, and every browser shows them."""

    JPEG = "image/jpeg"
    PNG = "image/png"
    WEBP = "image/webp"


class UploadStatus(StrEnum):
    """The status of an upload."""

    AWAITED = "awaited"
    """No outcome is known: the picture was not uploaded, or not processed."""
    READY = "ready"
    """The product shows the picture."""
    REFUSED = "refused"
    """The picture was refused, for the reason given."""


class UnknownUpload(PermanentError):
    """The catalogue signed no form for the upload, so the teller of its outcome made its id up."""


class Upload(BaseModel):
    """An upload and its outcome; `occurred_at` is the time of the event that brought the outcome."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    sku: str
    upload_id: str
    status: UploadStatus = UploadStatus.AWAITED
    reason: str | None = None
    detail: str | None = None
    picture_id: str | None = None
    occurred_at: str | None = None

    @classmethod
    def ready(cls, event: PictureReady, occurred_at: str) -> Self:
        """An upload whose picture the product shows."""
        return cls(
            sku=event.sku,
            upload_id=event.upload_id,
            status=UploadStatus.READY,
            picture_id=event.picture_id,
            occurred_at=occurred_at,
        )

    @classmethod
    def refused(cls, sku: str, upload_id: str, *, reason: str, detail: str, occurred_at: str) -> Self:
        """An upload whose picture was refused."""
        return cls(
            sku=sku,
            upload_id=upload_id,
            status=UploadStatus.REFUSED,
            reason=reason,
            detail=detail,
            occurred_at=occurred_at,
        )

    def shows(self, picture_id: str) -> bool:
        """Whether this upload is known to have led to that picture."""
        return self.status is UploadStatus.READY and self.picture_id == picture_id


def is_upload_id(text: str) -> bool:
    """Whether `text` has the form of the ids that the catalogue gives to uploads."""
    return re.fullmatch(_UPLOAD_ID, text) is not None

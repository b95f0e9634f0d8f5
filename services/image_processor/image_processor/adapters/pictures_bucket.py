"""The pictures bucket.

uploads/<sku>/<upload id>                        a picture as uploaded; only read here
renditions/<sku>/<picture id>/<size>.<format>    a picture as shown; only written here
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from image_processor.domain.picture import MAX_BYTES, Upload, too_large
from image_processor.domain.pixels import RenditionFile
from shared.errors import PermanentError

# A rendition's name derives from its bytes, so caches may store it for ever.
_CACHE = "public, max-age=31536000, immutable"
_CORRELATION = "correlation-id"

_UPLOADS = "uploads/"
_RENDITIONS = "renditions/"
# A rendition's key is longer than its upload's sku by less than this leaves of S3's 1,024 bytes.
_MAX_SKU_BYTES = 256


class NotAnUpload(PermanentError):
    """The object's name is not that of an upload of a product's picture, so no admin waits for its outcome."""


class UploadGone(PermanentError):
    """The upload no longer exists: it was removed, or it is older than seven days."""


@dataclass(frozen=True)
class UploadedFile:
    """An upload, as the bucket has it now."""

    size: int
    etag: str
    """The object's ETag, which changes with its bytes."""
    correlation_id: str | None
    _body: Any

    def read(self) -> bytes:
        """All of its bytes; raises PictureRefused if the file is larger than allowed."""
        if self.size > MAX_BYTES:
            raise too_large(self.size)
        content: bytes = self._body.read()
        return content


class PicturesBucket:
    """Access to the pictures bucket."""

    def __init__(self, s3: Any, bucket: str) -> None:
        self._s3 = s3
        self._bucket = bucket

    def find(self, upload: Upload) -> UploadedFile:
        """The file of the upload, without its bytes, which `read` fetches. Raises UploadGone."""
        key = f"{_UPLOADS}{upload.sku}/{upload.upload_id}"
        try:
            answer = self._s3.get_object(Bucket=self._bucket, Key=key)
        except ClientError as error:
            if error.response["Error"]["Code"] == "NoSuchKey":
                raise UploadGone(key) from error
            raise
        return UploadedFile(
            answer["ContentLength"],
            answer["ETag"].strip('"'),
            answer["Metadata"].get(_CORRELATION),
            answer["Body"],
        )

    def put(self, sku: str, picture_id: str, rendition: RenditionFile) -> str:
        """Stores a rendition of the product's picture, and returns its key; storing it again changes nothing."""
        key = f"{_RENDITIONS}{sku}/{picture_id}/{rendition.name}"
        self._s3.put_object(
            Bucket=self._bucket,
            Key=key,
            Body=rendition.body,
            ContentType=rendition.content_type,
            CacheControl=_CACHE,
        )
        return key


def upload_of(key: str, uploaded_at: datetime) -> Upload:
    """The upload whose object is `key`; raises NotAnUpload."""
    sku, _, upload_id = key.removeprefix(_UPLOADS).partition("/")
    if not key.startswith(_UPLOADS) or not sku or not upload_id or len(sku.encode()) > _MAX_SKU_BYTES:
        raise NotAnUpload(f"{key!r} is not {_UPLOADS}<sku>/<upload id>")
    return Upload(sku, upload_id, uploaded_at)

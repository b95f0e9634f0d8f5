"""The pictures bucket: the only module of the service that knows S3."""

from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from image_processor.domain.picture import MAX_BYTES, too_large
from image_processor.domain.rendering import Rendered
from shared.errors import PermanentError

# A rendition's name says what its bytes are, so it may be kept for ever.
_CACHE = "public, max-age=31536000, immutable"
_CORRELATION = "correlation-id"


class UploadGone(PermanentError):
    """The upload is not there any more: it was removed, or it is older than seven days."""


@dataclass(frozen=True)
class Found:
    """An upload as the bucket has it now."""

    size: int
    tag: str
    """The object's ETag, which changes with its bytes."""
    correlation_id: str | None
    _body: Any

    def read(self) -> bytes:
        """All of its bytes; raises PictureRefused when these are more than are taken."""
        if self.size > MAX_BYTES:
            raise too_large(self.size)
        content: bytes = self._body.read()
        return content


class PicturesBucket:
    """Access to the pictures bucket."""

    def __init__(self, s3: Any, bucket: str) -> None:
        self._s3 = s3
        self._bucket = bucket

    def find(self, key: str) -> Found:
        """The upload `key`; its bytes come only when they are read. Raises UploadGone."""
        try:
            answer = self._s3.get_object(Bucket=self._bucket, Key=key)
        except ClientError as error:
            if error.response["Error"]["Code"] == "NoSuchKey":
                raise UploadGone(key) from error
            raise
        return Found(
            answer["ContentLength"],
            answer["ETag"].strip('"'),
            answer["Metadata"].get(_CORRELATION),
            answer["Body"],
        )

    def put(self, key: str, rendition: Rendered) -> None:
        """Stores a rendition; storing it again changes nothing."""
        self._s3.put_object(
            Bucket=self._bucket,
            Key=key,
            Body=rendition.body,
            ContentType=rendition.content_type,
            CacheControl=_CACHE,
        )

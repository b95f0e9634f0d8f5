"""The pictures bucket: the only module of the service that knows S3.

A picture goes from the browser straight into the bucket, by a form that is signed here and is good for one object:

    uploads/<sku>/<upload id>    as it was uploaded, for whoever processes pictures; gone after seven days at most

and what was made of it comes from there, by a link that is signed here as well:

    renditions/<sku>/<picture id>/<size>.<format>    written by whoever processes pictures

S3 itself holds the upload to the form (https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-post-example.html): this
key, this content type, no more bytes than allowed, not after its time. What the bytes really are, S3 does not look at.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache
from typing import Any

import boto3
from botocore.config import Config
from pydantic import BaseModel, Field

from shared.clock import timestamp

MAX_BYTES = 10 * 1024 * 1024
"""The largest picture that is taken: a photograph of some 24 megapixels as JPEG."""
VALID_FOR = timedelta(minutes=15)
"""How long a form may be used."""
LINK_VALID_FOR = timedelta(hours=1)
"""How long a link to a rendition may be used."""

_CORRELATION = "x-amz-meta-correlation-id"

# The bucket's own regional address on AWS, so that no redirect gets between a browser and its upload. An endpoint that
# is an IP address has no names below it; there the bucket is part of the path.
_CONFIG = Config(signature_version="s3v4", s3={"addressing_style": "virtual"})


class PictureType(StrEnum):
    """The formats taken: those that cameras and drawing programs export, and every browser shows."""

    JPEG = "image/jpeg"
    PNG = "image/png"
    WEBP = "image/webp"


class PictureUpload(BaseModel):
    """How to upload one picture: POST a multipart form of `fields`, then the field `file`, to `url`."""

    upload_id: str = Field(description="What to ask for, to know what became of the upload")
    url: str
    fields: dict[str, str] = Field(
        description="The form's fields, all to be sent unchanged and before the file"
    )
    key: str = Field(description="What the picture is called in the bucket")
    expires_at: str = Field(description="When the form ceases to be accepted, RFC 3339 in UTC")
    max_bytes: int = Field(description="How large the picture may be")


class PictureUploads:
    """Signs forms for uploads into one bucket."""

    def __init__(self, bucket: str) -> None:
        self._bucket = bucket

    def sign(
        self, sku: str, picture_type: PictureType, *, upload_id: str, correlation_id: str, now: datetime
    ) -> PictureUpload:
        """The form for one picture of the product `sku`, of that type alone; `upload_id` makes its key the only one.

        The object keeps `correlation_id` (printable ASCII), which ties to this request what is made of the picture.
        It is signed with the caller's own credentials: S3 takes the upload only where these may put the object, and
        while they live.
        """
        key = f"uploads/{sku}/{upload_id}"
        fields = {"Content-Type": picture_type.value, _CORRELATION: correlation_id}
        form = _s3().generate_presigned_post(
            self._bucket,
            key,
            Fields=dict(fields),
            Conditions=[
                *({name: value} for name, value in fields.items()),
                ["content-length-range", 1, MAX_BYTES],
            ],
            ExpiresIn=int(VALID_FOR.total_seconds()),
        )
        return PictureUpload(
            upload_id=upload_id,
            url=form["url"],
            fields=form["fields"],
            key=key,
            # The form's own time is in whole seconds; promise no more.
            expires_at=timestamp(now.replace(microsecond=0) + VALID_FOR),
            max_bytes=MAX_BYTES,
        )


class PictureLinks:
    """Signs links to what lies in one bucket."""

    def __init__(self, bucket: str) -> None:
        self._bucket = bucket

    def sign(self, key: str) -> str:
        """A URL by which anyone reads the object `key` for LINK_VALID_FOR, and while the caller's credentials live."""
        url: str = _s3().generate_presigned_url(
            "get_object",
            Params={"Bucket": self._bucket, "Key": key},
            ExpiresIn=int(LINK_VALID_FOR.total_seconds()),
        )
        return url


@cache
def _s3() -> Any:
    """Made on first use: one route of many needs it, and botocore's description of S3 takes a while to load."""
    make: Any = boto3.client  # its type knows literal service names only
    return make("s3", config=_CONFIG)

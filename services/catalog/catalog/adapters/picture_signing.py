"""Signs forms and links. With them browsers reach the pictures bucket without the API.

A browser uploads a picture straight into the bucket. It uses a form that is signed here and is good for one object:

    uploads/<sku>/<upload id>    the picture as uploaded, for the image processor; removed after seven days at most

A browser reads a rendition, which the image processor wrote, by a link that is signed here as well.

S3 itself holds the upload to the form (https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-post-example.html): this
key, this content type, no more bytes than allowed, and not after the form's time. S3 does not look into the bytes.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from botocore.config import Config

from catalog.adapters.picture_objects import UPLOADS
from catalog.domain.upload import MAX_BYTES, PictureType
from shared.aws import client

_FORM_LIFETIME = timedelta(minutes=15)
_LINK_LIFETIME = timedelta(hours=1)

_CORRELATION = "x-amz-meta-correlation-id"

# The bucket's own regional address on AWS, so that no redirect gets between a browser and its upload. An endpoint that
# is an IP address has no names below it; there the bucket is part of the path.
_CONFIG = Config(signature_version="s3v4", s3={"addressing_style": "virtual"})


@dataclass(frozen=True)
class UploadForm:
    """A signed form: the browser posts `fields`, then the file, to `url`."""

    url: str
    fields: dict[str, str]
    key: str
    expires_at: datetime


class UploadSigner:
    """Signs forms for uploads into one bucket."""

    def __init__(self, bucket: str) -> None:
        self._bucket = bucket

    def sign(
        self, sku: str, picture_type: PictureType, *, upload_id: str, correlation_id: str, now: datetime
    ) -> UploadForm:
        """The form for one picture of the product `sku`, of that type alone; `upload_id` makes its key unique.

        The object stores `correlation_id` (printable ASCII), which ties the renditions to this request. The form is
        signed with the function's own credentials: S3 takes the upload only while these live and may put the object.
        """
        key = f"{UPLOADS}{sku}/{upload_id}"
        fields = {"Content-Type": picture_type.value, _CORRELATION: correlation_id}
        form = _s3().generate_presigned_post(
            self._bucket,
            key,
            Fields=dict(fields),
            Conditions=[
                *({name: value} for name, value in fields.items()),
                ["content-length-range", 1, MAX_BYTES],
            ],
            ExpiresIn=int(_FORM_LIFETIME.total_seconds()),
        )
        # The form's own time is in whole seconds; promise no more.
        expires_at = now.replace(microsecond=0) + _FORM_LIFETIME
        return UploadForm(form["url"], form["fields"], key, expires_at)


class LinkSigner:
    """Signs links to the objects of one bucket."""

    def __init__(self, bucket: str) -> None:
        self._bucket = bucket

    def sign(self, key: str) -> str:
        """A URL that lets anyone read the object `key` for an hour, while the function's credentials live."""
        url: str = _s3().generate_presigned_url(
            "get_object",
            Params={"Bucket": self._bucket, "Key": key},
            ExpiresIn=int(_LINK_LIFETIME.total_seconds()),
        )
        return url


def _s3() -> Any:
    """Made at its first use: few routes need it, and botocore takes long to load its model of S3."""
    return client("s3", config=_CONFIG)

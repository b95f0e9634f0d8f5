"""Presigned forms to upload files with, and presigned links to fetch a job's file with.

Files go to and from S3 directly, past the API. A form or link carries the rights of the function that signed it, and
works only while these credentials are valid.
"""

from datetime import datetime, timedelta
from typing import Any

from botocore.config import Config
from botocore.exceptions import ClientError
from pydantic import BaseModel, Field

from shared.aws import client
from shared.clock import timestamp
from shared.job_files import upload_key

MAX_BYTES = 10 * 1024 * 1024
"""The largest file: some 50,000 products of 200 characters."""
FORM_VALID_FOR = timedelta(minutes=15)
LINK_VALID_FOR = timedelta(hours=1)
CONTENT_TYPE = "text/csv"

# The bucket's own regional address on AWS: the global one would answer with a redirect.
_CONFIG = Config(signature_version="s3v4", s3={"addressing_style": "virtual"})


class UploadForm(BaseModel):
    """A form to upload one file: POST `fields`, then the field `file`, as a multipart form to `url`."""

    upload: str = Field(description="The file's id, to request a job with")
    url: str
    fields: dict[str, str] = Field(
        description="The form's fields; send all of them, unchanged, before the file"
    )
    expires_at: str = Field(description="When the form expires, RFC 3339 in UTC")
    max_bytes: int = Field(description="The largest allowed size of the file, in bytes")


class FileLink(BaseModel):
    """A link to a job's file, which needs no token."""

    url: str
    expires_at: str = Field(description="When the link expires; read the job again for a new one")
    kept_until: str = Field(description="When the file is deleted")


class PresignedUrls:
    """Signs forms and links for one bucket."""

    def __init__(self, bucket: str) -> None:
        self._bucket = bucket

    def form(self, upload: str, now: datetime) -> UploadForm:
        """A form for one CSV file, under the id `upload`."""
        form = _s3().generate_presigned_post(
            self._bucket,
            upload_key(upload),
            Fields={"Content-Type": CONTENT_TYPE},
            Conditions=[{"Content-Type": CONTENT_TYPE}, ["content-length-range", 1, MAX_BYTES]],
            ExpiresIn=int(FORM_VALID_FOR.total_seconds()),
        )
        return UploadForm(
            upload=upload,
            url=form["url"],
            fields=form["fields"],
            expires_at=timestamp(now.replace(microsecond=0) + FORM_VALID_FOR),
            max_bytes=MAX_BYTES,
        )

    def was_uploaded(self, upload: str) -> bool:
        """Whether a file was uploaded under that id."""
        try:
            _s3().head_object(Bucket=self._bucket, Key=upload_key(upload))
        except ClientError as error:
            if error.response["Error"]["Code"] in {"404", "NoSuchKey"}:
                return False
            raise
        return True

    def link(self, key: str, *, now: datetime, kept_until: datetime) -> FileLink:
        """A link to the job's file. A browser shows a page, and saves any other file under its own name."""
        valid_for = min(LINK_VALID_FOR, kept_until - now)
        disposition = "inline" if key.endswith(".html") else "attachment"
        url = _s3().generate_presigned_url(
            "get_object",
            Params={
                "Bucket": self._bucket,
                "Key": key,
                "ResponseContentDisposition": f'{disposition}; filename="{key.rpartition("/")[2]}"',
            },
            ExpiresIn=max(1, int(valid_for.total_seconds())),
        )
        return FileLink(
            url=url,
            expires_at=timestamp(now.replace(microsecond=0) + valid_for),
            kept_until=timestamp(kept_until),
        )


def _s3() -> Any:
    """Made at its first use: few routes need it, and botocore takes long to load its model of S3."""
    return client("s3", config=_CONFIG)

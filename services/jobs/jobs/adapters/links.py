"""What goes past the API: forms by which files are uploaded, and links by which a job's file is fetched.

The only module of the service that knows S3. Both are signed with the function's own credentials, and good only while
these may do what is signed.
"""

from datetime import datetime, timedelta
from functools import cache
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError
from pydantic import BaseModel, Field

from shared.clock import timestamp
from shared.job_files import upload_key

MAX_BYTES = 10 * 1024 * 1024
"""The largest file that is taken: some 50,000 products of 200 characters."""
FORM_VALID_FOR = timedelta(minutes=15)
LINK_VALID_FOR = timedelta(hours=1)
CONTENT_TYPE = "text/csv"

# The bucket's own regional address on AWS, so that no redirect gets between a client and its file.
_CONFIG = Config(signature_version="s3v4", s3={"addressing_style": "virtual"})


class UploadForm(BaseModel):
    """How to upload one file: POST a multipart form of `fields`, then the field `file`, to `url`."""

    upload: str = Field(description="The file's id, for the job that is to work on it")
    url: str
    fields: dict[str, str] = Field(
        description="The form's fields, all to be sent unchanged and before the file"
    )
    expires_at: str = Field(description="When the form ceases to be accepted, RFC 3339 in UTC")
    max_bytes: int = Field(description="How large the file may be")


class FileLink(BaseModel):
    """Where a job's file can be fetched without a token."""

    url: str
    expires_at: str = Field(description="When the link ceases to work; reading the job makes a new one")
    kept_until: str = Field(description="When the file itself is deleted")


class JobLinks:
    """Signs forms and links for one bucket."""

    def __init__(self, bucket: str) -> None:
        self._bucket = bucket

    def form(self, upload: str, now: datetime) -> UploadForm:
        """The form for one CSV file."""
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
        """Whether there is a file of that id."""
        try:
            _s3().head_object(Bucket=self._bucket, Key=upload_key(upload))
        except ClientError as error:
            if error.response["Error"]["Code"] in {"404", "NoSuchKey"}:
                return False
            raise
        return True

    def link(self, key: str, *, now: datetime, kept_until: datetime) -> FileLink:
        """A link to the job's file, which a browser shows if it is a page, and saves under its own name otherwise."""
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


@cache
def _s3() -> Any:
    """Made on first use: a few routes of many need it, and botocore's description of S3 takes a while to load."""
    make: Any = boto3.client  # its type knows literal service names only
    return make("s3", config=_CONFIG)

"""The reports bucket: the page and the sheet of each week."""

from typing import Any
from urllib.parse import quote

HTML = "text/html; charset=utf-8"
CSV = "text/csv; charset=utf-8"


class PublishedFiles:
    """Access to the bucket, which is in one region."""

    def __init__(self, s3: Any, bucket: str, region: str) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._region = region

    def put(self, key: str, content: bytes, content_type: str) -> None:
        """Stores the object, in the place of an earlier one."""
        self._s3.put_object(Bucket=self._bucket, Key=key, Body=content, ContentType=content_type)

    def copy(self, key: str, bucket: str, to_key: str) -> None:
        """Copies the object and its content type to another bucket."""
        source = {"Bucket": self._bucket, "Key": key}
        self._s3.copy_object(CopySource=source, Bucket=bucket, Key=to_key)

    def url_of(self, key: str) -> str:
        """The address of the object in the S3 console, for a reader with permission to read the bucket.

        It is no secret and does not expire. A presigned link in a mailbox would be a secret. It would also expire with
        the function's own credentials, some hours after it was sent.
        """
        return (
            f"https://{self._region}.console.aws.amazon.com/s3/object/{self._bucket}"
            f"?region={self._region}&prefix={quote(key, safe='')}"
        )

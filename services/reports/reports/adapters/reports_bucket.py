"""The reports bucket: the only module of the service that knows S3."""

from typing import Any
from urllib.parse import quote

HTML = "text/html; charset=utf-8"
CSV = "text/csv; charset=utf-8"


class ReportsBucket:
    """Access to the bucket of one region."""

    def __init__(self, s3: Any, bucket: str, region: str) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._region = region

    def put(self, key: str, content: bytes, content_type: str) -> None:
        """Stores the object, instead of the one of that name before it."""
        self._s3.put_object(Bucket=self._bucket, Key=key, Body=content, ContentType=content_type)

    def copy(self, key: str, bucket: str, to_key: str) -> None:
        """Copies the object, with its type, to another bucket."""
        source = {"Bucket": self._bucket, "Key": key}
        self._s3.copy_object(CopySource=source, Bucket=bucket, Key=to_key)

    def url_of(self, key: str) -> str:
        """Where somebody who is signed in to AWS, and may read the bucket, opens the object.

        It is no secret and does not expire. A presigned link would be one, in a mailbox, and would end with the
        function's own credentials, hours after it was sent.
        """
        return (
            f"https://{self._region}.console.aws.amazon.com/s3/object/{self._bucket}"
            f"?region={self._region}&prefix={quote(key, safe='')}"
        )

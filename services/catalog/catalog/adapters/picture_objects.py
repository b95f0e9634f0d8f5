"""The objects of the pictures bucket: listing and removing them.

uploads/<sku>/<upload id>                        a picture as uploaded
renditions/<sku>/<picture id>/<size>.<format>    a picture as shown
"""

from typing import Any

from catalog.domain.orphans import StoredObject
from shared.errors import TransientError
from shared.observability import logger

UPLOADS = "uploads/"
RENDITIONS = "renditions/"

_PAGE = 500


class NotRemoved(TransientError):
    """S3 did not remove all objects that it was asked to remove."""


class PictureObjects:
    """The objects of one bucket whose keys start with `prefix`."""

    def __init__(self, s3: Any, bucket: str, prefix: str) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._prefix = prefix

    def page(self, after: str | None) -> tuple[list[StoredObject], bool]:
        """The next objects after the key `after`, in the order of their keys, and whether more follow."""
        start = {"StartAfter": after} if after else {}
        page: dict[str, Any] = self._s3.list_objects_v2(
            Bucket=self._bucket, Prefix=self._prefix, MaxKeys=_PAGE, **start
        )
        objects = [
            StoredObject(
                key=entry["Key"],
                path=tuple(entry["Key"].removeprefix(self._prefix).split("/")),
                stored_at=entry["LastModified"],
            )
            for entry in page.get("Contents", [])
        ]
        return objects, bool(page.get("IsTruncated"))

    def remove(self, keys: list[str]) -> None:
        """Removes the objects, if there are any; removing them again changes nothing. Raises NotRemoved."""
        if not keys:
            return
        answer = self._s3.delete_objects(
            Bucket=self._bucket, Delete={"Objects": [{"Key": key} for key in keys], "Quiet": True}
        )
        if answer.get("Errors"):
            raise NotRemoved(", ".join(sorted({error["Code"] for error in answer["Errors"]})))
        for key in keys:
            logger.info("orphan removed", key=key)

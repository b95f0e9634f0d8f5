"""Removing what nobody needs from the pictures bucket, a page of it after the other while there is time."""

from collections.abc import Callable, Iterable
from datetime import datetime
from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import BaseModel, ConfigDict

from catalog.dependencies import PicturesBucket
from shared.aws import client
from shared.errors import TransientError
from shared.observability import logger

_TIME_FOR_A_PAGE_MS = 15_000
_PAGE = 500


class NotRemoved(TransientError):
    """S3 did not remove all that it was asked to."""


class Request(BaseModel):
    """A sweep's input: whether only to count, and the key to go on after."""

    model_config = ConfigDict(frozen=True)

    dry_run: bool
    after: str | None = None


class Swept(BaseModel):
    """What a run came to."""

    seen: int = 0
    removed: int = 0
    next: str | None = None


class Stored(BaseModel):
    """An object of the bucket."""

    model_config = ConfigDict(frozen=True)

    key: str
    stored_at: datetime


def sweep(
    prefix: str,
    orphans_of: Callable[[list[Stored]], Iterable[str]],
    request: Request,
    context: LambdaContext,
) -> Swept:
    """Removes those of the prefix's objects that `orphans_of` names, or counts them in a dry run, from `request.after`
    on while there is time; again finds none. Raises NotRemoved."""
    swept = Swept(next=request.after)
    while context.get_remaining_time_in_millis() > _TIME_FOR_A_PAGE_MS:
        page = _page(prefix, swept.next)
        objects = [
            Stored(key=entry["Key"], stored_at=entry["LastModified"]) for entry in page.get("Contents", [])
        ]
        orphans = list(orphans_of(objects))
        if orphans and not request.dry_run:
            _remove(orphans)
        swept.seen += len(objects)
        swept.removed += len(orphans)
        if not page.get("IsTruncated"):
            swept.next = None
            return swept
        swept.next = objects[-1].key
    logger.warning("out of time; the next run goes on", after=swept.next)
    return swept


@cache
def _s3() -> Any:
    return client("s3")


def _page(prefix: str, after: str | None) -> dict[str, Any]:
    start = {"StartAfter": after} if after else {}
    page: dict[str, Any] = _s3().list_objects_v2(
        Bucket=PicturesBucket.load().pictures_bucket, Prefix=prefix, MaxKeys=_PAGE, **start
    )
    return page


def _remove(keys: list[str]) -> None:
    answer = _s3().delete_objects(
        Bucket=PicturesBucket.load().pictures_bucket,
        Delete={"Objects": [{"Key": key} for key in keys], "Quiet": True},
    )
    if answer.get("Errors"):
        raise NotRemoved(", ".join(sorted({error["Code"] for error in answer["Errors"]})))
    for key in keys:
        logger.info("orphan removed", key=key)

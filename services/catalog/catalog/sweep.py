"""Cleanup step: removes renditions that no product shows, a page of the bucket after the other while there is time.

    renditions/<sku>/<picture id>/<size>.<format>

A rendition is stored before its product shows it, and the event between the two may lie in dead letters for weeks: only
what is older than anything that can still be told of it is an orphan. Uploads need no sweep: S3 removes them after
seven days.
"""

from collections.abc import Iterator
from datetime import datetime
from functools import cache
from itertools import batched, groupby
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import BaseModel, ConfigDict

from catalog.resources import PicturesBucket, product_store
from catalog.upload_store import KEPT_FOR
from shared.aws import client
from shared.clock import utc_now
from shared.errors import TransientError
from shared.observability import logger, metrics, tracer

ORPHAN_AFTER = KEPT_FOR
PREFIX = "renditions/"
_TIME_FOR_A_PAGE_MS = 15_000
_PAGE = 500


class NotRemoved(TransientError):
    """S3 did not remove all that it was asked to."""


class Request(BaseModel):
    """The step's input: whether only to count, and the key to go on after."""

    model_config = ConfigDict(frozen=True)

    dry_run: bool
    after: str | None = None


class Swept(BaseModel):
    """What a run came to."""

    seen: int = 0
    removed: int = 0
    next: str | None = None


@cache
def _s3() -> Any:
    return client("s3")


def sweep(request: Request, context: LambdaContext, now: datetime) -> Swept:
    """Removes orphans, or counts them in a dry run, from `request.after` on while there is time; again finds none."""
    swept = Swept(next=request.after)
    while context.get_remaining_time_in_millis() > _TIME_FOR_A_PAGE_MS:
        page = _page(swept.next)
        objects = page.get("Contents", [])
        old = [entry["Key"] for entry in objects if entry["LastModified"] < now - ORPHAN_AFTER]
        orphans = list(_orphans(old))
        if orphans and not request.dry_run:
            _remove(orphans)
        swept.seen += len(objects)
        swept.removed += len(orphans)
        if not page.get("IsTruncated"):
            swept.next = None
            return swept
        swept.next = objects[-1]["Key"]
    logger.warning("out of time; the next run goes on", after=swept.next)
    return swept


def _page(after: str | None) -> dict[str, Any]:
    start = {"StartAfter": after} if after else {}
    page: dict[str, Any] = _s3().list_objects_v2(
        Bucket=PicturesBucket.load().pictures_bucket, Prefix=PREFIX, MaxKeys=_PAGE, **start
    )
    return page


def _orphans(keys: list[str]) -> Iterator[str]:
    """Those of `keys`, in the bucket's order, that no product shows; what is named otherwise is somebody else's."""
    for sku, of_product in groupby(keys, key=lambda key: key.split("/")[1]):
        shown: frozenset[str] | None = None
        for key in of_product:
            parts = key.split("/")
            if len(parts) != 4:
                continue
            if shown is None:
                shown = product_store().pictures_of(sku)
            if parts[2] not in shown:
                yield key


def _remove(keys: list[str]) -> None:
    for some in batched(keys, 1000, strict=False):
        answer = _s3().delete_objects(
            Bucket=PicturesBucket.load().pictures_bucket,
            Delete={"Objects": [{"Key": key} for key in some], "Quiet": True},
        )
        if answer.get("Errors"):
            raise NotRemoved(", ".join(sorted({error["Code"] for error in answer["Errors"]})))
        for key in some:
            logger.info("rendition removed; no product shows it", key=key)


@metrics.log_metrics
@tracer.capture_lambda_handler(capture_response=False)
@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """The Lambda handler of the step: how many renditions were seen and removed, and where to go on."""
    return sweep(Request.model_validate(event), context, utc_now()).model_dump()

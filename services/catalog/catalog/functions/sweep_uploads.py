"""Cleanup step: removes uploaded pictures that nobody needs any more.

    uploads/<sku>/<upload id>

An upload is an orphan a day after it came when it is known what became of it, or nobody knows of it at all. One that is
still awaited can be tried again from the dead letters, and is left for a week: then the bucket's lifecycle rule removes
it, and so does this sweep, wherever there is no such rule.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from catalog.adapters.sweeping import Request, Stored, sweep
from catalog.dependencies import upload_store
from catalog.domain.pictures import UploadStatus
from shared.clock import utc_now
from shared.observability import logger, metrics, tracer

ORPHAN_AFTER = timedelta(days=1)
GIVEN_UP_AFTER = timedelta(days=7)
"""As the bucket's lifecycle rule has it, in the template."""
PREFIX = "uploads/"


def orphans_among(objects: list[Stored], now: datetime) -> Iterator[str]:
    """Those of `objects` that nobody needs; what is named otherwise is somebody else's."""
    for stored in objects:
        parts = stored.key.split("/")
        if len(parts) != 3 or stored.stored_at >= now - ORPHAN_AFTER:
            continue
        if stored.stored_at < now - GIVEN_UP_AFTER or not _is_awaited(parts[1], parts[2]):
            yield stored.key


def _is_awaited(sku: str, upload_id: str) -> bool:
    upload = upload_store().find(sku, upload_id)
    return upload is not None and upload.status is UploadStatus.AWAITED


@metrics.log_metrics
@tracer.capture_lambda_handler(capture_response=False)
@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """The Lambda handler of the step: how many uploads were seen and removed, and where to go on."""
    now = utc_now()
    swept = sweep(PREFIX, lambda page: orphans_among(page, now), Request.model_validate(event), context)
    return swept.model_dump()

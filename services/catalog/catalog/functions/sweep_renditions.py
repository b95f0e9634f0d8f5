"""Cleanup step: removes renditions that no product shows.

    renditions/<sku>/<picture id>/<size>.<format>

A rendition is stored before its product shows it, and the event between the two may lie in dead letters for weeks: only
what is older than anything that can still be told of it is an orphan.
"""

from collections.abc import Iterator
from datetime import datetime
from itertools import groupby
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from catalog.adapters.sweeping import Request, Stored, sweep
from catalog.adapters.upload_store import KEPT_FOR
from catalog.dependencies import product_store
from shared.clock import utc_now
from shared.observability import logger, metrics, tracer

ORPHAN_AFTER = KEPT_FOR
PREFIX = "renditions/"


def orphans_among(objects: list[Stored], now: datetime) -> Iterator[str]:
    """Those of `objects`, in the bucket's order, that no product shows; what is named otherwise is somebody else's."""
    old = [stored.key for stored in objects if stored.stored_at < now - ORPHAN_AFTER]
    for sku, of_product in groupby(old, key=lambda key: key.split("/")[1]):
        shown: frozenset[str] | None = None
        for key in of_product:
            parts = key.split("/")
            if len(parts) != 4:
                continue
            if shown is None:
                shown = product_store().pictures_of(sku)
            if parts[2] not in shown:
                yield key


@metrics.log_metrics
@tracer.capture_lambda_handler(capture_response=False)
@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """The Lambda handler of the step: how many renditions were seen and removed, and where to go on."""
    now = utc_now()
    swept = sweep(PREFIX, lambda page: orphans_among(page, now), Request.model_validate(event), context)
    return swept.model_dump()

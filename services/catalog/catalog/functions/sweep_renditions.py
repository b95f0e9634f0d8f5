"""Cleanup step: removes renditions that no product shows, by the rules of `domain.orphans`."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from catalog.dependencies import product_store, rendition_objects
from catalog.domain.orphans import SweepRequest, orphaned_renditions, sweep
from shared.clock import utc_now
from shared.observability import entry_point, logger


@entry_point
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """The Lambda handler of the step; answers how many renditions it saw and removed, and where to go on."""
    now = utc_now()
    swept = sweep(
        rendition_objects(),
        lambda page: orphaned_renditions(page, product_store(), now),
        SweepRequest.model_validate(event),
        context.get_remaining_time_in_millis,
    )
    if swept.next is not None:
        logger.warning("out of time; the next run goes on", after=swept.next)
    return swept.model_dump()

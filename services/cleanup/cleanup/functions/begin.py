"""The cleanup's first step: what this run is to do, and where the last one ended."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import BaseModel, StrictBool, ValidationError

from cleanup.adapters import cleanup_bucket
from cleanup.domain import Plan, UnreadableRequest
from shared.observability import logger, metrics, tracer

# Every sweep that goes on where it ended has a place in the plan, so that the state machine finds one.
_GO_ON = ("renditions", "uploads")


class Request(BaseModel):
    """The execution's input: a schedule's event, which says nothing that is needed, or `{"dry_run": true}`."""

    dry_run: StrictBool = False


@metrics.log_metrics
@tracer.capture_lambda_handler(capture_response=False)
@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """The Lambda handler of the step; raises UnreadableRequest."""
    try:
        request = Request.model_validate(event)
    except ValidationError as error:
        raise UnreadableRequest(f"dry_run is true or false: {error}") from error
    places = cleanup_bucket().places()
    plan = Plan(dry_run=request.dry_run, after={name: places.get(name) for name in _GO_ON})
    return plan.model_dump()

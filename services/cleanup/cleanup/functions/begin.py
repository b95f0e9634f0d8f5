"""The cleanup's first step: reads whether this is a dry run, and where the last run ended."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import BaseModel, StrictBool, ValidationError

from cleanup.dependencies import cleanup_bucket
from cleanup.domain.runs import Plan, UnreadableRequest
from shared.observability import entry_point
from shared.validation import without_values

# The state machine reads the place of each of these sweeps in the plan, so each one must be there.
_SWEEPS = ("renditions", "uploads")


class Request(BaseModel):
    """The execution's input: a schedule's event, which this step ignores, or `{"dry_run": true}`."""

    dry_run: StrictBool = False


@entry_point
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """The Lambda handler of the step; raises UnreadableRequest."""
    try:
        request = Request.model_validate(event)
    except ValidationError as error:
        raise UnreadableRequest(f"dry_run must be true or false: {without_values(error)}") from error
    places = cleanup_bucket().places()
    plan = Plan(dry_run=request.dry_run, after={name: places.get(name) for name in _SWEEPS})
    return plan.model_dump()

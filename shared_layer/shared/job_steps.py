"""The steps of a job's state machine: their typed input and their handler.

The service that owns the data has the rules of a job. A step's input and result are references and numbers, never the
data (see `shared.job_files`).
"""

from collections.abc import Callable
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import BaseModel, ConfigDict

from shared.observability import logger, metrics, tracer
from shared.steps import performed


class JobModel(BaseModel):
    """Base of all data in a job's state machine; a model ignores the fields of other steps."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


class JobReference(JobModel):
    """The job that a step works for."""

    job_id: str
    correlation_id: str


class JobInput(JobModel):
    """The input of a step."""

    job: JobReference


class JobResult(JobModel):
    """A job's result: the key of its file, if it has one, its counts, and whether every part was done."""

    key: str | None = None
    counts: dict[str, int] = {}
    complete: bool = True


def job_step[Input: JobInput](
    model: type[Input], step: Callable[[Input], dict[str, Any]]
) -> Callable[[dict[str, Any], LambdaContext], dict[str, Any]]:
    """The Lambda handler of one step. Its state passes a `model`; the step's result becomes the state's.

    The state machine retries and catches by the name of the exception's class, so `step` raises one class for each
    way it can fail.
    """

    @metrics.log_metrics
    @tracer.capture_lambda_handler(capture_response=False)
    @logger.inject_lambda_context(clear_state=True)
    def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
        step_input = model.model_validate(event)
        job = step_input.job
        return performed(
            lambda: step(step_input),
            cause=f"{job.job_id}/{step.__name__}",
            correlation_id=job.correlation_id,
            job_id=job.job_id,
            step=step.__name__,
        )

    return handler

"""The steps of a job's state machine: their input, their result and their handlers.

The service that owns the data owns the job's rules. References and numbers travel between the steps, never the data
itself (see `shared.job_files`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import BaseModel, ConfigDict

from shared.observability import entry_point
from shared.steps import UnknownStep, performed

type Handler = Callable[[dict[str, Any], LambdaContext], dict[str, Any]]


class JobModel(BaseModel):
    """Base of the messages between a job's steps. It ignores unknown fields: they belong to other steps."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


class JobReference(JobModel):
    """The job that a step works for."""

    job_id: str
    correlation_id: str


class JobInput(JobModel):
    """The input of a step."""

    job: JobReference


class JobResult(JobModel):
    """The result of a job: the key of its file, if it has one, its counts, and whether all of the work was done."""

    key: str | None = None
    counts: dict[str, int] = {}
    complete: bool = True


@dataclass(frozen=True)
class JobStep[Input: JobInput]:
    """One step of a function that has several: the input that its state passes, and the work on it."""

    takes: type[Input]
    perform: Callable[[Input], dict[str, Any]]


def job_steps_handler(steps: Mapping[str, JobStep[Any]]) -> Handler:
    """The Lambda handler of several steps, by name; the state names its step in `step`.

    The step's result becomes the state's result. The state machine retries and catches by the name of the exception's
    class, so a step raises one class for each way it can fail. Raises UnknownStep.
    """

    def run(event: dict[str, Any]) -> dict[str, Any]:
        name = str(event.get("step"))
        if name not in steps:
            raise UnknownStep(f"{name!r} is none of {', '.join(steps)}")
        return _performed(name, steps[name], event)

    return _handler(run)


def job_step[Input: JobInput](model: type[Input], step: Callable[[Input], dict[str, Any]]) -> Handler:
    """The Lambda handler of a single step, whose state passes `model`; see `job_steps_handler`."""
    return _handler(lambda event: _performed(step.__name__, JobStep(model, step), event))


def _handler(run: Callable[[dict[str, Any]], dict[str, Any]]) -> Handler:
    @entry_point
    def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
        return run(event)

    return handler


def _performed(name: str, step: JobStep[Any], event: dict[str, Any]) -> dict[str, Any]:
    given = step.takes.model_validate(event)
    job: JobReference = given.job
    return performed(
        lambda: step.perform(given),
        cause=f"{job.job_id}/{name}",
        correlation_id=job.correlation_id,
        job_id=job.job_id,
        step=name,
    )

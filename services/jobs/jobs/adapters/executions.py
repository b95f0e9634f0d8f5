"""The state machines of jobs: starting a job's execution, which bears the job's id, and what became of it."""

import json
from enum import StrEnum
from typing import Any

from botocore.exceptions import ClientError
from pydantic import BaseModel, ConfigDict

from jobs.domain.requests import JobKind
from shared.aws import client
from shared.environment import LambdaEnvironment
from shared.errors import PermanentError
from shared.job_steps import JobReference
from shared.observability import logger

# As every job's state machine names its last steps, which say what the job came to.
_LAST_STEPS = frozenset({"FinishJob", "FailJob"})
# The tries of a last step are some thirty events.
_LAST_EVENTS = 100


class Machines(LambdaEnvironment):
    """Names the state machine of each kind of job."""

    order_export_arn: str
    product_import_arn: str
    weekly_report_arn: str

    def of(self, kind: str) -> str:
        """The state machine of that kind; raises UnknownKind."""
        machines = {
            JobKind.ORDER_EXPORT: self.order_export_arn,
            JobKind.PRODUCT_IMPORT: self.product_import_arn,
            JobKind.WEEKLY_REPORT: self.weekly_report_arn,
        }
        if kind not in machines:
            raise UnknownKind(kind)
        return machines[JobKind(kind)]


class UnknownKind(PermanentError):
    """No state machine does jobs of this kind."""


class Progress(StrEnum):
    """What became of an execution."""

    UNKNOWN = "unknown"
    """None of this name was started."""
    RUNNING = "running"
    ENDED = "ended"


class Given(BaseModel):
    """What a job's state machine works on."""

    model_config = ConfigDict(frozen=True)

    job: JobReference
    request: dict[str, str]


def start_execution(kind: str, given: Given) -> None:
    """Starts the job's execution; does nothing when it was started before. Raises UnknownKind."""
    job_id = given.job.job_id
    try:
        client("stepfunctions").start_execution(
            stateMachineArn=Machines.load().of(kind), name=job_id, input=given.model_dump_json()
        )
    except ClientError as error:
        if error.response["Error"]["Code"] != "ExecutionAlreadyExists":
            raise
        logger.info("job was started before", job_id=job_id)
    else:
        logger.info("job started", job_id=job_id, kind=kind)


def progress_of(kind: str, job_id: str) -> Progress:
    """What became of the job's execution; raises UnknownKind."""
    try:
        described = client("stepfunctions").describe_execution(executionArn=_execution(kind, job_id))
    except ClientError as error:
        if error.response["Error"]["Code"] != "ExecutionDoesNotExist":
            raise
        return Progress.UNKNOWN
    # An execution that waits to be redriven by an operator goes on as one that runs.
    return Progress.RUNNING if described["status"] in {"RUNNING", "PENDING_REDRIVE"} else Progress.ENDED


def last_words_of(kind: str, job_id: str) -> dict[str, Any] | None:
    """What the last step of an execution that ended was given, done or not; None when it ended before that step."""
    history = client("stepfunctions").get_execution_history(
        executionArn=_execution(kind, job_id), reverseOrder=True, maxResults=_LAST_EVENTS
    )
    entered = (event.get("stateEnteredEventDetails") for event in history["events"])
    said = [state for state in entered if state and state["name"] in _LAST_STEPS]
    return json.loads(said[0]["input"]) if said else None


def _execution(kind: str, job_id: str) -> str:
    return f"{Machines.load().of(kind).replace(':stateMachine:', ':execution:')}:{job_id}"

"""The executions of jobs, each under its job's id, in the state machine of its kind."""

import json

from jobs.domain.job import Job
from jobs.domain.outcome import JobOutcome
from jobs.domain.requests import JobKind, request_fields
from jobs.domain.stuck_jobs import Execution
from shared.aws import client
from shared.environment import LambdaEnvironment
from shared.errors import PermanentError
from shared.executions import ExecutionState, execution_arn, execution_state, start_execution
from shared.job_steps import JobReference

# Every job's state machine names its final steps so. Their input is the job's outcome.
_FINAL_STEPS = frozenset({"FinishJob", "FailJob"})
# The tries of a final step are some thirty events.
_LAST_EVENTS = 100


class StateMachines(LambdaEnvironment):
    """The state machine of each kind of job."""

    order_export_arn: str
    product_import_arn: str
    weekly_report_arn: str


class UnknownKind(PermanentError):
    """No state machine does jobs of this kind."""


class JobExecutions:
    """Starts and looks up the executions of jobs."""

    def __init__(self, machines: StateMachines) -> None:
        self._arns = {
            JobKind.ORDER_EXPORT: machines.order_export_arn,
            JobKind.PRODUCT_IMPORT: machines.product_import_arn,
            JobKind.WEEKLY_REPORT: machines.weekly_report_arn,
        }

    def start(self, kind: str, job: JobReference, request: dict[str, str]) -> None:
        """Starts the job's execution; does nothing if it was started before. Raises UnknownKind."""
        if kind not in self._arns:
            raise UnknownKind(kind)
        given = {"job": job.model_dump(), "request": request}
        start_execution(self._arns[JobKind(kind)], job.job_id, given, job_id=job.job_id, kind=kind)

    def restart(self, job: Job) -> None:
        """Starts the execution of a job whose event got lost."""
        reference = JobReference(job_id=job.job_id, correlation_id=job.correlation_id)
        self.start(job.request.kind, reference, request_fields(job.request, without={"kind"}))

    def find(self, job: Job) -> Execution | None:
        """The job's execution, or None if it was never started."""
        arn = self._arns[job.request.kind]
        state = execution_state(arn, job.job_id)
        if state is ExecutionState.UNKNOWN:
            return None
        if state is ExecutionState.RUNNING:
            return Execution(is_running=True)
        return Execution(is_running=False, outcome=_outcome_of(execution_arn(arn, job.job_id)))


def _outcome_of(execution: str) -> JobOutcome | None:
    """The input of the final step of an execution that has ended; None if it ended before that step."""
    history = client("stepfunctions").get_execution_history(
        executionArn=execution, reverseOrder=True, maxResults=_LAST_EVENTS
    )
    entered = (event.get("stateEnteredEventDetails") for event in history["events"])
    inputs = [state["input"] for state in entered if state and state["name"] in _FINAL_STEPS]
    return JobOutcome.model_validate(json.loads(inputs[0])) if inputs else None

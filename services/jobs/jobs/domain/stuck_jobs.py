"""The rule that ends every job, even if a message or an execution was lost.

The reconciler compares a job that has not ended in time with its execution:

    running        the job stays as it is: the execution retries, and times out after a day
    never started  a queued job is started, since its event was lost or is a dead letter. After a day it fails.
                   A job that an admin cancelled meanwhile is cancelled. A job that once ran fails.
    ended          the job ends by the outcome that the execution's final step was to record, or fails without one
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from jobs.domain.job import Failure, Job, JobStatus
from jobs.domain.outcome import JobOutcome
from shared.job_steps import JobResult

# The longest time of an execution, as in the state machines' TimeoutSeconds.
GIVE_UP_AFTER = timedelta(days=1)

_NEVER_BEGUN = Failure(
    code="never-begun", detail="The job never began, and nothing of it is done. Request it again."
)
_CUT_SHORT = Failure(
    code="cut-short",
    detail="The server stopped the work before its end, and some of it may be done. Request the job again.",
)


@dataclass(frozen=True)
class Execution:
    """A job's execution: whether it runs, and the outcome that its final step got, if it got there."""

    is_running: bool
    outcome: JobOutcome | None = None


class Action(StrEnum):
    """The reconciler's action on one job."""

    LEAVE = "left"
    START = "started"
    END = "ended"


def action_for(job: Job, execution: Execution | None, now: datetime) -> Action:
    """The action on a job that has not ended; `execution` is None if it was never started."""
    if execution is not None:
        return Action.LEAVE if execution.is_running else Action.END
    asked_recently = now - datetime.fromisoformat(job.created_at) < GIVE_UP_AFTER
    return Action.START if job.status is JobStatus.QUEUED and asked_recently else Action.END


def end(job: Job, execution: Execution | None, now: datetime) -> Job:
    """The job, ended as far as its execution got; unchanged if it has ended before."""
    if execution is not None:
        return execution.outcome.end(job, now) if execution.outcome else job.fail(_CUT_SHORT, now)
    if job.started_at is not None:
        return job.fail(_CUT_SHORT, now)
    if job.status is JobStatus.CANCELLING:
        return job.finish(JobResult(complete=False), now)
    return job.fail(_NEVER_BEGUN, now)

"""Scheduled: sees to it that every job ends, whatever got lost on the way.

A job that was asked for a while ago and has not ended is compared with its execution:

    running         nothing: it retries, and is stopped after a day
    there is none   a job that waits is started: its event was lost, or lies in the dead letters. After a day it is
                    given up, and at once where it was started before; one that was cancelled meanwhile is cancelled
    ended           the job ends as the execution's last step was to say, and as failed where it did not get there

Each run looks at the oldest first, as many as it has the time for.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any

from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import Field

from jobs.adapters.executions import Given, Progress, last_words_of, progress_of, start_execution
from jobs.dependencies import job_store
from jobs.domain.job import Failure, Job, JobStatus
from jobs.domain.requests import written
from jobs.functions.finish import Outcome as LastWords
from jobs.functions.finish import ended_as
from shared.cause import caused_by
from shared.clock import utc_now
from shared.environment import LambdaEnvironment
from shared.job_steps import JobReference, JobResult
from shared.observability import count, logger, metrics, tracer

# What one job may take: four calls, each of which gives up after its retries.
_TIME_FOR_ONE_MS = 10_000
# As long as an execution may take (the state machines say the same): nobody waits for a job from the day before.
GIVEN_UP_AFTER = timedelta(days=1)

NEVER_BEGUN = Failure(
    code="never-begun", detail="The job could not be begun, and nothing of it was done. Ask for it once more."
)
CUT_SHORT = Failure(
    code="cut-short",
    detail="The work was cut short on the server's side, and some of it may be done. Ask for the job once more.",
)


class Patience(LambdaEnvironment):
    """How long ago a job must have been asked for to be looked at: longer than its event takes at its third try."""

    overdue_after_seconds: Annotated[int, Field(gt=0)]


class Outcome(StrEnum):
    """What became of a job that was looked at."""

    LEFT = "left"
    STARTED = "started"
    ENDED = "ended"


class ReconciliationFailed(Exception):
    """Some jobs could not be looked at; the log says which, and the next run tries again."""


patience = Patience.load()


def reconcile(job: Job, now: datetime) -> Outcome:
    """Does to a job that has not ended what brings it to its end; a repeat does no more."""
    kind, reference = job.request.kind, JobReference(job_id=job.job_id, correlation_id=job.correlation_id)
    progress = progress_of(kind, job.job_id)
    if progress is Progress.RUNNING:
        return Outcome.LEFT
    if progress is Progress.ENDED:
        words = last_words_of(kind, job.job_id)
        job_store().change(
            job.job_id,
            lambda current: (
                ended_as(current, LastWords.model_validate(words), now)
                if words
                else current.fail(CUT_SHORT, now)
            ),
        )
        return Outcome.ENDED
    if job.status is JobStatus.QUEUED and now - datetime.fromisoformat(job.created_at) < GIVEN_UP_AFTER:
        start_execution(kind, Given(job=reference, request=written(job.request, without={"kind"})))
        return Outcome.STARTED
    job_store().change(job.job_id, lambda current: _without_execution(current, now))
    return Outcome.ENDED


def _without_execution(job: Job, now: datetime) -> Job:
    if job.started_at is not None:
        return job.fail(CUT_SHORT, now)
    if job.status is JobStatus.CANCELLING:
        return job.finish(JobResult(complete=False), now)
    return job.fail(NEVER_BEGUN, now)


def reconcile_overdue(context: LambdaContext) -> dict[str, int]:
    """Looks at the jobs that have not ended in time, while there is time; how many came to which outcome.

    A job that fails stops no other. Raises ReconciliationFailed at the end if any did.
    """
    now = utc_now()
    outcomes = dict.fromkeys(Outcome, 0)
    failed = []
    for job in job_store().open_since_before(now - timedelta(seconds=patience.overdue_after_seconds)):
        if context.get_remaining_time_in_millis() < _TIME_FOR_ONE_MS:
            logger.warning("out of time; the next run goes on")
            break
        logger.append_keys(job_id=job.job_id, correlation_id=job.correlation_id)
        try:
            outcome = reconcile(job, now)
        except Exception:  # noqa: BLE001 - whatever it is, it is this job's; see the end of the run
            logger.exception("job could not be reconciled")
            failed.append(job.job_id)
        else:
            outcomes[outcome] += 1
            logger.info("job reconciled", status=job.status.value, outcome=outcome.value)
        finally:
            logger.remove_keys(["job_id", "correlation_id"])
    count("JobsHanging", outcomes[Outcome.STARTED] + outcomes[Outcome.ENDED] + len(failed))
    if failed:
        raise ReconciliationFailed(", ".join(failed))
    return {outcome.value: number for outcome, number in outcomes.items()}


@metrics.log_metrics
@tracer.capture_lambda_handler(capture_response=False)
@logger.inject_lambda_context(clear_state=True)
def handler(_: dict[str, Any], context: LambdaContext) -> dict[str, int]:
    """The Lambda handler of the schedule's event, which says nothing that is needed."""
    with caused_by(context.aws_request_id):
        return reconcile_overdue(context)

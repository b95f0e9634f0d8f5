"""Last step of every job: what it came to, or why it failed."""

import json
from datetime import datetime
from typing import Any

from jobs.dependencies import job_store
from jobs.domain.job import Failure, Job
from shared.clock import utc_now
from shared.job_steps import JobInput, JobResult, job_step
from shared.observability import count
from shared.saga import CaughtError

# What the owning services raise when a job asks for what cannot be: the message is for whoever asked.
_REFUSALS = {
    "UploadRefused": "upload-refused",
    "ExportTooLarge": "export-too-large",
    "NoSuchWeek": "no-such-week",
    "WeekNotOver": "week-not-over",
}


class Outcome(JobInput):
    """How the work ended."""

    result: JobResult | None = None
    error: CaughtError | None = None


def finish(given: Outcome) -> dict[str, Any]:
    """Ends the job; the second time it changes nothing."""
    now = utc_now()
    job = job_store().change(given.job.job_id, lambda current: ended_as(current, given, now))
    count(f"Jobs{job.status.value.title()}")
    return {"status": job.status.value}


def ended_as(job: Job, outcome: Outcome, now: datetime) -> Job:
    """The job, ended as `outcome` says; itself when it has ended."""
    if outcome.error is not None:
        return job.fail(failure_of(outcome.error), now)
    return job.finish(outcome.result or JobResult(), now)


def failure_of(error: CaughtError) -> Failure:
    """What is said of an error: a refusal's own words, and of anything else only that it happened."""
    if error.name in _REFUSALS:
        return Failure(code=_REFUSALS[error.name], detail=_message_in(error.cause))
    return Failure(
        code="technical-failure",
        detail="Something went wrong on the server's side, also when it was tried again. Ask for the job once more.",
    )


def _message_in(cause: str) -> str:
    """The exception's message in the cause that Lambda gives a state machine, a JSON object."""
    try:
        told = json.loads(cause)
    except ValueError:
        return cause
    return str(told["errorMessage"]) if isinstance(told, dict) and "errorMessage" in told else cause


handler = job_step(Outcome, finish)

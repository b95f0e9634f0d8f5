"""How a job's work ended, as its state machine reports it, and what that makes of the job."""

import json
from datetime import datetime

from jobs.domain.job import Failure, Job
from shared.job_steps import JobInput, JobResult
from shared.saga import CaughtError

# The errors with which the owning services refuse a job, and their codes. Their messages are written for the admin.
_REFUSALS = {
    "UploadRefused": "upload-refused",
    "ExportTooLarge": "export-too-large",
    "NoSuchWeek": "no-such-week",
    "WeekNotOver": "week-not-over",
}


class JobOutcome(JobInput):
    """How the work ended: the input of the state machine's final step. `error` counts before `result`."""

    result: JobResult | None = None
    error: CaughtError | None = None

    def end(self, job: Job, now: datetime) -> Job:
        """The job, ended by this outcome; unchanged if it has ended before."""
        if self.error is not None:
            return job.fail(failure_of(self.error), now)
        return job.finish(self.result or JobResult(), now)


def failure_of(error: CaughtError) -> Failure:
    """The failure that the admin reads: the message of a refusal, or a general one that hides any other error."""
    if error.name in _REFUSALS:
        return Failure(code=_REFUSALS[error.name], detail=_message_in(error.cause))
    return Failure(
        code="technical-failure",
        detail="Something went wrong on the server, at every try. Request the job again.",
    )


def _message_in(cause: str) -> str:
    """The exception's message in the cause that Lambda gives a state machine, a JSON object."""
    try:
        failure = json.loads(cause)
    except ValueError:
        return cause
    return str(failure["errorMessage"]) if isinstance(failure, dict) and "errorMessage" in failure else cause

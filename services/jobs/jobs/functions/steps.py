"""The steps of every job's state machine that belong to this service; the state names its step.

`progress` comes before and after each piece of the work. `finish` comes last.
"""

from typing import Annotated, Any

from pydantic import Field

from jobs.dependencies import job_store
from jobs.domain.outcome import JobOutcome
from shared.clock import utc_now
from shared.job_steps import JobInput, JobModel, JobStep, job_steps_handler
from shared.observability import count


class Piece(JobModel):
    """A piece of the work that is done: its number, and its lines or orders."""

    number: Annotated[int, Field(ge=1)]
    done: Annotated[int, Field(ge=0)]


class Progress(JobInput):
    """The progress to record: the total, or a finished piece. Without either, the state asks only whether to go on."""

    total: int | None = None
    piece: Piece | None = None


def progress(given: Progress) -> dict[str, Any]:
    """Records the job's progress, a piece once; answers whether the state machine does the next piece."""
    store = job_store()
    job = store.change(given.job.job_id, lambda current: current.begin(utc_now()))
    if given.total is not None:
        job = store.record_total(job.job_id, given.total)
    if given.piece is not None:
        job = store.record_progress(job.job_id, part=str(given.piece.number), done=given.piece.done)
    return {"go_on": job.goes_on, "done": job.done}


def finish(outcome: JobOutcome) -> dict[str, Any]:
    """Ends the job by the outcome of its work; a repeat changes nothing."""
    now = utc_now()
    job = job_store().change(outcome.job.job_id, lambda current: outcome.end(current, now))
    count(f"Jobs{job.status.value.title()}")
    return {"status": job.status.value}


handler = job_steps_handler({"progress": JobStep(Progress, progress), "finish": JobStep(JobOutcome, finish)})

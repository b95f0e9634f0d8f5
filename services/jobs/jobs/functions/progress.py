"""Step of every job, before and after each piece of its work: may it go on, and how far has it come."""

from typing import Annotated, Any

from pydantic import Field

from jobs.dependencies import job_store
from shared.clock import utc_now
from shared.job_steps import JobInput, JobModel, job_step


class Piece(JobModel):
    """A piece of the work that is done: its number, and how many lines or orders it was."""

    number: Annotated[int, Field(ge=1)]
    done: Annotated[int, Field(ge=0)]


class Progress(JobInput):
    """What is known by now: how much there is to do, or a piece that is done; nothing, to ask whether to go on."""

    total: int | None = None
    piece: Piece | None = None


def progress(given: Progress) -> dict[str, Any]:
    """Records what is known of the job's progress; answers whether its next piece is to be done."""
    store = job_store()
    job = store.change(given.job.job_id, lambda current: current.begin(utc_now()))
    if given.total is not None:
        job = store.record_total(job.job_id, given.total)
    if given.piece is not None:
        job = store.record_progress(job.job_id, part=str(given.piece.number), done=given.piece.done)
    return {"go_on": job.goes_on, "done": job.done}


handler = job_step(Progress, progress)

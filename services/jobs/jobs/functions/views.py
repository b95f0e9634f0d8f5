"""What the jobs API answers with."""

from datetime import datetime
from typing import Self

from pydantic import BaseModel, Field

from jobs.adapters.links import FileLink, JobLinks
from jobs.domain.job import Failure, Job, JobStatus
from jobs.domain.requests import JobKind, written


class ProgressView(BaseModel):
    """How far a job has come, in lines of an import, orders of an export, or reports."""

    done: int
    total: int | None = Field(description="How much there is to do, as soon as that is known")


class JobView(BaseModel):
    """A job, and once it has ended what came of it."""

    job_id: str
    kind: JobKind
    status: JobStatus
    request: dict[str, str] = Field(description="What was asked for")
    requested_by: str = Field(description="The admin who asked for it")
    progress: ProgressView
    counts: dict[str, int] = Field(
        description="What came of it: an import's lines by outcome, an export's orders, a report's version; empty "
        "until it has ended"
    )
    result: FileLink | None = Field(description="The job's file, once there is one and until it is deleted")
    failure: Failure | None = Field(description="Why it failed, if it did")
    created_at: str
    started_at: str | None
    finished_at: str | None

    @classmethod
    def of(cls, job: Job, links: JobLinks, now: datetime) -> Self:
        """The admins' view of `job`, with a fresh link to its file."""
        kept_until = job.file_is_kept_until()
        link = None
        if job.result_key and kept_until and now < kept_until:
            link = links.link(job.result_key, now=now, kept_until=kept_until)
        return cls(
            job_id=job.job_id,
            kind=job.request.kind,
            status=job.status,
            request=written(job.request, without={"kind"}),
            requested_by=job.requested_by,
            progress=ProgressView(done=job.done, total=job.total),
            counts=job.counts,
            result=link,
            failure=job.failure,
            created_at=job.created_at,
            started_at=job.started_at,
            finished_at=job.finished_at,
        )


class JobPage(BaseModel):
    """A page of jobs, newest first; `next` is the cursor of the following page, null on the last."""

    jobs: list[JobView]
    next: str | None = None

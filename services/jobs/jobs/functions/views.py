"""The answers of the jobs API."""

from datetime import datetime
from typing import Self

from pydantic import BaseModel, Field

from jobs.adapters.presigned_urls import FileLink, PresignedUrls
from jobs.domain.job import Failure, Job, JobStatus
from jobs.domain.requests import JobKind, request_fields


class ProgressView(BaseModel):
    """The progress of a job, in lines of an import, orders of an export, or reports."""

    done: int
    total: int | None = Field(description="The size of the whole job, once it is known")


class JobView(BaseModel):
    """A job, with its result once it has ended."""

    job_id: str
    kind: JobKind
    status: JobStatus
    request: dict[str, str] = Field(description="The fields of the request")
    requested_by: str = Field(description="The id of the admin who requested it")
    progress: ProgressView
    counts: dict[str, int] = Field(
        description="An import's lines by outcome, an export's orders, or a report's version; empty until the job has "
        "ended"
    )
    result: FileLink | None = Field(
        description="The job's file; null before it is made and after it is deleted"
    )
    failure: Failure | None = Field(description="Why the job failed; null if it did not")
    created_at: str
    started_at: str | None
    finished_at: str | None

    @classmethod
    def of(cls, job: Job, urls: PresignedUrls, now: datetime) -> Self:
        """The admins' view of `job`, with a fresh link to its file."""
        kept_until = job.file_is_kept_until()
        link = None
        if job.result_key and kept_until and now < kept_until:
            link = urls.link(job.result_key, now=now, kept_until=kept_until)
        return cls(
            job_id=job.job_id,
            kind=job.request.kind,
            status=job.status,
            request=request_fields(job.request, without={"kind"}),
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

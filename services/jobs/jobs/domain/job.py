"""The rules of a job, without AWS: which status may follow which.

queued ──► running ──► succeeded       all of it was done
  │           │  └───► failed          it could not be done, or not all of it
  │           └─────► cancelling ──► cancelled, or succeeded where nothing was left to stop
  └─────────────────► cancelling
"""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Self
from uuid import UUID, uuid5

from pydantic import BaseModel, ConfigDict, Field

from jobs.domain.events import JobRequested
from jobs.domain.requests import AnyRequest, JobRequest, WeeklyReport, written
from shared.clock import timestamp
from shared.errors import Conflict, FieldError, Unprocessable
from shared.events import Event
from shared.job_steps import JobResult

# Job ids derive from this, the caller and the idempotency key (RFC 9562, version 5); it must never change.
_JOB_ID_NAMESPACE = UUID("0c5b2b1e-5c58-5d0e-8a43-2a2f7b6d9e01")

FILE_KEPT_FOR = timedelta(days=7)
"""How long a job's file can be fetched after its end; the bucket's lifecycle rule says the same, in the template."""


class JobStatus(StrEnum):
    """Where a job stands."""

    QUEUED = "queued"
    RUNNING = "running"
    CANCELLING = "cancelling"
    CANCELLED = "cancelled"
    SUCCEEDED = "succeeded"
    FAILED = "failed"

    @property
    def is_final(self) -> bool:
        """Whether nothing more will be done."""
        return self in {self.CANCELLED, self.SUCCEEDED, self.FAILED}


class IdempotencyKeyReused(Unprocessable):
    """The same Idempotency-Key came with another body."""

    code = "idempotency-key-reused"


class UploadMissing(Unprocessable):
    """The file that the job is to work on was not uploaded, or is gone."""

    code = "upload-missing"


class CannotBeCancelled(Conflict):
    """The job has ended, so there is nothing to stop."""

    code = "cannot-be-cancelled"


class Failure(BaseModel):
    """Why a job failed: a stable `code`, and `detail` for whoever asked for the job."""

    model_config = ConfigDict(frozen=True)

    code: Annotated[str, Field(examples=["upload-refused"])]
    detail: Annotated[str, Field(examples=["The header lacks the column price_amount."])]


class Job(BaseModel):
    """A job. `parts` holds how much each piece of the work did, by its number: a piece that is told of twice counts
    once."""

    model_config = ConfigDict(frozen=True)

    job_id: str
    requested_by: str
    request: JobRequest
    correlation_id: str
    created_at: str
    status: JobStatus = JobStatus.QUEUED
    started_at: str | None = None
    finished_at: str | None = None
    total: int | None = None
    parts: dict[str, int] = {}
    counts: dict[str, int] = {}
    result_key: str | None = None
    failure: Failure | None = None

    @classmethod
    def ask(
        cls,
        request: AnyRequest,
        *,
        requested_by: str,
        idempotency_key: str,
        correlation_id: str,
        now: datetime,
    ) -> tuple[Self, list[Event]]:
        """The job that does what is asked for, and its `job.requested`; raises WeekNotOver."""
        if isinstance(request, WeeklyReport):
            request.check_over(now)
        job = cls(
            job_id=job_id_for(requested_by, idempotency_key),
            requested_by=requested_by,
            request=request,
            correlation_id=correlation_id,
            created_at=timestamp(now),
        )
        payload = JobRequested(
            job_id=job.job_id, kind=request.kind.value, request=written(request, without={"kind"})
        )
        event = Event.of(
            payload,
            aggregate_id=job.job_id,
            aggregate_version=1,
            occurred_at=now,
            correlation_id=correlation_id,
        )
        return job, [event]

    @property
    def done(self) -> int:
        """How much of `total` is done: lines of an import, orders of an export."""
        return sum(self.parts.values())

    @property
    def goes_on(self) -> bool:
        """Whether the next piece of the work is to be done."""
        return self.status in {JobStatus.QUEUED, JobStatus.RUNNING}

    def asked_by(self, request: AnyRequest) -> None:
        """Raises IdempotencyKeyReused unless the job is what `request` asks for."""
        if self.request != request:
            raise IdempotencyKeyReused(
                "This Idempotency-Key came with another body before; use a new key for a new job."
            )

    def begin(self, now: datetime) -> Self:
        """The first piece of the work is being done; changes nothing later on."""
        if self.status is not JobStatus.QUEUED:
            return self
        return self.model_copy(update={"status": JobStatus.RUNNING, "started_at": timestamp(now)})

    def cancel(self) -> Self:
        """Nobody wants the job any more: it ends before its next piece. Changes nothing when that was said before.

        Raises CannotBeCancelled when the job has ended otherwise.
        """
        if self.status in {JobStatus.CANCELLING, JobStatus.CANCELLED}:
            return self
        if self.status.is_final:
            raise CannotBeCancelled(f"The job has {self.status.value}, so it cannot be cancelled.")
        return self.model_copy(update={"status": JobStatus.CANCELLING})

    def finish(self, result: JobResult, now: datetime) -> Self:
        """The work has ended, all done or (cancelled, or a piece failed for good) not; changes nothing the second
        time."""
        if self.status.is_final:
            return self
        update: dict[str, object] = {
            "finished_at": timestamp(now),
            "counts": result.counts,
            "result_key": result.key,
        }
        if result.complete:
            update["status"] = JobStatus.SUCCEEDED
        elif self.status is JobStatus.CANCELLING:
            update["status"] = JobStatus.CANCELLED
        else:
            update["status"] = JobStatus.FAILED
            update["failure"] = Failure(
                code="incomplete", detail="A part could not be done; the file tells which. Ask for it again."
            )
        return self.model_copy(update=update)

    def fail(self, failure: Failure, now: datetime) -> Self:
        """The work could not be done; changes nothing when the job has ended."""
        if self.status.is_final:
            return self
        update = {"status": JobStatus.FAILED, "failure": failure, "finished_at": timestamp(now)}
        return self.model_copy(update=update)

    def file_is_kept_until(self) -> datetime | None:
        """Until when the job's file can be fetched, or None where it has none."""
        if self.result_key is None or self.finished_at is None:
            return None
        return datetime.fromisoformat(self.finished_at) + FILE_KEPT_FOR


def job_id_for(requested_by: str, idempotency_key: str) -> str:
    """The id of the job that this caller asks for under this key: always the same."""
    return f"job_{uuid5(_JOB_ID_NAMESPACE, f'{requested_by}/{idempotency_key}').hex}"


def upload_missing() -> UploadMissing:
    """What a job is refused with whose file is not there."""
    return UploadMissing(
        "There is no such upload. Ask for a form at POST /jobs/uploads, send the file by it, and then ask for the job.",
        [FieldError("/body/upload", "nothing was uploaded under this id, or it was over a day ago")],
    )

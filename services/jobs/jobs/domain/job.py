"""The rules of a job: its statuses, the commands that change them, and its id."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Self
from uuid import UUID, uuid5

from pydantic import BaseModel, ConfigDict, Field

from jobs.domain.events import JobRequested
from jobs.domain.requests import AnyRequest, JobRequest, WeeklyReport, request_fields
from shared.clock import timestamp
from shared.errors import Conflict, FieldError, Unprocessable
from shared.events import Event
from shared.job_steps import JobResult
from shared.record import Personal

# Job ids derive from this, the caller and the idempotency key (RFC 9562, version 5); it must never change.
_JOB_ID_NAMESPACE = UUID("0c5b2b1e-5c58-5d0e-8a43-2a2f7b6d9e01")

FILE_KEPT_FOR = timedelta(days=7)
"""How long a job's file can be fetched after the job's end. The bucket's lifecycle rule in the template follows it."""


class JobStatus(StrEnum):
    """The status of a job."""

    QUEUED = "queued"
    RUNNING = "running"
    CANCELLING = "cancelling"
    CANCELLED = "cancelled"
    SUCCEEDED = "succeeded"
    FAILED = "failed"

    @property
    def is_final(self) -> bool:
        """Whether the job has ended."""
        return self in {self.CANCELLED, self.SUCCEEDED, self.FAILED}


class JobCommand(StrEnum):
    """A change of a job's status."""

    BEGIN = "begin"
    CANCEL = "cancel"
    SUCCEED = "succeed"
    STOP = "stop"
    FAIL = "fail"


_UNFINISHED = (JobStatus.QUEUED, JobStatus.RUNNING, JobStatus.CANCELLING)

TRANSITIONS: dict[JobCommand, dict[JobStatus, JobStatus]] = {
    JobCommand.BEGIN: {JobStatus.QUEUED: JobStatus.RUNNING},
    JobCommand.CANCEL: dict.fromkeys((JobStatus.QUEUED, JobStatus.RUNNING), JobStatus.CANCELLING),
    JobCommand.SUCCEED: dict.fromkeys(_UNFINISHED, JobStatus.SUCCEEDED),
    JobCommand.STOP: {JobStatus.CANCELLING: JobStatus.CANCELLED},
    JobCommand.FAIL: dict.fromkeys(_UNFINISHED, JobStatus.FAILED),
}
"""Each command, the statuses in which it has an effect, and the status that each leads to.

In any other status a command changes nothing, since every step may run twice. The diagram in the service's README is
made from this table: `python -m tools.contracts.job_states`.
"""


class IdempotencyKeyReused(Unprocessable):
    """The same Idempotency-Key came with another body."""

    code = "idempotency-key-reused"


class UploadMissing(Unprocessable):
    """The file for the job was not uploaded, or it is gone."""

    code = "upload-missing"


class CannotBeCancelled(Conflict):
    """The job has ended, so it cannot be cancelled."""

    code = "cannot-be-cancelled"


class Failure(BaseModel):
    """Why a job failed: a stable `code`, and a `detail` for the admin who requested the job."""

    model_config = ConfigDict(frozen=True)

    code: Annotated[str, Field(examples=["upload-refused"])]
    detail: Annotated[str, Field(examples=["The header lacks the column price_amount."])]


_INCOMPLETE = Failure(
    code="incomplete",
    detail="A part of the work could not be done; the job's file lists it. Request the job again.",
)


class Job(BaseModel):
    """A job. `parts` holds the size of each finished piece of the work, by the piece's number, so that a piece counts
    once."""

    model_config = ConfigDict(frozen=True)

    job_id: str
    requested_by: Annotated[str, Personal.ACCOUNT_ID]
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
    def create(
        cls,
        request: AnyRequest,
        *,
        requested_by: str,
        idempotency_key: str,
        correlation_id: str,
        now: datetime,
    ) -> tuple[Self, list[Event]]:
        """A new job for `request`, and its `job.requested`. Raises WeekNotOver."""
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
            job_id=job.job_id, kind=request.kind.value, request=request_fields(request, without={"kind"})
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
        """Whether the state machine does the next piece of the work."""
        return self.status in {JobStatus.QUEUED, JobStatus.RUNNING}

    def require_same_request(self, request: AnyRequest) -> None:
        """Raises IdempotencyKeyReused unless the job was created for the same request."""
        if self.request != request:
            raise IdempotencyKeyReused(
                "This Idempotency-Key was used with another body; use a new key for a new job."
            )

    def begin(self, now: datetime) -> Self:
        """The first piece of the work begins."""
        return self._after(JobCommand.BEGIN, started_at=timestamp(now))

    def cancel(self) -> Self:
        """An admin cancels the job: it ends before its next piece. A repeat changes nothing.

        Raises CannotBeCancelled if the job has succeeded or failed.
        """
        if self.status in {JobStatus.SUCCEEDED, JobStatus.FAILED}:
            raise CannotBeCancelled(f"The job has {self.status.value}, so it cannot be cancelled.")
        return self._after(JobCommand.CANCEL)

    def finish(self, result: JobResult, now: datetime) -> Self:
        """The work ends: all of it is done, or the job was cancelled, or a piece failed at every try."""
        ended = {"finished_at": timestamp(now), "counts": result.counts, "result_key": result.key}
        if result.complete:
            return self._after(JobCommand.SUCCEED, **ended)
        if self.status is JobStatus.CANCELLING:
            return self._after(JobCommand.STOP, **ended)
        return self._after(JobCommand.FAIL, failure=_INCOMPLETE, **ended)

    def fail(self, failure: Failure, now: datetime) -> Self:
        """The work could not be done."""
        return self._after(JobCommand.FAIL, failure=failure, finished_at=timestamp(now))

    def _after(self, command: JobCommand, **changes: object) -> Self:
        """The job after `command`, with `changes`; the job itself if the command has no effect in its status."""
        status = TRANSITIONS[command].get(self.status)
        return self.model_copy(update={"status": status, **changes}) if status else self

    def file_is_kept_until(self) -> datetime | None:
        """Until when the job's file can be fetched; None if the job has no file."""
        if self.result_key is None or self.finished_at is None:
            return None
        return datetime.fromisoformat(self.finished_at) + FILE_KEPT_FOR


def job_id_for(requested_by: str, idempotency_key: str) -> str:
    """The id of the caller's job under this key: always the same."""
    return f"job_{uuid5(_JOB_ID_NAMESPACE, f'{requested_by}/{idempotency_key}').hex}"


def upload_missing() -> UploadMissing:
    """The refusal of a job whose file is missing."""
    return UploadMissing(
        "There is no such upload. Get a form at POST /jobs/uploads, upload the file with it, then request the job.",
        [FieldError("/body/upload", "no file was uploaded under this id, or it expired after a day")],
    )

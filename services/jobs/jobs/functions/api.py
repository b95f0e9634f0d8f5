"""The jobs API, for admins: they upload files, and request, follow and cancel jobs."""

from http import HTTPStatus
from typing import Annotated
from uuid import uuid4

from aws_lambda_powertools.event_handler import Response, content_types
from aws_lambda_powertools.event_handler.openapi.params import Body, Path, Query

from jobs.adapters.cursors import cursor_of, position_in
from jobs.adapters.presigned_urls import UploadForm
from jobs.dependencies import job_store, presigned_urls
from jobs.domain.job import (
    CannotBeCancelled,
    IdempotencyKeyReused,
    Job,
    JobStatus,
    UploadMissing,
    job_id_for,
    upload_missing,
)
from jobs.domain.requests import JobKind, OrderExport, ProductImport, WeeklyReport, WeekNotOver
from jobs.functions.views import JobPage, JobView
from shared.access import Access, Whose, caller_of
from shared.api import api_handler, api_resolver, contract, correlation_id
from shared.audit_trail import EVERYBODY, record_access
from shared.clock import utc_now
from shared.cursor import InvalidCursor
from shared.errors import NotFound
from shared.links import link_to
from shared.observability import count, logger
from shared.parameters import IdempotencyKey, PageCursor, PageLimit
from shared.text import RESOURCE_ID

app = api_resolver()

JobId = Annotated[
    str,
    Path(
        description="The `job_id` of a job",
        examples=["job_5b0c8a526b7e5c1e8f432f7a0c9f2d11"],
    ),
    RESOURCE_ID,
]
AnyRequest = Annotated[OrderExport | ProductImport | WeeklyReport, Body(discriminator="kind")]


@app.post(
    "/jobs",
    **contract(
        Access.ADMIN,
        tag="jobs",
        whose=Whose.EVERYBODY,
        status=HTTPStatus.ACCEPTED,
        answers="The job, which runs later; for a repeated key, the job of the first request",
        headers={
            "Location": "The link to the job",
            "Idempotent-Replayed": "`true` if an earlier request created the job",
        },
        raises=(UploadMissing, WeekNotOver, IdempotencyKeyReused),
    ),
)
def request_job(request: AnyRequest, idempotency_key: IdempotencyKey) -> Response[JobView]:
    """Requests an export of orders, an import of products or a week's report. A repeat with the same key and body
    answers with the same job."""
    admin = caller_of(app).user_id
    existing = job_store().find(job_id_for(admin, idempotency_key))
    if existing is not None:
        return _accepted(existing, request, replayed=True)
    if isinstance(request, ProductImport) and not presigned_urls().was_uploaded(request.upload):
        raise upload_missing()
    job, events = Job.create(
        request,
        requested_by=admin,
        idempotency_key=idempotency_key,
        correlation_id=correlation_id(),
        now=utc_now(),
    )
    if isinstance(request, OrderExport):
        record_access(app, {EVERYBODY: [job.job_id]})
    stored = job_store().add(job, events)
    if stored is job:
        count("JobsRequested")
        logger.info("job requested", job_id=job.job_id, kind=request.kind.value)
    return _accepted(stored, request, replayed=stored is not job)


@app.post(
    "/jobs/uploads",
    **contract(
        Access.ADMIN,
        tag="jobs",
        whose=Whose.SHOP,
        status=HTTPStatus.CREATED,
        answers="The form to upload the file with",
        headers={"Cache-Control": "`no-store`, since the form is a permission"},
    ),
)
def prepare_upload() -> Response[UploadForm]:
    """Signs a form that uploads one CSV file of at most 10 MiB for a job. The form is valid for 15 minutes."""
    form = presigned_urls().form(f"upl_{uuid4().hex}", utc_now())
    logger.info("upload prepared", upload=form.upload)
    return Response(
        status_code=HTTPStatus.CREATED,
        content_type=content_types.APPLICATION_JSON,
        body=form,
    )


@app.get("/jobs", **contract(Access.ADMIN, tag="jobs", whose=Whose.EVERYBODY, raises=(InvalidCursor,)))
def list_jobs(
    limit: PageLimit = 20,
    cursor: PageCursor = None,
    status: Annotated[JobStatus | None, Query(description="List only jobs in this status")] = None,
) -> JobPage:
    """Lists the jobs of the last 30 days, newest first, page by page."""
    after = position_in(cursor, status) if cursor is not None else None
    jobs, position = job_store().list(limit, after, status)
    return JobPage(
        jobs=_views(jobs),
        next=cursor_of(position, status) if position else None,
    )


@app.get("/jobs/<job_id>", **contract(Access.ADMIN, tag="jobs", whose=Whose.EVERYBODY, raises=(NotFound,)))
def read_job(job_id: JobId) -> JobView:
    """Reads a job: its progress and, once it has ended, a link to its file that works for an hour."""
    job = job_store().find(job_id)
    if job is None:
        raise _no_such_job()
    return _view(job)


@app.post(
    "/jobs/<job_id>/cancel",
    **contract(
        Access.ADMIN,
        tag="jobs",
        whose=Whose.EVERYBODY,
        status=HTTPStatus.ACCEPTED,
        answers="The job, which ends before its next piece of work; the finished pieces stay",
        raises=(NotFound, CannotBeCancelled),
    ),
)
def cancel_job(job_id: JobId) -> JobView:
    """Cancels a job. A repeat answers the same."""
    if job_store().find(job_id) is None:
        raise _no_such_job()
    job = job_store().change(job_id, lambda current: current.cancel())
    logger.info("job cancellation requested", job_id=job_id, status=job.status.value)
    return _view(job)


def _accepted(job: Job, request: AnyRequest, *, replayed: bool) -> Response[JobView]:
    job.require_same_request(request)
    return Response(
        status_code=HTTPStatus.ACCEPTED,
        content_type=content_types.APPLICATION_JSON,
        body=_view(job),
        headers={
            "Location": link_to(app, f"/jobs/{job.job_id}"),
            "Idempotent-Replayed": str(replayed).lower(),
        },
    )


def _view(job: Job) -> JobView:
    return _views([job])[0]


def _views(jobs: list[Job]) -> list[JobView]:
    """The jobs as admins see them. A link to an export is access to the orders of all customers."""
    now = utc_now()
    views = [JobView.of(job, presigned_urls(), now) for job in jobs]
    exports = [view.job_id for view in views if view.kind is JobKind.ORDER_EXPORT and view.result]
    if exports:
        record_access(app, {EVERYBODY: exports})
    return views


def _no_such_job() -> NotFound:
    return NotFound("There is no such job; jobs are deleted after 30 days.")


handler = api_handler(app, calls=["dynamodb"])

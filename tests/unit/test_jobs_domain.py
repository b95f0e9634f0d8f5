"""The rules of a job: one id for each key, the order of its statuses, and its progress."""

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import TypeAdapter

from jobs.domain.job import (
    CannotBeCancelled,
    Failure,
    IdempotencyKeyReused,
    Job,
    JobStatus,
    job_id_for,
)
from jobs.domain.requests import AnyRequest, JobRequest
from shared.job_steps import JobResult
from tools.contracts.job_states import PAGE, renewed

NOW = datetime(2026, 11, 21, 10, 15, tzinfo=UTC)
LATER = NOW + timedelta(minutes=5)
BODY = {"kind": "order_export", "format": "csv", "from": "2026-11-01", "to": "2026-11-30"}
REQUEST: AnyRequest = TypeAdapter(JobRequest).validate_python(BODY)
FAILURE = Failure(code="technical-failure", detail="Something went wrong.")


def requested() -> Job:
    job, _ = Job.create(REQUEST, requested_by="u-1", idempotency_key="k", correlation_id="c", now=NOW)
    return job


def test_the_event_has_the_kind_and_the_request_under_the_clients_names() -> None:
    job, [event] = Job.create(REQUEST, requested_by="u-1", idempotency_key="k", correlation_id="c", now=NOW)

    assert event.event_id == f"{job.job_id}:1:job.requested"
    assert event.data == {
        "job_id": job.job_id,
        "kind": "order_export",
        "request": {"format": "csv", "from": "2026-11-01", "to": "2026-11-30"},
    }


def test_an_id_follows_from_the_admin_and_the_key() -> None:
    assert job_id_for("u-1", "k") == job_id_for("u-1", "k") == requested().job_id
    assert len({job_id_for(*pair) for pair in (("u-1", "k"), ("u-2", "k"), ("u-1", "l"))}) == 3


def test_another_body_under_the_same_key_is_refused() -> None:
    requested().require_same_request(REQUEST)
    with pytest.raises(IdempotencyKeyReused):
        requested().require_same_request(TypeAdapter(JobRequest).validate_python({**BODY, "format": "jsonl"}))


def test_a_job_runs_and_succeeds_when_all_of_it_is_done() -> None:
    running = requested().begin(NOW)
    assert running.status is JobStatus.RUNNING and running.begin(LATER) == running

    done = running.finish(JobResult(key="results/x.csv", counts={"orders": 2}), LATER)

    assert (done.status, done.counts, done.result_key) == (
        JobStatus.SUCCEEDED,
        {"orders": 2},
        "results/x.csv",
    )
    assert done.finish(JobResult(), NOW) == done and done.fail(FAILURE, NOW) == done
    assert done.file_is_kept_until() == LATER + timedelta(days=7)


def test_an_incomplete_job_is_cancelled_if_an_admin_cancelled_it_and_failed_otherwise() -> None:
    running = requested().begin(NOW)

    assert running.cancel().finish(JobResult(complete=False), LATER).status is JobStatus.CANCELLED
    failed = running.finish(JobResult(complete=False), LATER)
    assert failed.status is JobStatus.FAILED and failed.failure


def test_a_job_that_completes_its_work_succeeds_despite_a_late_cancellation() -> None:
    assert requested().begin(NOW).cancel().finish(JobResult(), LATER).status is JobStatus.SUCCEEDED


def test_a_job_is_cancelled_once_and_not_when_it_has_ended() -> None:
    cancelling = requested().cancel()
    assert not cancelling.goes_on and cancelling.cancel() == cancelling
    assert cancelling.begin(NOW) == cancelling
    with pytest.raises(CannotBeCancelled):
        requested().fail(FAILURE, NOW).cancel()


def test_progress_is_the_sum_of_the_finished_pieces() -> None:
    assert requested().model_copy(update={"parts": {"1": 100, "2": 50}}).done == 150


def test_the_diagram_in_the_readme_is_the_table_of_transitions() -> None:
    """If not: `python -m tools.contracts.job_states`."""
    assert PAGE.read_text() == renewed(PAGE.read_text())

"""The rules of a job: one id a key, which status follows which, and what counts as done."""

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

NOW = datetime(2026, 11, 21, 10, 15, tzinfo=UTC)
LATER = NOW + timedelta(minutes=5)
BODY = {"kind": "order_export", "format": "csv", "from": "2026-11-01", "to": "2026-11-30"}
REQUEST: AnyRequest = TypeAdapter(JobRequest).validate_python(BODY)
FAILURE = Failure(code="technical-failure", detail="Something went wrong.")


def asked() -> Job:
    job, _ = Job.ask(REQUEST, requested_by="u-1", idempotency_key="k", correlation_id="c", now=NOW)
    return job


def test_the_event_tells_the_kind_and_what_is_asked_for_under_the_clients_names() -> None:
    job, [event] = Job.ask(REQUEST, requested_by="u-1", idempotency_key="k", correlation_id="c", now=NOW)

    assert event.event_id == f"{job.job_id}:1:job.requested"
    assert event.data == {
        "job_id": job.job_id,
        "kind": "order_export",
        "request": {"format": "csv", "from": "2026-11-01", "to": "2026-11-30"},
    }


def test_an_id_follows_from_the_admin_and_the_key() -> None:
    assert job_id_for("u-1", "k") == job_id_for("u-1", "k") == asked().job_id
    assert len({job_id_for(*pair) for pair in (("u-1", "k"), ("u-2", "k"), ("u-1", "l"))}) == 3


def test_another_body_under_the_same_key_is_refused() -> None:
    asked().asked_by(REQUEST)
    with pytest.raises(IdempotencyKeyReused):
        asked().asked_by(TypeAdapter(JobRequest).validate_python({**BODY, "format": "jsonl"}))


def test_a_job_runs_and_succeeds_when_all_of_it_is_done() -> None:
    running = asked().begin(NOW)
    assert running.status is JobStatus.RUNNING and running.begin(LATER) == running

    done = running.finish(JobResult(key="results/x.csv", counts={"orders": 2}), LATER)

    assert (done.status, done.counts, done.result_key) == (
        JobStatus.SUCCEEDED,
        {"orders": 2},
        "results/x.csv",
    )
    assert done.finish(JobResult(), NOW) == done and done.fail(FAILURE, NOW) == done
    assert done.file_is_kept_until() == LATER + timedelta(days=7)


def test_what_was_left_undone_is_cancelled_if_that_was_asked_for_and_failed_otherwise() -> None:
    running = asked().begin(NOW)

    assert running.cancel().finish(JobResult(complete=False), LATER).status is JobStatus.CANCELLED
    failed = running.finish(JobResult(complete=False), LATER)
    assert failed.status is JobStatus.FAILED and failed.failure


def test_a_cancellation_that_comes_when_all_is_done_leaves_a_job_that_succeeded() -> None:
    assert asked().begin(NOW).cancel().finish(JobResult(), LATER).status is JobStatus.SUCCEEDED


def test_a_job_is_cancelled_once_and_not_when_it_has_ended() -> None:
    cancelling = asked().cancel()
    assert not cancelling.goes_on and cancelling.cancel() == cancelling
    assert cancelling.begin(NOW) == cancelling
    with pytest.raises(CannotBeCancelled):
        asked().fail(FAILURE, NOW).cancel()


def test_a_piece_that_is_told_of_twice_counts_once() -> None:
    assert asked().model_copy(update={"parts": {"1": 100, "2": 50}}).done == 150

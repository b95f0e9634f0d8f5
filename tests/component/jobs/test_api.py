"""The jobs API as admins use it, with its real storage; the work of the jobs has its own tests."""

from datetime import timedelta
from typing import Any

import boto3
import pytest

from jobs.domain.job import FILE_KEPT_FOR
from shared.clock import utc_now
from shared.job_steps import JobResult
from tests.component.jobs.world import BUCKET, JobsWorld, products_csv
from tests.component.rest_events import claims_of, header, json_body

EXPORT = {"kind": "order_export", "format": "csv", "from": "2026-11-01", "to": "2026-11-30"}


def finish(job_id: str, result: JobResult, *, days_ago: int = 0) -> None:
    from jobs.dependencies import job_store

    moment = utc_now() - timedelta(days=days_ago)
    job_store().change(job_id, lambda job: job.begin(moment).finish(result, moment))


def test_a_request_for_a_job_is_accepted_and_answered_with_its_address(world: JobsWorld) -> None:
    answer = world.request(EXPORT)

    assert answer["statusCode"] == 202
    job = json_body(answer)
    assert header(answer, "Location") == f"/test/jobs/{job['job_id']}"
    assert job["status"] == "queued" and job["progress"] == {"done": 0, "total": None}
    assert job["request"] == {"format": "csv", "from": "2026-11-01", "to": "2026-11-30"}
    assert world.job(job["job_id"]) == job


def test_the_same_key_and_body_are_the_same_job_and_its_event_is_published_once(world: JobsWorld) -> None:
    first, second = world.request(EXPORT), world.request(EXPORT)

    assert json_body(first)["job_id"] == json_body(second)["job_id"]
    assert header(first, "Idempotent-Replayed") == "false"
    assert header(second, "Idempotent-Replayed") == "true"
    [stored] = world.items("JobsTable").values()
    assert len(stored["outbox"]) == 1


def test_a_key_is_the_admins_own(world: JobsWorld) -> None:
    mine = world.request(EXPORT)
    headers = {"Idempotency-Key": "k-1"}
    other = claims_of("u-other", groups="admin")
    theirs = world.api("POST", "/jobs", body=EXPORT, headers=headers, claims=other)

    assert json_body(mine)["job_id"] != json_body(theirs)["job_id"]


def test_the_same_key_with_another_body_is_refused(world: JobsWorld) -> None:
    world.request(EXPORT)
    answer = world.request({**EXPORT, "to": "2026-11-29"})

    assert answer["statusCode"] == 422
    assert json_body(answer)["type"].endswith("/idempotency-key-reused")


def test_a_replay_is_answered_also_when_the_upload_is_gone(world: JobsWorld) -> None:
    body = {"kind": "product_import", "upload": world.upload(products_csv()), "on_error": "apply_none"}
    first = world.request(body)
    boto3.client("s3").delete_object(Bucket=BUCKET, Key=f"uploads/{body['upload']}")

    assert json_body(world.request(body)) == json_body(first)


@pytest.mark.parametrize(
    "body",
    [
        {**EXPORT, "kind": "bake_bread"},
        {**EXPORT, "format": "xlsx"},
        {**EXPORT, "from": "2026-12-01"},
        {**EXPORT, "to": "2027-11-02"},
        {**EXPORT, "from": 20_000},
        {**EXPORT, "from": "2026-11-01T00:00:00"},
        {**EXPORT, "from": "2026-02-30"},
        {**EXPORT, "upload": "upl_" + "0" * 32},
        {"kind": "product_import", "upload": "../etc", "on_error": "apply_good"},
        {"kind": "product_import", "upload": "upl_" + "0" * 32, "on_error": "perhaps"},
        {},
    ],
)
def test_an_invalid_request_is_refused(world: JobsWorld, body: dict[str, Any]) -> None:
    answer = world.request(body)

    assert answer["statusCode"] == 422
    assert json_body(answer)["errors"]
    assert world.items("JobsTable") == {}


def test_an_import_of_nothing_uploaded_is_refused(world: JobsWorld) -> None:
    answer = world.request({"kind": "product_import", "upload": "upl_" + "0" * 32, "on_error": "apply_good"})

    assert answer["statusCode"] == 422
    assert json_body(answer)["type"].endswith("/upload-missing")


def test_a_form_is_for_one_csv_file_of_limited_size(world: JobsWorld) -> None:
    answer = world.api("POST", "/jobs/uploads")

    form = json_body(answer)
    assert answer["statusCode"] == 201
    assert form["fields"]["key"] == f"uploads/{form['upload']}"
    assert form["fields"]["Content-Type"] == "text/csv"
    assert form["max_bytes"] == 10 * 1024 * 1024


def test_only_admins_reach_jobs(world: JobsWorld) -> None:
    customer = claims_of("u-customer", groups="customer")
    for method, path in (("GET", "/jobs"), ("POST", "/jobs/uploads"), ("GET", "/jobs/job_1")):
        assert world.api(method, path, claims=customer)["statusCode"] == 403
        assert world.api(method, path, claims=None)["statusCode"] == 401


def test_an_unknown_job_is_not_found(world: JobsWorld) -> None:
    assert world.api("GET", "/jobs/job_1")["statusCode"] == 404
    assert world.api("POST", "/jobs/job_1/cancel")["statusCode"] == 404


def test_jobs_are_listed_newest_first_by_page_and_by_status(world: JobsWorld) -> None:
    ids = [json_body(world.request(EXPORT, key=f"k-{number}"))["job_id"] for number in range(5)]
    finish(ids[0], JobResult())

    listed, cursor = [], None
    while True:
        page = json_body(
            world.api("GET", "/jobs", query={"limit": "2"} | ({"cursor": cursor} if cursor else {}))
        )
        listed += [job["job_id"] for job in page["jobs"]]
        if (cursor := page["next"]) is None:
            break
    assert sorted(listed) == sorted(ids) and len(listed) == 5

    queued = world.api("GET", "/jobs", query={"status": "queued", "limit": "1"})
    assert json_body(queued)["jobs"][0]["status"] == "queued"
    elsewhere = world.api("GET", "/jobs", query={"status": "failed", "cursor": json_body(queued)["next"]})
    assert elsewhere["statusCode"] == 400
    done = json_body(world.api("GET", "/jobs", query={"status": "succeeded"}))["jobs"]
    assert [job["job_id"] for job in done] == ids[:1]


def test_a_file_is_linked_for_an_hour_and_as_long_as_it_is_kept(world: JobsWorld) -> None:
    fresh, old = (json_body(world.request(EXPORT, key=key))["job_id"] for key in ("a", "b"))
    finish(fresh, JobResult(key=f"results/{fresh}.csv"))
    finish(old, JobResult(key=f"results/{old}.csv"), days_ago=FILE_KEPT_FOR.days)

    link = world.job(fresh)["result"]
    assert "X-Amz-Expires=3600" in link["url"]
    assert link["kept_until"] > link["expires_at"]
    assert world.job(old)["result"] is None


def test_a_job_that_has_ended_cannot_be_cancelled(world: JobsWorld) -> None:
    job_id = json_body(world.request(EXPORT))["job_id"]
    finish(job_id, JobResult())

    answer = world.api("POST", f"/jobs/{job_id}/cancel")

    assert answer["statusCode"] == 409
    assert json_body(answer)["type"].endswith("/cannot-be-cancelled")


def test_a_job_whose_event_comes_again_is_not_started_again(world: JobsWorld) -> None:
    answer = world.request(EXPORT)
    first = world.run(answer)
    again = world.run(answer)

    assert again | {"result": None} == first | {"result": None}
    assert world.invocations["JobsStepsFunction.finish"] == 1

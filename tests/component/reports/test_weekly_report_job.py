"""A job for a week's report, from the request to the page, with the shipped state machine and functions."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import unquote

import boto3
import pytest

import reports.domain.week
from jobs.domain.requests import JobKind, WeeklyReport, WeekNotOver
from reports.domain.events import ReportReady
from shared.clock import utc_now
from tests.component.jobs.world import BUCKET, JobsWorld, Killed, jobs_world
from tests.component.rest_events import json_body

WEEK = "2026-W10"


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[JobsWorld]:
    with jobs_world(monkeypatch) as world:
        yield world


def ask(world: JobsWorld, week: str = WEEK, **more: str) -> dict[str, Any]:
    return world.request({"kind": "weekly_report", "week": week, **more})


def stored(key: str) -> dict[str, Any]:
    return dict(boto3.client("s3").get_object(Bucket=BUCKET, Key=key))


def test_the_job_ends_with_a_link_at_which_a_browser_shows_the_page(world: JobsWorld) -> None:
    job = world.run(ask(world))

    assert job["status"] == "succeeded" and job["progress"] == {"done": 1, "total": 1}
    assert job["request"] == {"week": WEEK, "format": "html"} and job["counts"] == {"version": 1}
    assert "response-content-disposition=inline" in job["result"]["url"]
    page = stored(f"results/{job['job_id']}.html")
    assert page["ContentType"] == "text/html; charset=utf-8"
    text = page["Body"].read().decode()
    assert WEEK in text and "No orders." in text and "Content-Security-Policy" in text


def test_the_sheet_is_copied_on_request_and_saved_by_a_browser(world: JobsWorld) -> None:
    job = world.run(ask(world, format="csv"))

    sheet = stored(f"results/{job['job_id']}.csv")
    assert sheet["ContentType"] == "text/csv; charset=utf-8"
    assert b"orders,,,placed,0," in sheet["Body"].read()
    assert f'attachment; filename="{job["job_id"]}.csv"' in unquote(job["result"]["url"])


def test_a_jobs_file_stays_when_the_week_is_reported_on_again(world: JobsWorld) -> None:
    first = world.run(ask(world))
    boto3.client("s3").put_object(Bucket="ReportsBucket", Key=f"weekly/{WEEK}/report.html", Body=b"another")

    assert b"No orders." in stored(f"results/{first['job_id']}.html")["Body"].read()


def test_a_step_that_dies_is_retried_and_the_report_is_published_once(world: JobsWorld) -> None:
    def die() -> None:
        raise Killed

    world.before("ReportsMakeWeeklyReportFunction", die)
    world.before("ReportsCopyToJobFunction", die)

    job = world.run(ask(world))

    assert job["status"] == "succeeded"
    [report] = world.items("ReportsTable").values()
    assert report["version"] == 1 and len(report["outbox"]) == 1


def test_the_mail_about_the_report_belongs_to_the_request_for_the_job(world: JobsWorld) -> None:
    job = world.run(ask(world))

    [report] = world.items("ReportsTable").values()
    asked_for = world.items("JobsTable")[job["job_id"]]
    assert f'"correlation_id":"{asked_for["correlation_id"]}"' in report["outbox"][0].replace(" ", "")


def test_a_job_that_is_cancelled_before_it_begins_makes_no_report(world: JobsWorld) -> None:
    answer = ask(world)
    world.api("POST", f"/jobs/{json_body(answer)['job_id']}/cancel")

    job = world.run(answer)

    assert job["status"] == "cancelled" and job["result"] is None
    assert world.invocations["ReportsMakeWeeklyReportFunction"] == 0


def test_a_report_that_can_never_be_made_fails_the_job_with_an_explanation(world: JobsWorld) -> None:
    """This happens if the clocks of two functions differ, and the API took the week for over."""

    def refuse() -> None:
        raise reports.domain.week.WeekNotOver(
            "2026-W10 ends on 2026-03-08; its report can be made from the day after."
        )

    world.before("ReportsMakeWeeklyReportFunction", refuse)

    job = world.run(ask(world))

    assert (job["status"], job["failure"]["code"]) == ("failed", "week-not-over")
    assert "from the day after" in job["failure"]["detail"]
    assert world.invocations["ReportsMakeWeeklyReportFunction"] == 1


@pytest.mark.parametrize("week", ["0001-W01", "0999-W01"])
def test_a_week_of_long_ago_that_the_api_accepts_is_reported(world: JobsWorld, week: str) -> None:
    job = world.run(ask(world, week))

    assert (job["status"], job["request"]["week"]) == ("succeeded", week)
    [report] = world.items("ReportsTable").values()
    assert json.loads(report["outbox"][0])["data"]["week"] == week
    assert world.invocations["ReportsMakeWeeklyReportFunction"] == 1


def test_a_report_whose_event_its_own_schema_refuses_fails_at_the_first_try(world: JobsWorld) -> None:
    def make_an_invalid_event() -> None:
        ReportReady(week="999-W01", page_url="https://page", sheet_url="https://sheet")

    world.before("ReportsMakeWeeklyReportFunction", make_an_invalid_event)

    job = world.run(ask(world))

    assert (job["status"], job["failure"]["code"]) == ("failed", "technical-failure")
    assert world.invocations["ReportsMakeWeeklyReportFunction"] == 1


def test_a_report_that_fails_at_every_try_fails_the_job(world: JobsWorld) -> None:
    def break_down() -> None:
        raise RuntimeError("a secret")

    world.before("ReportsCopyToJobFunction", *[break_down] * 7)

    job = world.run(ask(world))

    assert (job["status"], job["failure"]["code"]) == ("failed", "technical-failure")
    assert "secret" not in str(job)


@pytest.mark.parametrize(
    "week",
    ["2026-W00", "2026-W54", "2025-W53", "0000-W10", "9999-W52", "2026-10", "last", "2026-W1\u0660", 10],
)
def test_an_invalid_week_is_refused_at_once(world: JobsWorld, week: Any) -> None:
    answer = ask(world, week)

    assert answer["statusCode"] == 422
    assert json_body(answer)["errors"][0]["pointer"] == "/body/week"
    assert world.items("JobsTable") == {}


def test_a_week_that_is_not_over_is_refused_at_once_and_says_when_to_ask(world: JobsWorld) -> None:
    this_week = utc_now().isocalendar()
    answer = ask(world, f"{this_week.year}-W{this_week.week:02}")

    problem = json_body(answer)
    assert answer["statusCode"] == 422 and problem["type"].endswith("/week-not-over")
    sunday = utc_now() + timedelta(days=7 - this_week.weekday)
    assert f"ends on {sunday.date()}" in problem["detail"]
    assert world.items("JobsTable") == {}


def test_the_last_week_is_over_from_the_first_moment_of_monday() -> None:
    request = WeeklyReport(kind=JobKind.WEEKLY_REPORT, week=WEEK)
    monday = datetime(2026, 3, 9, tzinfo=UTC)
    request.check_over(monday)
    with pytest.raises(WeekNotOver):
        request.check_over(monday - timedelta(milliseconds=1))

"""The weekly report on the deployed stack: from orders and a schedule to the page, the sheet, and the mail."""

import json
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import requests

from reports.domain.week import Week
from shared.clock import timestamp, utc_now
from tests.system.products import TEA
from tools.shop.audit import Auditor
from tools.shop.client import Customer, Shop
from tools.stack import Stack
from tools.waiting import wait_for

from .back_doors import reads_mails
from .conftest import event
from .jobs import Jobs
from .trouble import coming_often

# A rate of a minute is the shortest there is; the embedded cloud looks every ten seconds what is due.
WITHIN_SECONDS = 150


def send_event(stack: Stack, event_type: str, order_id: str, week: Week, amount: int) -> None:
    """Sends an event in the middle of `week` to the sales projection alone; the order was never placed."""
    lines = [{"sku": TEA, "quantity": 1, "unit_price": {"amount": amount, "currency": "EUR"}}]
    facts = {"order_id": order_id, "lines": lines, "total": {"amount": amount, "currency": "EUR"}}
    version = 2 if event_type == "order.placed" else 1
    happened = event(event_type, order_id, facts) | {
        "event_version": version,
        "occurred_at": timestamp(week.end - timedelta(days=4)),
    }
    stack.client("sqs").send_message(
        QueueUrl=stack.resource("ReportsRecordSalesQueue"), MessageBody=json.dumps(happened)
    )


def facts_of(auditor: Auditor, order_id: str) -> set[str]:
    """The kinds of facts that the sales projection has of the order."""
    return {item["kind"] for item in auditor.table("ReportsSalesTable") if item.get("order_id") == order_id}


def file(stack: Stack, key: str) -> bytes:
    """An object of the reports bucket."""
    answer = stack.client("s3").get_object(Bucket=stack.resource("ReportsBucket"), Key=key)
    content: bytes = answer["Body"].read()
    return content


def report(stack: Stack, week: str) -> dict[str, Any]:
    """What the function answers that is asked for a week's report."""
    answer = stack.client("lambda").invoke(
        FunctionName=stack.resource("ReportsMakeWeeklyReportFunction"),
        Payload=json.dumps({"week": week}).encode(),
    )
    made: dict[str, Any] = json.loads(answer["Payload"].read())
    return made


def version_of(auditor: Auditor, week: Week) -> int:
    """How often the week's report came out otherwise."""
    found = [item["version"] for item in auditor.table("ReportsTable") if item["week"] == str(week)]
    return int(found[0]) if found else 0


def revenue_of(auditor: Auditor, week: Week) -> int:
    """What the orders that stand came to in EUR, by the projection; earlier runs of the tests sold as well."""
    facts = [
        item
        for item in auditor.table("ReportsSalesTable")
        if "kind" in item and item["pk"].startswith(str(week))
    ]
    undone = {fact["order_id"] for fact in facts if fact["kind"] == "order.cancelled"}
    return sum(
        fact["amount"]["amount"]
        for fact in facts
        if fact["kind"] == "order.confirmed"
        and fact["order_id"] not in undone
        and fact["amount"]["currency"] == "EUR"
    )


@pytest.fixture
def week_of_its_own() -> Week:
    """A week, long ago, that no other test reports on."""
    return Week(1970 + uuid4().int % 50, 1 + uuid4().int % 52)


def test_an_order_is_in_the_sales_with_what_became_of_it(
    shop: Shop, auditor: Auditor, customer: Customer
) -> None:
    confirmed = shop.place(customer, {TEA: 1}).json()["order_id"]
    rejected = shop.place(customer, {TEA: 1}, country="AQ").json()["order_id"]

    wait_for(
        lambda: {"order.placed", "order.confirmed"} <= facts_of(auditor, confirmed),
        "the sale",
        seconds=60,
    )
    wait_for(
        lambda: facts_of(auditor, rejected) == {"order.placed", "order.rejected"}, "the rejection", seconds=60
    )


@reads_mails
def test_what_the_schedule_runs_makes_last_weeks_report_and_mails_its_place_to_the_operators(
    stack: Stack, auditor: Auditor
) -> None:
    week, order_id = Week.before(utc_now()), f"ord_{uuid4().hex}"
    send_event(stack, "order.confirmed", order_id, week, 123_456)
    wait_for(lambda: facts_of(auditor, order_id), "the sale", seconds=60)
    before = version_of(auditor, week)

    with coming_often(stack, "ReportsMakeWeeklyReportFunctionSchedule"):
        wait_for(lambda: version_of(auditor, week) > before, f"the report on {week}", seconds=WITHIN_SECONDS)

    revenue = revenue_of(auditor, week)
    assert revenue >= 123_456
    assert f"{revenue // 100:,}.{revenue % 100:02}".encode() in file(stack, f"weekly/{week}/report.html")
    assert f"money,,,revenue,{revenue},EUR".encode() in file(stack, f"weekly/{week}/report.csv")
    subject, bucket = f"Report on week {week}", f"{stack.resource('ReportsBucket')}?region="

    def about() -> list[dict[str, Any]]:
        return [m for m in stack.sent_mails() if m["Subject"] == subject and bucket in m["BodyText"]]

    mail = wait_for(about, "the mail", seconds=60)[-1]
    assert mail["To"] == [stack.parameters["OperatorsMail"]]
    assert f"weekly%2F{week}%2Freport.html" in mail["BodyText"]


def test_a_week_is_reported_on_when_asked_for_and_again_with_the_same_bytes(
    stack: Stack, auditor: Auditor, week_of_its_own: Week
) -> None:
    order_id = f"ord_{uuid4().hex}"
    for event_type in ("order.placed", "order.confirmed"):
        send_event(stack, event_type, order_id, week_of_its_own, 4_200)
    wait_for(lambda: len(facts_of(auditor, order_id)) == 2, "the sale", seconds=60)

    first = report(stack, str(week_of_its_own))
    page, sheet = file(stack, first["page_key"]), file(stack, first["sheet_key"])
    again = report(stack, str(week_of_its_own))

    assert (first["changed"], again["changed"]) == (True, False)
    assert (file(stack, again["page_key"]), file(stack, again["sheet_key"])) == (page, sheet)
    assert b"42.00" in page


def test_an_admin_gets_a_weeks_page_and_its_sheet_by_jobs(
    stack: Stack, shop: Shop, auditor: Auditor, week_of_its_own: Week
) -> None:
    order_id, week = f"ord_{uuid4().hex}", str(week_of_its_own)
    send_event(stack, "order.confirmed", order_id, week_of_its_own, 4_300)
    wait_for(lambda: facts_of(auditor, order_id), "the sale", seconds=60)
    jobs = Jobs(shop, shop.admin())

    asked = jobs.ask({"kind": "weekly_report", "week": week})
    job = jobs.ended(asked.json()["job_id"])
    sheet_job = jobs.ended(
        jobs.ask({"kind": "weekly_report", "week": week, "format": "csv"}).json()["job_id"]
    )

    assert asked.status_code == 202
    assert (job["status"], job["progress"]) == ("succeeded", {"done": 1, "total": 1})
    page = requests.get(job["result"]["url"], timeout=60)
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert page.headers["Content-Disposition"].startswith("inline")
    assert "43.00" in page.text and "default-src 'none'" in page.text
    assert page.content == file(stack, f"weekly/{week}/report.html")
    sheet = requests.get(sheet_job["result"]["url"], timeout=60)
    assert sheet.headers["Content-Disposition"].startswith("attachment")
    assert sheet.content == file(stack, f"weekly/{week}/report.csv")
    assert version_of(auditor, week_of_its_own) == 1


def test_a_job_for_a_week_that_is_not_over_or_not_there_is_refused_at_once(shop: Shop) -> None:
    jobs = Jobs(shop, shop.admin())

    running = jobs.ask({"kind": "weekly_report", "week": str(Week.of(utc_now()))})
    missing = jobs.ask({"kind": "weekly_report", "week": "2025-W53"})

    assert (running.status_code, missing.status_code) == (422, 422)
    assert running.json()["type"].endswith("/week-not-over")
    assert missing.json()["errors"][0]["pointer"] == "/body/week"


def test_a_week_without_orders_is_reported_on(stack: Stack) -> None:
    assert b"No orders." in file(stack, report(stack, "1969-W01")["page_key"])


def test_a_week_that_is_not_over_or_not_there_is_refused_by_name(stack: Stack) -> None:
    assert report(stack, str(Week.of(utc_now())))["errorType"] == "WeekNotOver"
    assert report(stack, "yesterday")["errorType"] == "NoSuchWeek"

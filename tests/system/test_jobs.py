"""Jobs on the deployed stack: asked for, followed, killed in the middle, cancelled, and their files fetched."""

import csv
import io
import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import batched
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import requests

from orders.adapters.order_store import order_item
from orders.domain.order import Order
from orders.domain.order_request import OrderRequest
from orders.domain.pricing import Price
from orders.domain.status import RejectionReason
from shared.clock import utc_now
from shared.dynamo import from_item, to_item
from shared.money import Money
from tests.system.links import location
from tests.system.products import TEA
from tools.shop.client import Customer, Shop, address
from tools.stack import Stack
from tools.waiting import wait_for

from .back_doors import ends_processes
from .jobs import Jobs
from .trouble import broken_step, coming_often, configured, not_listening
from .workers import kill_workers, workers_of

HEADER = "sku,name,description,category,price_amount,price_currency,active"
BAD_LINES = frozenset(range(20, 1000, 27))  # 37 of 1,000
needs_linux = pytest.mark.skipif(
    not Path("/proc/self/stat").exists(), reason="processes are found as on Linux"
)


@pytest.fixture(scope="module")
def jobs(shop: Shop) -> Jobs:
    return Jobs(shop, shop.admin())


def lines_of(prefix: str, count: int, bad: frozenset[int] = frozenset()) -> str:
    """A file of so many products, some of them without a name."""
    rows = [
        f'{prefix}-{number},{"" if number in bad else f"Import {number}"},"Fine, really",pantry,790,EUR,true'
        for number in range(count)
    ]
    return "\ufeff" + "\r\n".join([HEADER, *rows]) + "\r\n"


def imported(stack: Stack, prefix: str) -> dict[str, int]:
    """The version of each product of the catalogue whose sku has the prefix."""
    pages = stack.client("dynamodb").get_paginator("scan").paginate(TableName=stack.resource("CatalogTable"))
    items = [from_item(item) for page in pages for item in page["Items"]]
    return {item["pk"]: item["version"] for item in items if item["pk"].startswith(prefix)}


def failures_of(stack: Stack, machine: str, job_id: str) -> int:
    """How often a task of the job's execution failed, and was tried again."""
    arn = f"{stack.resource(machine).replace(':stateMachine:', ':execution:')}:{job_id}"
    pages = stack.client("stepfunctions").get_paginator("get_execution_history").paginate(executionArn=arn)
    events = [event["type"] for page in pages for event in page["events"]]
    return events.count("TaskFailed") + events.count("TaskTimedOut")


@needs_linux
@ends_processes
def test_an_import_of_a_thousand_lines_survives_a_killed_worker_and_does_no_line_twice(
    stack: Stack, jobs: Jobs
) -> None:
    prefix = f"JOB-{uuid4().hex[:8].upper()}"
    upload = jobs.upload(lines_of(prefix, 1000, BAD_LINES))
    asked = jobs.ask({"kind": "product_import", "upload": upload, "on_error": "apply_good"})
    assert asked.status_code == 202
    job_id = asked.json()["job_id"]
    assert jobs.call("GET", location(asked)).json()["job_id"] == job_id

    wait_for(lambda: imported(stack, prefix), "the first product", seconds=60)
    killed = kill_workers(stack, "CatalogImportChunkFunction")
    assert killed > 0
    job = jobs.ended(job_id)

    assert failures_of(stack, "ProductImport", job_id) > 0
    assert job["status"] == "succeeded"
    assert job["progress"] == {"done": 1000, "total": 1000}
    assert job["counts"]["refused"] == 37 and job["counts"]["created"] == 963
    versions = imported(stack, prefix)
    assert len(versions) == 963 and set(versions.values()) == {1}
    fetched = requests.get(job["result"]["url"], timeout=60)
    assert fetched.status_code == 200
    assert job_id in fetched.headers["Content-Disposition"]
    outcomes = Counter(
        line["outcome"] for line in csv.DictReader(io.StringIO(fetched.content.decode(), newline=""))
    )
    assert outcomes == {"created": 963, "refused": 37}


def is_listed(jobs: Jobs, job_id: str, query: str) -> bool:
    return job_id in [entry["job_id"] for entry in jobs.call("GET", f"/jobs{query}").json()["jobs"]]


def test_a_job_asked_for_twice_is_one_and_another_body_under_its_key_is_refused(jobs: Jobs) -> None:
    upload = jobs.upload(lines_of(f"JOB-{uuid4().hex[:8].upper()}", 1))
    body = {"kind": "product_import", "upload": upload, "on_error": "apply_none"}
    key = str(uuid4())

    first, second = jobs.ask(body, key), jobs.ask(body, key)
    other = jobs.ask({**body, "on_error": "apply_good"}, key)

    assert first.json()["job_id"] == second.json()["job_id"]
    assert (first.headers["Idempotent-Replayed"], second.headers["Idempotent-Replayed"]) == ("false", "true")
    assert other.status_code == 422 and other.json()["type"].endswith("/idempotency-key-reused")
    job = jobs.ended(first.json()["job_id"])
    assert job["counts"]["created"] == 1
    for query in ("", f"?status={job['status']}"):
        wait_for(partial(is_listed, jobs, job["job_id"], query), "the job in the list", seconds=10)


def test_a_cancelled_import_stops_between_chunks(stack: Stack, jobs: Jobs) -> None:
    prefix = f"JOB-{uuid4().hex[:8].upper()}"
    upload = jobs.upload(lines_of(prefix, 2000))
    job_id = jobs.ask({"kind": "product_import", "upload": upload, "on_error": "apply_good"}).json()["job_id"]
    wait_for(lambda: imported(stack, prefix), "the first product", seconds=60)

    assert jobs.call("POST", f"/jobs/{job_id}/cancel").status_code == 202
    job = jobs.ended(job_id)

    assert job["status"] == "cancelled"
    applied = job["counts"]["created"]
    assert applied == len(imported(stack, prefix)) and 0 < applied < 2000 and applied % 100 == 0
    assert job["counts"]["not_applied"] == 2000 - applied
    assert jobs.call("POST", f"/jobs/{job_id}/cancel").json()["status"] == "cancelled"


def test_jobs_whose_event_was_lost_or_whose_last_step_failed_end_all_the_same(
    stack: Stack, jobs: Jobs
) -> None:
    """By the reconciler, with a shorter time until a job is overdue."""
    export = {"kind": "order_export", "format": "csv", "from": "2021-01-01", "to": "2021-01-01"}
    with broken_step(stack, "JobsStepsFunction", "finish"):
        unfinished = jobs.ask(export).json()["job_id"]
        wait_for(
            lambda: execution_of(stack, "OrderExport", unfinished) == "FAILED",
            "the execution's end",
            seconds=240,
        )
    with not_listening(stack, "JobsStartFunction", "JobsStartQueue"):
        lost = jobs.ask(export).json()["job_id"]
        wait_for(lambda: waiting_in(stack, "JobsStartQueue"), "the event", seconds=60)
    assert (jobs.read(unfinished)["status"], jobs.read(lost)["status"]) == ("running", "queued")

    with (
        configured(stack, "JobsReconcileFunction", OVERDUE_AFTER_SECONDS="1"),
        coming_often(stack, "JobsReconcileFunctionSchedule"),
    ):
        ended = [jobs.ended(unfinished), jobs.ended(lost)]

    for job in ended:
        assert job["status"] == "succeeded" and job["counts"] == {"orders": 0}
        assert requests.get(job["result"]["url"], timeout=60).text.startswith("order_id")


def execution_of(stack: Stack, machine: str, job_id: str) -> str | None:
    """The status of the job's execution, once there is one."""
    sfn = stack.client("stepfunctions")
    found = sfn.list_executions(stateMachineArn=stack.resource(machine))["executions"]
    return next((execution["status"] for execution in found if execution["name"] == job_id), None)


def waiting_in(stack: Stack, queue: str) -> int:
    """How many messages nobody has taken yet."""
    name = "ApproximateNumberOfMessages"
    answer = stack.client("sqs").get_queue_attributes(QueueUrl=stack.resource(queue), AttributeNames=[name])
    return int(answer["Attributes"][name])


MANY = 5000
RUSH = datetime(2021, 3, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def many_orders(stack: Stack) -> Iterator[list[str]]:
    """The ids of old orders. They are rejected, no function works on them, and no event is published."""
    price = Price(sku="TEA", price=Money(amount=790, currency="EUR"), active=True, version=1)
    lines = {"lines": [{"sku": "TEA", "quantity": 2}], "payment_token": "pm_card_visa"}
    request = OrderRequest.model_validate({**lines, "shipping_address": address()})
    puts = []
    for number in range(MANY):
        at = RUSH + timedelta(days=number // 2000, milliseconds=number % 997)
        order, _ = Order.place(
            request,
            {"TEA": price},
            customer_id=f"export-{number % 10}",
            idempotency_key=str(number),
            correlation_id="export",
            now=at,
        )
        rejected, _ = order.abandon(RejectionReason.OUT_OF_STOCK, at)[0].cancel(at)
        puts.append({"PutRequest": {"Item": to_item(order_item(rejected, []))}})
    table, dynamodb = stack.resource("OrdersTable"), stack.client("dynamodb")
    keys = [{"DeleteRequest": {"Key": {"pk": put["PutRequest"]["Item"]["pk"]}}} for put in puts]
    for some in batched(puts, 25, strict=False):
        assert not dynamodb.batch_write_item(RequestItems={table: some}).get("UnprocessedItems")
    yield [key["DeleteRequest"]["Key"]["pk"]["S"] for key in keys]
    for some in batched(keys, 25, strict=False):
        dynamodb.batch_write_item(RequestItems={table: some})


@needs_linux
@ends_processes
def test_five_thousand_orders_are_exported_by_a_worker_that_dies_within_its_memory(
    stack: Stack, jobs: Jobs, many_orders: list[str]
) -> None:
    worker = "OrdersExportPageFunction"
    asked = jobs.ask({"kind": "order_export", "format": "csv", "from": "2021-03-01", "to": "2021-03-31"})
    job_id = asked.json()["job_id"]
    wait_for(lambda: jobs.read(job_id)["progress"]["done"] >= 1000, "two pages", seconds=120)
    killed = kill_workers(stack, worker)

    job = jobs.ended(job_id)

    assert killed > 0
    assert job["status"] == "succeeded" and job["counts"] == {"orders": MANY}
    text = requests.get(job["result"]["url"], timeout=60).content.decode()
    exported = [(row["placed_at"], row["order_id"]) for row in csv.DictReader(io.StringIO(text, newline=""))]
    assert exported == sorted(exported)
    assert sorted(order_id for _, order_id in exported) == sorted(many_orders)
    peak = max(
        peak_memory(pid)
        for function in (worker, "OrdersExportResultFunction")
        for pid in workers_of(stack, function)
    )
    # Of 512; the runtime and its libraries take most of it.
    assert peak < 256


def peak_memory(pid: int) -> int:
    """The most memory that a process ever had, in MB."""
    status = Path(f"/proc/{pid}/status").read_text()
    [peak] = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(peak) // 1024


@pytest.mark.parametrize("file_format", ["csv", "jsonl"])
def test_an_export_has_each_order_of_the_period_once_in_the_order_of_time(
    shop: Shop, jobs: Jobs, customer: Customer, file_format: str
) -> None:
    today = utc_now().date().isoformat()
    placed = [shop.place(customer, {TEA: 1}).json()["order_id"] for _ in range(3)]
    for order_id in placed:
        shop.settled(customer, order_id, seconds=180)

    asked = jobs.ask({"kind": "order_export", "format": file_format, "from": today, "to": today})
    job = jobs.ended(asked.json()["job_id"])

    assert job["status"] == "succeeded"
    text = requests.get(job["result"]["url"], timeout=60).content.decode()
    rows: list[dict[str, Any]] = (
        [json.loads(line) for line in text.splitlines()]
        if file_format == "jsonl"
        else list(csv.DictReader(io.StringIO(text, newline="")))
    )
    assert job["counts"] == {"orders": len(rows)}
    times = [row["placed_at"] for row in rows]
    assert times == sorted(times)
    ours = [row for row in rows if row["order_id"] in placed]
    assert [row["order_id"] for row in ours] == placed
    assert {row["status"] for row in ours} <= {"confirmed", "fulfilled"}
    assert "Analytical Street" not in text

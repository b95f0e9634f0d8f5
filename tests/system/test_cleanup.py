"""The daily cleanup on the deployed stack: started by its schedule, or by hand, and what its owners sweep."""

import json
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from inventory.adapters.stock_store import StockStore
from inventory.domain.reservation import RESERVATION_LIFETIME, Reservation
from shared.clock import utc_now
from tools.stack import Stack
from tools.waiting import wait_for

from .trouble import configured, scheduled_each_minute

SKU = "TEA-ASSAM-100"
WITHIN_SECONDS = 150


@pytest.fixture(scope="module")
def store(stack: Stack) -> StockStore:
    return StockStore(stack.client("dynamodb"), stack.resource("InventoryTable"))


def executions(stack: Stack) -> set[str]:
    """The executions of the cleanup that there have been."""
    found = stack.client("stepfunctions").list_executions(stateMachineArn=stack.resource("Cleanup"))
    return {execution["executionArn"] for execution in found["executions"]}


def ended(stack: Stack, execution: str) -> dict[str, Any]:
    """The execution, once it has ended."""

    def over() -> dict[str, Any] | None:
        found: dict[str, Any] = stack.client("stepfunctions").describe_execution(executionArn=execution)
        return found if found["status"] != "RUNNING" else None

    return wait_for(over, "the cleanup to end", seconds=90)


def report(stack: Stack, execution: dict[str, Any]) -> dict[str, Any]:
    """What the run wrote down."""
    assert execution["status"] == "SUCCEEDED", execution
    key = json.loads(execution["output"])["report_key"]
    answer = stack.client("s3").get_object(Bucket=stack.resource("CleanupBucket"), Key=key)
    found: dict[str, Any] = json.loads(answer["Body"].read())
    return found


def clean_up(stack: Stack, **asked: Any) -> dict[str, Any]:
    """The report of a run that is started by hand."""
    started = stack.client("stepfunctions").start_execution(
        stateMachineArn=stack.resource("Cleanup"), input=json.dumps(asked)
    )
    return report(stack, ended(stack, started["executionArn"]))


def test_the_schedule_cleans_up_and_leaves_a_report(stack: Stack) -> None:
    before = executions(stack)

    with scheduled_each_minute(stack, "CleanupSchedule"):
        new = wait_for(lambda: executions(stack) - before, "the schedule", seconds=WITHIN_SECONDS)

    found = report(stack, ended(stack, new.pop()))
    assert found["dry_run"] is False
    assert set(found["sweeps"]) == {"reservations", "stuck_orders", "renditions", "uploads"}
    assert not any("error" in sweep for sweep in found["sweeps"].values())


def test_stock_that_an_order_without_a_future_holds_is_for_sale_again(
    stack: Stack, store: StockStore, deliver: Callable[[str, int], None]
) -> None:
    """An order that was rejected, with a reservation beside it that nobody released."""
    rejected = f"ord_{uuid4().hex}"
    nobody = f"ord_{uuid4().hex}"
    deliver(SKU, 2)
    for order_id in (rejected, nobody):
        store.reserve(Reservation.of(order_id, "test", [(SKU, 1)]), utc_now() - 2 * RESERVATION_LIFETIME)
    stack.client("dynamodb").put_item(
        TableName=stack.resource("OrdersTable"),
        Item={"pk": {"S": rejected}, "status": {"S": "rejected"}},
    )
    try:
        dry = clean_up(stack, dry_run=True)
        assert dry["sweeps"]["reservations"]["released"] >= 1
        assert store.reservation_of(rejected).status == "reserved"  # type: ignore[union-attr]

        swept = clean_up(stack)["sweeps"]["reservations"]

        assert swept["released"] >= 1
        assert swept["unknown"] >= 1
        assert store.reservation_of(rejected).status == "released"  # type: ignore[union-attr]
        assert store.reservation_of(nobody).status == "reserved"  # type: ignore[union-attr]
        assert clean_up(stack)["sweeps"]["reservations"]["released"] == 0
    finally:
        store.release(nobody, "test", utc_now())
        stack.client("dynamodb").delete_item(
            TableName=stack.resource("OrdersTable"), Key={"pk": {"S": rejected}}
        )


def test_a_run_that_is_asked_for_unclearly_fails_and_touches_nothing(stack: Stack) -> None:
    started = stack.client("stepfunctions").start_execution(
        stateMachineArn=stack.resource("Cleanup"), input=json.dumps({"dry_run": "yes"})
    )
    failed = ended(stack, started["executionArn"])
    assert (failed["status"], failed["error"]) == ("FAILED", "UnreadableRequest")


@pytest.mark.parametrize(
    ("sweep", "key"),
    [("renditions", "renditions/NO-SUCH/{id}/200.jpg"), ("uploads", "uploads/NO-SUCH/{id}")],
)
def test_a_picture_of_today_is_left_though_no_product_knows_it(stack: Stack, sweep: str, key: str) -> None:
    bucket, key = stack.resource("PicturesBucket"), key.format(id=uuid4().hex)
    s3 = stack.client("s3")
    s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    try:
        assert clean_up(stack)["sweeps"][sweep]["seen"] >= 1
        assert s3.head_object(Bucket=bucket, Key=key)["ContentLength"] == 1
    finally:
        s3.delete_object(Bucket=bucket, Key=key)


def test_a_sweep_that_fails_stops_no_other_and_the_run_says_so(stack: Stack) -> None:
    with configured(stack, "CatalogSweepRenditionsFunction", PICTURES_BUCKET=f"no-such-bucket-{uuid4().hex}"):
        started = stack.client("stepfunctions").start_execution(
            stateMachineArn=stack.resource("Cleanup"), input="{}"
        )
        failed = ended(stack, started["executionArn"])

    assert (failed["status"], failed["error"]) == ("FAILED", "SweepFailed")
    key = f"runs/{failed['startDate']:%Y-%m-%d}/{failed['name']}.json"
    answer = stack.client("s3").get_object(Bucket=stack.resource("CleanupBucket"), Key=key)
    sweeps = json.loads(answer["Body"].read())["sweeps"]
    assert "error" in sweeps["renditions"]
    assert all(sweeps[name]["finished"] for name in ("reservations", "stuck_orders", "uploads"))

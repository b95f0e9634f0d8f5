"""The daily cleanup on the deployed stack: started by hand, and what its owners sweep."""

import json
from typing import Any
from uuid import uuid4

import pytest

from tools.stack import Stack
from tools.waiting import wait_for

from .trouble import configured


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
    assert sweeps["uploads"]["finished"]

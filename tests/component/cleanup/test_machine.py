"""The cleanup's state machine in moto's interpreter: what each branch hands on, and that none stops the others.

The cleanup's own functions are the real ones; the owners' answer as the test scripts it.
"""

import io
import json
import re
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from importlib import import_module, reload
from typing import Any

import boto3
import pytest

import cleanup.dependencies
from tests.component.machine_interpreter import interpreting
from tests.component.orders.machines import wiring
from tests.faults.template import ROOT

BUCKET = "cleanup-reports"
DEFINITION = (ROOT / "statemachines" / "cleanup.asl.json").read_text()
OWNERS: dict[str, dict[str, Any]] = {
    "CatalogSweepRenditions": {"seen": 9, "removed": 1, "next": "renditions/B"},
    "CatalogSweepUploads": {"seen": 5, "removed": 4, "next": None},
}


class Night:
    """Runs of the cleanup, what the owners were asked, and which of them fail."""

    def __init__(self, context: Any) -> None:
        self._context = context
        self._at_work = threading.Lock()
        self.failing: set[str] = set()
        self.asked: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self.arn = boto3.client("stepfunctions").create_state_machine(
            name="cleanup",
            definition=re.sub(r"\$\{(\w+)FunctionArn\}", r"\1", DEFINITION),
            roleArn="arn:aws:iam::123456789012:role/machine",
        )["stateMachineArn"]

    def answer(self, function: str, given: dict[str, Any]) -> dict[str, Any]:
        """Lambda's answer to the machine."""
        with self._at_work:
            self.asked[function].append(given)
            try:
                if function in self.failing:
                    raise ConnectionError("a secret")
                answer = OWNERS[function] if function in OWNERS else self._own(function, given)
            except Exception as error:  # noqa: BLE001 - as Lambda does: its class is the error's name
                failure = {"errorType": type(error).__name__, "errorMessage": str(error)}
                return {"StatusCode": 200, "FunctionError": "Unhandled", "Payload": _body(failure)}
            return {"StatusCode": 200, "Payload": _body(answer)}

    def run(self, name: str, **given: Any) -> tuple[str, dict[str, Any]]:
        """Runs the cleanup to its end; how it ended, and the sweeps of its report."""
        sfn = boto3.client("stepfunctions")
        execution = sfn.start_execution(stateMachineArn=self.arn, name=name, input=json.dumps(given))
        deadline, pause = time.monotonic() + 60, threading.Event()
        while (run := sfn.describe_execution(executionArn=execution["executionArn"]))["status"] == "RUNNING":
            assert time.monotonic() < deadline, dict(self.asked)
            pause.wait(0.02)
        key = f"runs/{self.asked['CleanupSummarize'][-1]['started_at'][:10]}/{name}.json"
        report = json.loads(boto3.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read())
        return run.get("error") or run["status"], report["sweeps"]

    def _own(self, function: str, given: dict[str, Any]) -> dict[str, Any]:
        step = {"CleanupBegin": "cleanup.functions.begin", "CleanupSummarize": "cleanup.functions.summarize"}[
            function
        ]
        answer: dict[str, Any] = reload(import_module(step)).handler(given, self._context)
        return answer


def _body(answer: Any) -> io.BytesIO:
    return io.BytesIO(json.dumps(answer).encode())


@pytest.fixture
def night(lambda_context: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Night]:
    monkeypatch.setenv("CLEANUP_BUCKET", BUCKET)
    with interpreting(monkeypatch, lambda name, payload: running.answer(name, json.loads(payload))):
        cleanup.dependencies.cleanup_bucket.cache_clear()
        boto3.client("s3").create_bucket(
            Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
        )
        running = Night(lambda_context)
        yield running
    cleanup.dependencies.cleanup_bucket.cache_clear()


def test_each_owner_sweeps_and_one_summary_records_the_outcome(night: Night):
    ended, sweeps = night.run("first")

    assert ended == "SUCCEEDED"
    assert sweeps == {
        "renditions": {"seen": 9, "removed": 1, "finished": False},
        "uploads": {"seen": 5, "removed": 4, "finished": True},
    }


def test_the_next_run_goes_on_where_this_one_ended(night: Night):
    night.run("first")
    night.run("second")

    assert [asked["after"] for asked in night.asked["CatalogSweepRenditions"]] == [None, "renditions/B"]
    assert [asked["after"] for asked in night.asked["CatalogSweepUploads"]] == [None, None]


@pytest.mark.parametrize(
    ("failing", "sweep"),
    [
        ("CatalogSweepRenditions", "renditions"),
        ("CatalogSweepUploads", "uploads"),
    ],
)
def test_a_sweep_that_fails_at_every_try_stops_no_other_and_the_summary_says_which(
    night: Night, failing: str, sweep: str
):
    night.failing = {failing}

    ended, sweeps = night.run("first")

    assert ended == "SweepFailed"
    assert len(night.asked[failing]) == 5 and len(night.asked["CleanupSummarize"]) == 1
    assert sweeps[sweep] == {"finished": False, "error": "ConnectionError"}
    others = {name: other for name, other in sweeps.items() if name != sweep}
    assert len(others) == len(OWNERS) - 1 and not any("error" in other for other in others.values())


def test_all_sweeps_that_fail_are_named(night: Night):
    night.failing = set(OWNERS)

    ended, sweeps = night.run("first")

    assert ended == "SweepFailed"
    assert {sweep["error"] for sweep in sweeps.values()} == {"ConnectionError"} and len(sweeps) == len(OWNERS)


def test_a_dry_run_says_so_to_every_owner_that_changes_anything(night: Night):
    ended, _ = night.run("first", dry_run=True)

    assert ended == "SUCCEEDED"
    for owner in ("CatalogSweepRenditions", "CatalogSweepUploads"):
        assert [asked["dry_run"] for asked in night.asked[owner]] == [True]
    night.run("second")
    assert night.asked["CatalogSweepRenditions"][-1]["after"] is None


def test_every_task_is_wired_to_a_function_that_has_ended_before_its_state_gives_up():
    machine = json.loads(DEFINITION)
    tasks = {name: state for name, state in machine["States"].items() if state["Type"] == "Task"}
    for branch in machine["States"]["Sweep"]["Branches"]:
        tasks |= {name: state for name, state in branch["States"].items() if state["Type"] == "Task"}

    for name, properties in wiring("Cleanup", tasks).items():
        assert properties["Timeout"] < tasks[name]["TimeoutSeconds"], name

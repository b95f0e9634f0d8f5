"""No value of unreadable data is in a log, in a dead letter's reason, or in an exception that leaves a function.

Every function of the template gets its example event with a secret in it. The secret is in place of each value, and
beside each value that is missing. There are no tables, topics or queues, so a function fails at the first one.
"""

import importlib
import json
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import StringIO
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from moto import mock_aws

import shared.consumer
import shared.relay
from shared.observability import logger
from tests.component.conftest import FakeLambdaContext
from tests.examples import EVENTS
from tests.faults.template import ROOT, Template
from tests.order_placed import PLACED_V1

SECRET = "Ada Secret"
FUNCTIONS = Template().functions

# Names and times of things, which are no person's data; a log holds most of them on purpose.
_NAMES = {
    *("step", "event_id", "event_type", "event_version", "aggregate_id", "correlation_id", "causation_id"),
    *("eventID", "execution", "kind", "job_id", "order_id", "sku", "SequenceNumber", "key", "upload"),
    *("week", "after", "bounceType", "complaintFeedbackType", "occurred_at"),
}
# What AWS puts around the data.
_ENVELOPE = {
    *("attributes", "messageAttributes", "headers", "multiValueHeaders", "requestContext", "eventSource"),
    *("httpMethod", "path", "resource", "messageId", "eventName", "Keys", "methodArn", "type"),
    *("ApproximateCreationDateTime", "SizeBytes", "StreamViewType", "awsRegion", "eventSourceARN"),
}


def examples_of(function: str) -> list[dict[str, Any]]:
    """The example events of a function; also the released version of an event that consumers still read."""
    name = FUNCTIONS[function].module.replace(".functions.", "_")
    found = [
        json.loads(file.read_text()) for file in sorted(EVENTS.glob("*.json")) if file.stem.startswith(name)
    ]
    if name in {"orders_start_executions", "live_push", "archive_store_events"}:
        found[0]["Records"].append({**found[0]["Records"][0], "body": PLACED_V1.model_dump_json()})
    return [alone for example in found for alone in one_by_one(example)]


def one_by_one(event: dict[str, Any]) -> list[dict[str, Any]]:
    """The event once for each of its records, if it has records."""
    return [{**event, "Records": [record]} for record in event["Records"]] if "Records" in event else [event]


def poisoned(value: Any, name: str = "") -> Iterator[Any]:
    """The value in every version that has the secret in one place."""
    match value:
        case dict():
            for key, part in value.items():
                if key in _ENVELOPE:
                    continue
                for bad in poisoned(part, key):
                    yield {**value, key: bad}
                rest = {other: kept for other, kept in value.items() if other != key}
                yield {**rest, "remark": SECRET}
        case list():
            for position, part in enumerate(value[:2]):
                for bad in poisoned(part, name):
                    yield [*value[:position], bad, *value[position + 1 :]]
        case str() if value[:1] in {"{", "["}:
            yield from map(json.dumps, poisoned(json.loads(value), name))
    if name and name not in _NAMES:
        yield {"remark": SECRET}
        yield SECRET


@pytest.fixture(params=sorted(FUNCTIONS))
def function(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A function's module, as it is deployed, in an empty account."""
    deployed = FUNCTIONS[request.param]
    for name, value in deployed.environment.items():
        monkeypatch.setenv(name, value)
    # Every invocation logs its details, not one in a hundred.
    monkeypatch.setenv("LOG_SAMPLE_RATE", "1")
    # A call that reaches nothing is made again at once.
    monkeypatch.setattr("botocore.endpoint.time", SimpleNamespace(sleep=lambda _seconds: None))
    with mock_aws(), imported_anew(deployed.module) as module:
        yield module


@contextmanager
def imported_anew(name: str) -> Iterator[ModuleType]:
    """The module as a new process imports it. Afterwards other tests have the one that they had, or none."""
    package, _, own_name = name.rpartition(".")
    had = sys.modules.pop(name, None)
    try:
        yield importlib.import_module(name)
    finally:
        del sys.modules[name]
        delattr(sys.modules[package], own_name)
        if had is not None:
            sys.modules[name] = had
            setattr(sys.modules[package], own_name, had)


def test_no_function_shows_a_value_of_data_that_it_cannot_read(
    function: Any, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[str] = []

    def keep_reason(_queue: str, _body: str, reason: str, **_about: str) -> None:
        shown.append(reason)

    monkeypatch.setattr(shared.consumer, "send_to_dlq", keep_reason)
    monkeypatch.setattr(shared.relay, "send_to_dlq", keep_reason)
    if hasattr(function, "verify"):
        monkeypatch.setattr(function, "verify", lambda *_: None)
    # The source lines hold no value of data, and to print them takes most of the time.
    monkeypatch.setattr(traceback.StackSummary, "format_frame_summary", place_and_variables)
    stream = StringIO()
    before = logger.registered_handler.setStream(stream)  # type: ignore[attr-defined]
    try:
        for example in examples_of(request.node.callspec.params["function"]):
            for event in poisoned(example):
                shown += failure_of(function.handler, event)
                shown += stream.getvalue().splitlines()
                found = [line for line in shown if SECRET in line]
                assert not found, (event, found)
                shown.clear()
                stream.truncate(0)
                stream.seek(0)
    finally:
        logger.registered_handler.setStream(before)  # type: ignore[attr-defined]


def place_and_variables(_: traceback.StackSummary, frame: traceback.FrameSummary, **_options: Any) -> str:
    """What a traceback shows of a frame, without its source line."""
    return f"{frame.filename}:{frame.lineno} {frame.locals or ''}\n"


def failure_of(handler: Callable[[Any, Any], Any], event: dict[str, Any]) -> list[str]:
    """What Lambda, its trace and a state machine show of the exception that leaves the handler."""
    try:
        handler(event, FakeLambdaContext())
    except Exception as error:  # noqa: BLE001 - any error counts
        return [str(error), *traceback.format_exception(error)]
    return []


def test_every_function_is_entered_where_values_are_hidden() -> None:
    sources = [
        *(ROOT / "services").glob("*/*/functions/*.py"),
        *(ROOT / "shared_layer" / "shared").glob("*.py"),
    ]
    entries = {source.stem for source in sources if "structure_logs" in source.read_text()}
    assert entries == {"observability"}

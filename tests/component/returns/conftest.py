"""The returns service in a pretended account: its table, its clients and its consumer's dead letters."""

from collections.abc import Callable
from importlib import import_module, reload
from typing import Any

import boto3
import pytest

from shared.events import Event
from tests.component.audit_trail import make_audit_trail
from tests.component.batches import deliver
from tests.component.returns.client import Client, order_fulfilled
from tests.component.shipped_template import template

type Deliver = Callable[..., Any]


@pytest.fixture(autouse=True)
def no_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """A change that starts over after a conflict does so at once."""
    monkeypatch.setattr("tenacity.nap.time.sleep", lambda _: None)


@pytest.fixture
def table(aws: None, monkeypatch: pytest.MonkeyPatch) -> Any:
    """DynamoDB with the tables of the template. An operator decides each return."""
    dynamodb = boto3.client("dynamodb")
    dynamodb.create_table(**template().tables["ReturnsTable"])
    make_audit_trail()
    monkeypatch.setenv("TABLE_NAME", "ReturnsTable")
    monkeypatch.setenv("RETURN_DAYS", "30")
    monkeypatch.setenv("RETURNS_ACCEPTED_UP_TO", "0")
    return dynamodb


@pytest.fixture
def consume(table: Any, lambda_context: Any, monkeypatch: pytest.MonkeyPatch) -> Deliver:
    """Delivers events to the consumer in one batch."""
    monkeypatch.setenv("DLQ_URL", boto3.client("sqs").create_queue(QueueName="dead-letters")["QueueUrl"])
    module = reload(import_module("returns.functions.follow"))
    return lambda *events: deliver(module.handler, lambda_context, *events)


@pytest.fixture
def fulfilled(consume: Deliver) -> Event:
    """Ada's fulfilled order of two teas and a mug, which the service knows."""
    event = order_fulfilled()
    consume(event)
    return event


@pytest.fixture
def ada(table: Any, lambda_context: Any) -> Client:
    return Client(lambda_context, "ada")


@pytest.fixture
def eve(table: Any, lambda_context: Any) -> Client:
    return Client(lambda_context, "eve")


@pytest.fixture
def admin(table: Any, lambda_context: Any) -> Client:
    return Client(lambda_context, "root", groups="admin")

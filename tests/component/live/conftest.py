"""The fixtures of the tests of live."""

from collections.abc import Iterator
from importlib import import_module, reload
from typing import Any

import boto3
import pytest

from live import dependencies
from live.adapters.sockets import Sockets
from tests.component.live.service import Gateway, LiveService
from tools.contracts.template import resources


@pytest.fixture
def live(aws: None, lambda_context: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[LiveService]:
    """The deployed live service."""
    properties = resources()["LiveTable"]["Properties"]
    wanted = ("BillingMode", "AttributeDefinitions", "KeySchema")
    boto3.client("dynamodb").create_table(TableName="live", **{name: properties[name] for name in wanted})
    queue = boto3.client("sqs").create_queue(QueueName="dead-letters")["QueueUrl"]
    monkeypatch.setenv("TABLE_NAME", "live")
    monkeypatch.setenv("DLQ_URL", queue)
    gateway = Gateway()
    dependencies.live_store.cache_clear()
    monkeypatch.setattr(dependencies, "sockets", lambda: Sockets(gateway))
    connections, push = (reload(import_module(f"live.functions.{name}")) for name in ("websocket", "push"))
    yield LiveService(gateway, connections, push, lambda_context, queue)
    dependencies.live_store.cache_clear()

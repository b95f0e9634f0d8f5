"""The relay of returns, with the example event that the repository ships."""

from collections.abc import Callable
from importlib import import_module, reload
from typing import Any

from tests.examples import example

type Subscriber = Callable[[str], Callable[[], list[dict[str, Any]]]]


def test_the_relay_publishes_the_outbox(subscriber: Subscriber, lambda_context: Any) -> None:
    received = subscriber("return.requested")
    relay = reload(import_module("returns.functions.relay"))

    assert relay.handler(example("returns_relay.json"), lambda_context) == {"batchItemFailures": []}

    [event] = received()
    assert event["data"]["lines"] == [{"sku": "TEA-EARL-100", "quantity": 1}]

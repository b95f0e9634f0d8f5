"""The users table's relay, fed the example event of its function."""

import importlib
import json
import sys
from pathlib import Path
from typing import Any

EXAMPLE = Path(__file__).parents[3] / "events" / "users_relay.json"


def test_a_change_in_the_stream_is_published_to_subscribers(subscriber: Any, lambda_context: Any) -> None:
    received = subscriber("user.registered")
    sys.modules.pop("users.functions.relay", None)
    relay = importlib.import_module("users.functions.relay")

    answer = relay.handler(json.loads(EXAMPLE.read_text()), lambda_context)

    assert answer == {"batchItemFailures": []}
    [event] = received()
    assert event["event_type"] == "user.registered"

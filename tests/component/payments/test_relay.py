"""The payments relay, with the example event that the repository ships."""

import importlib
import json
from pathlib import Path
from typing import Any

import pytest

from shared.aws import client

EVENT = Path(__file__).parents[3] / "events" / "payments_relay.json"


def test_the_relay_publishes_the_payments_event(
    aws: None, monkeypatch: pytest.MonkeyPatch, lambda_context: Any
) -> None:
    topic = client("sns").create_topic(Name="domain-events")["TopicArn"]
    queue = client("sqs").create_queue(QueueName="listener")["QueueUrl"]
    client("sns").subscribe(
        TopicArn=topic,
        Protocol="sqs",
        Endpoint="arn:aws:sqs:eu-central-1:123456789012:listener",
        Attributes={"RawMessageDelivery": "true"},
    )
    monkeypatch.setenv("TOPIC_ARN", topic)
    monkeypatch.setenv("DLQ_URL", queue)
    relay = importlib.reload(importlib.import_module("payments.functions.relay"))
    assert relay.handler(json.loads(EVENT.read_text()), lambda_context) == {"batchItemFailures": []}
    [message] = client("sqs").receive_message(QueueUrl=queue)["Messages"]
    event = json.loads(message["Body"])
    assert event["event_type"] == "payment.authorized"
    assert event["data"]["payment_id"] == event["aggregate_id"]

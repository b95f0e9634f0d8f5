"""The relay of shipping, with the example event that the repository ships."""

import json
from importlib import import_module, reload
from typing import Any

import boto3
import pytest

from tests.component.shipping.shipments import EVENTS


def test_the_relay_publishes_the_outbox(aws: None, lambda_context: Any, monkeypatch: pytest.MonkeyPatch):
    sns, sqs = boto3.client("sns"), boto3.client("sqs")
    topic = sns.create_topic(Name="domain-events")["TopicArn"]
    queue = sqs.create_queue(QueueName="listener")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(
        TopicArn=topic,
        Protocol="sqs",
        Endpoint=arn,
        Attributes={
            "RawMessageDelivery": "true",
            "FilterPolicy": json.dumps({"event_type": ["shipment.created"]}),
        },
    )
    monkeypatch.setenv("TOPIC_ARN", topic)
    monkeypatch.setenv("DLQ_URL", sqs.create_queue(QueueName="relay-letters")["QueueUrl"])
    relay = reload(import_module("shipping.functions.relay"))

    answer = relay.handler(json.loads((EVENTS / "shipping_relay.json").read_text()), lambda_context)

    assert answer == {"batchItemFailures": []}
    [message] = sqs.receive_message(QueueUrl=queue)["Messages"]
    assert json.loads(message["Body"])["event_type"] == "shipment.created"

"""The catalog table's relay, fed the example event of its function."""

import importlib
import json
import sys
from pathlib import Path
from typing import Any

import boto3
import pytest

EXAMPLE = Path(__file__).parents[2] / "events" / "catalog_relay.json"


def test_a_change_in_the_stream_goes_out_to_whoever_subscribed(
    aws: None, lambda_context: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    sns, sqs = boto3.client("sns"), boto3.client("sqs")
    topic = sns.create_topic(Name="domain-events")["TopicArn"]
    queue = sqs.create_queue(QueueName="subscriber")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(
        TopicArn=topic,
        Protocol="sqs",
        Endpoint=arn,
        Attributes={
            "RawMessageDelivery": "true",
            "FilterPolicy": json.dumps({"event_type": ["product.changed"]}),
        },
    )
    monkeypatch.setenv("TOPIC_ARN", topic)
    sys.modules.pop("catalog.relay", None)
    relay = importlib.import_module("catalog.relay")

    answer = relay.handler(json.loads(EXAMPLE.read_text()), lambda_context)

    assert answer == {"batchItemFailures": []}
    [message] = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)["Messages"]
    assert json.loads(message["Body"])["event_type"] == "product.changed"

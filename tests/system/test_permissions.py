"""What a part of the system can do if a stranger takes it over: its own work, and nothing else."""

import json
from typing import Any
from uuid import uuid4

import pytest

from shared.clock import timestamp, utc_now
from tests.system.roles import acting_as, is_denied
from tools.stack import Stack


def queues(stack: Stack) -> dict[str, str]:
    """The URLs of all queues of the stack."""
    return {name: url for name, url in stack.resources.items() if name.endswith("Queue")}


def deletion_of(user_id: str) -> dict[str, Any]:
    """The event that has every service erase a user."""
    return {
        "event_id": f"{user_id}:2:user.deleted",
        "event_type": "user.deleted",
        "event_version": 1,
        "occurred_at": timestamp(utc_now()),
        "aggregate_id": user_id,
        "aggregate_version": 2,
        "correlation_id": "forged",
        "data": {"user_id": user_id},
    }


@pytest.mark.parametrize(
    "consumer", ["NotificationsRecordFeedback", "ImageProcessorRender", "PaymentsCapture"]
)
def test_a_consumer_reads_its_own_queue_alone(stack: Stack, consumer: str) -> None:
    with acting_as(stack, f"{consumer}FunctionRole") as client:
        sqs = client("sqs")
        readable = {
            name
            for name, url in queues(stack).items()
            if not is_denied(sqs.get_queue_attributes, QueueUrl=url, AttributeNames=["QueueArn"])
        }
        assert readable == {f"{consumer}Queue"}
        others = [url for name, url in queues(stack).items() if name != f"{consumer}Queue"]
        assert all(is_denied(sqs.receive_message, QueueUrl=url) for url in others)
        assert all(is_denied(sqs.delete_message, QueueUrl=url, ReceiptHandle="none") for url in others)


def test_a_relay_reads_its_own_stream_alone(stack: Stack) -> None:
    streams = {
        name: stack.client("dynamodb").describe_table(TableName=table)["Table"].get("LatestStreamArn")
        for name, table in stack.resources.items()
        if name.endswith("Table")
    }
    with acting_as(stack, "CatalogRelayFunctionRole") as client:
        reader = client("dynamodbstreams")
        readable = {
            name
            for name, arn in streams.items()
            if arn and not is_denied(reader.describe_stream, StreamArn=arn)
        }
    assert readable == {"CatalogTable"}


def test_the_function_that_decodes_strangers_pictures_can_forge_no_event(stack: Stack) -> None:
    forged = json.dumps(deletion_of(f"usr_{uuid4().hex}"))
    attributes = {"event_type": {"DataType": "String", "StringValue": "user.deleted"}}
    message = {"Message": forged, "MessageAttributes": attributes}
    with acting_as(stack, "ImageProcessorRenderFunctionRole") as client:
        sns, sqs = client("sns"), client("sqs")
        for topic in (arn for name, arn in stack.resources.items() if name.endswith("Topic")):
            assert is_denied(sns.publish, TopicArn=topic, **message), topic
            entries = [{"Id": "1", **message}]
            assert is_denied(sns.publish_batch, TopicArn=topic, PublishBatchRequestEntries=entries), topic
        writable = {"CatalogRecordPicturesQueue", "ImageProcessorRenderDeadLetterQueue"}
        for name, url in queues(stack).items():
            if name not in writable:
                assert is_denied(sqs.send_message, QueueUrl=url, MessageBody=forged), name


def test_a_sweep_reads_nothing_of_the_catalogue_but_what_it_compares_with(stack: Stack) -> None:
    table = stack.resource("CatalogTable")
    product, upload = ({"pk": {"S": key}} for key in ("TEA-ASSAM-100", "upload#TEA-ASSAM-100#1"))
    with acting_as(stack, "CatalogSweepUploadsFunctionRole") as client:
        read = client("dynamodb").get_item
        assert not is_denied(read, TableName=table, Key=upload)
        assert is_denied(read, TableName=table, Key=product)
    with acting_as(stack, "CatalogSweepRenditionsFunctionRole") as client:
        read = client("dynamodb").get_item
        assert not is_denied(read, TableName=table, Key=product, ProjectionExpression="pictures")
        assert is_denied(read, TableName=table, Key=product, ProjectionExpression="pictures, price")
        assert is_denied(read, TableName=table, Key=product)


def test_mail_is_sent_as_the_shop_alone(stack: Stack) -> None:
    mail = {
        "Destination": {"ToAddresses": ["success@simulator.amazonses.com"]},
        "Content": {"Simple": {"Subject": {"Data": "Hello"}, "Body": {"Text": {"Data": "Hello"}}}},
    }
    with acting_as(stack, "NotificationsSendMailFunctionRole") as client:
        send = client("sesv2").send_email
        assert is_denied(send, FromEmailAddress="someone@else.example", **mail)

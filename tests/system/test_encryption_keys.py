"""A stack with a key of its own (`DataKey=stack`): its stores, and the callers that the key lets in."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from tests.system.roles import acting_as, is_denied
from tools.stack import Stack
from tools.waiting import wait_for

KEY = "DataEncryptionKey"


@pytest.fixture
def key(stack: Stack) -> str:
    """The ARN of the stack's key."""
    if KEY not in stack.resources:
        pytest.skip("the stack has no key of its own (DataKey)")
    arn: str = stack.client("kms").describe_key(KeyId=stack.resource(KEY))["KeyMetadata"]["Arn"]
    return arn


class Mailbox:
    """A queue that a topic delivers to, with or without a key."""

    def __init__(self, stack: Stack, topic: str, key: str = "") -> None:
        self._sqs = stack.client("sqs")
        policy = {
            "Effect": "Allow",
            "Principal": {"Service": "sns.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": "*",
            "Condition": {"ArnEquals": {"aws:SourceArn": topic}},
        }
        attributes = {"Policy": json.dumps({"Version": "2012-10-17", "Statement": [policy]})}
        encryption = {"KmsMasterKeyId": key} if key else {}
        name = f"test-keys-{uuid4().hex[:12]}"
        self._url = self._sqs.create_queue(QueueName=name, Attributes=attributes | encryption)["QueueUrl"]
        arn = self._sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=["QueueArn"])
        stack.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn["Attributes"]["QueueArn"])

    def has_mail(self) -> bool:
        """Whether a message has come."""
        return bool(self._sqs.receive_message(QueueUrl=self._url, VisibilityTimeout=0).get("Messages"))

    def remove(self) -> None:
        """Deletes the queue."""
        self._sqs.delete_queue(QueueUrl=self._url)


@pytest.fixture
def delivered(stack: Stack, key: str) -> Iterator[Any]:
    """Publishes to a new topic of that name; whether its message came to a queue with the key."""
    sns, made = stack.client("sns"), []

    def publish(name: str) -> bool:
        topic = sns.create_topic(Name=name)["TopicArn"]
        made.append(lambda: sns.delete_topic(TopicArn=topic))
        with_key, without = Mailbox(stack, topic, key), Mailbox(stack, topic)
        made.extend([with_key.remove, without.remove])
        sns.publish(TopicArn=topic, Message="{}")
        wait_for(without.has_mail, "SNS to deliver", seconds=30)
        return with_key.has_mail()

    yield publish
    for remove in reversed(made):
        remove()


def test_every_store_of_the_stack_has_the_key(stack: Stack, key: str) -> None:
    dynamodb, sqs, sns, s3, logs = map(stack.client, ("dynamodb", "sqs", "sns", "s3", "logs"))

    def chosen(name: str, physical: str) -> str | None:
        if name.endswith("Table"):
            found = dynamodb.describe_table(TableName=physical)["Table"]["SSEDescription"]["KMSMasterKeyArn"]
        elif name.endswith("Queue") and not name.endswith("FunctionQueue"):  # which reads one
            attributes = sqs.get_queue_attributes(QueueUrl=physical, AttributeNames=["All"])["Attributes"]
            assert attributes.get("SqsManagedSseEnabled", "false") == "false", name
            found = attributes.get("KmsMasterKeyId")
        elif name.endswith("Topic"):
            found = sns.get_topic_attributes(TopicArn=physical)["Attributes"].get("KmsMasterKeyId")
        elif name.endswith("Bucket"):
            rules = s3.get_bucket_encryption(Bucket=physical)["ServerSideEncryptionConfiguration"]["Rules"]
            found = rules[0]["ApplyServerSideEncryptionByDefault"]["KMSMasterKeyID"]
        elif name.endswith(("LogGroup", "AccessLogs")):
            groups = logs.describe_log_groups(logGroupNamePrefix=physical)["logGroups"]
            found = next(group.get("kmsKeyId") for group in groups if group["logGroupName"] == physical)
        else:
            return None
        return str(found)

    found = {name: chosen(name, physical) for name, physical in stack.resources.items()}
    stores = {name: arn for name, arn in found.items() if arn is not None}
    assert len(stores) > 70
    assert {name: arn for name, arn in stores.items() if arn != key} == {}


def test_a_function_uses_the_key_by_way_of_its_store_and_not_directly(stack: Stack, key: str) -> None:
    with acting_as(stack, "CatalogRelayFunctionRole") as client:
        assert is_denied(client("kms").generate_data_key, KeyId=key, KeySpec="AES_256")
        assert is_denied(client("kms").encrypt, KeyId=key, Plaintext=b"a secret")
        # Nobody reads events of this type.
        kind = {"event_type": {"DataType": "String", "StringValue": "test.nothing"}}
        topic = stack.resource("DomainEventsTopic")
        assert not is_denied(client("sns").publish, TopicArn=topic, Message="{}", MessageAttributes=kind)


def test_the_topics_of_the_stack_alone_deliver_into_queues_with_the_key(stack: Stack, delivered: Any) -> None:
    assert delivered(f"{stack.name}-test-{uuid4().hex[:12]}")
    assert not delivered(f"test-{uuid4().hex[:12]}")

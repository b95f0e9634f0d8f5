"""A stack with a key of its own (`DataKey=stack`): its stores, and the callers that the key lets in."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError

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
    """A queue to which a service may send what comes from one of its resources, with or without a key."""

    def __init__(self, stack: Stack, service: str, source: str, *, key: str = "", name: str = "") -> None:
        self._sqs = stack.client("sqs")
        policy = {
            "Effect": "Allow",
            "Principal": {"Service": service},
            "Action": "sqs:SendMessage",
            "Resource": "*",
            "Condition": {"ArnEquals": {"aws:SourceArn": source}},
        }
        attributes = {"Policy": json.dumps({"Version": "2012-10-17", "Statement": [policy]})}
        encryption = {"KmsMasterKeyId": key} if key else {}
        name = name or f"test-keys-{uuid4().hex[:12]}"
        self._url = self._sqs.create_queue(QueueName=name, Attributes=attributes | encryption)["QueueUrl"]
        found = self._sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=["QueueArn"])
        self.arn: str = found["Attributes"]["QueueArn"]

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
        with_key, without = (Mailbox(stack, "sns.amazonaws.com", topic, key=each) for each in (key, ""))
        made.extend([with_key.remove, without.remove])
        for mailbox in (with_key, without):
            sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=mailbox.arn)
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


@pytest.mark.embedded_only("makes a bucket, and an operator's rights on AWS need not reach so far")
def test_uploads_reach_queues_with_the_key_that_are_the_stacks_alone(stack: Stack, key: str) -> None:
    s3, bucket, name = stack.client("s3"), f"test-keys-{uuid4().hex[:12]}", f"test-{uuid4().hex[:12]}"
    own, others = (
        Mailbox(stack, "s3.amazonaws.com", f"arn:aws:s3:::{bucket}", key=key, name=each)
        for each in (f"{stack.name}-{name}", name)
    )

    def notify(mailbox: Mailbox) -> None:
        target = {"QueueArn": mailbox.arn, "Events": ["s3:ObjectCreated:*"]}
        s3.put_bucket_notification_configuration(
            Bucket=bucket, NotificationConfiguration={"QueueConfigurations": [target]}
        )

    s3.create_bucket(Bucket=bucket)
    try:
        with pytest.raises(ClientError, match="Unable to validate the following destination"):
            notify(others)
        notify(own)
        s3.put_object(Bucket=bucket, Key="upload", Body=b"1")
        wait_for(own.has_mail, "S3 to deliver", seconds=30)
    finally:
        s3.delete_object(Bucket=bucket, Key="upload")
        s3.delete_bucket(Bucket=bucket)
        own.remove()
        others.remove()

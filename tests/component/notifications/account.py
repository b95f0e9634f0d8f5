"""A deployed notifications service in a pretended AWS: what arrives in its queues, and what its readers get."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module, reload
from pathlib import Path
from typing import Any

import boto3
import pytest
from aws_lambda_powertools.utilities.batch.exceptions import BatchProcessingError
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.ses.models import ses_backends

from notifications import dependencies as resources
from shared.events import Event

EVENTS = Path(__file__).parents[3] / "events"
SENDER = "orders@cartwright.example"
OPERATORS_MAIL = "operators@cartwright.example"
CONFIGURATION_SET = "mail"


def example(function: str) -> list[Event]:
    """The domain events in the function's example event."""
    records = json.loads((EVENTS / f"{function}.json").read_text())["Records"]
    return [Event.model_validate_json(record["body"]) for record in records]


CONFIRMED, REJECTED, REGISTERED, CANCELLED, FULFILLED, STOCK_LOW, REPORT_READY = example(
    "notifications_send_mail"
)


def sqs_bodies(function: str) -> list[str]:
    """The bodies of the messages in the function's example event."""
    return [record["body"] for record in json.loads((EVENTS / f"{function}.json").read_text())["Records"]]


BOUNCED, COMPLAINED = sqs_bodies("notifications_record_feedback")


def user_event(version: int, email: str, event_type: str = "user.changed", **data: Any) -> Event:
    """Something that became of the user of the example events."""
    return REGISTERED.model_copy(
        update={
            "event_id": f"{REGISTERED.aggregate_id}:{version}:{event_type}",
            "event_type": event_type,
            "aggregate_version": version,
            "data": {**REGISTERED.data, "email": email, **data},
        }
    )


def erased(version: int = 4) -> Event:
    """The end of the user of the example events."""
    return REGISTERED.model_copy(
        update={
            "event_id": f"{REGISTERED.aggregate_id}:{version}:user.deleted",
            "event_type": "user.deleted",
            "aggregate_version": version,
            "data": {"user_id": REGISTERED.aggregate_id},
        }
    )


def batch(*bodies: Event | str) -> dict[str, Any]:
    """An SQS batch with these bodies; its message ids are m0, m1 ..."""
    return {
        "Records": [
            {
                "messageId": f"m{position}",
                "receiptHandle": "handle",
                "body": body.model_dump_json() if isinstance(body, Event) else body,
                "attributes": {"ApproximateReceiveCount": "1"},
                "messageAttributes": {},
                "eventSource": "aws:sqs",
                "eventSourceARN": "arn:aws:sqs:eu-central-1:123456789012:queue",
                "awsRegion": "eu-central-1",
            }
            for position, body in enumerate(bodies)
        ]
    }


def failures(*message_ids: str) -> dict[str, Any]:
    return {"batchItemFailures": [{"itemIdentifier": identifier} for identifier in message_ids]}


def deliver(handler: Callable[..., Any], context: Any, *bodies: Event | str) -> Any:
    """What SQS makes of a batch: the messages that come again, all of them when the function raises."""
    try:
        return handler(batch(*bodies), context)
    except BatchProcessingError:
        return failures(*(f"m{position}" for position in range(len(bodies))))


@dataclass
class Service:
    """The deployed service: what it consumes, what it mailed and what it gave up."""

    dlq_url: str
    context: Any
    mail: Any
    addresses: Any
    feedback: Any

    def learn(self, *events: Event | str) -> Any:
        """Delivers a batch to the consumer of addresses."""
        return deliver(self.addresses.handler, self.context, *events)

    def tell(self, *events: Event | str) -> Any:
        """Delivers a batch to the consumer that mails."""
        return deliver(self.mail.handler, self.context, *events)

    def hear(self, *bodies: str) -> Any:
        """Delivers a batch to the consumer of what SES tells of sent mails."""
        return deliver(self.feedback.handler, self.context, *bodies)

    def addresses_table(self) -> list[dict[str, Any]]:
        """What is kept of whoever gets mail."""
        return boto3.client("dynamodb").scan(TableName="addresses")["Items"]

    @property
    def mails(self) -> list[tuple[str, str]]:
        """Recipient and subject of every mail that SES took."""
        messages = ses_backends[DEFAULT_ACCOUNT_ID]["eu-central-1"].sent_messages
        return [(message.destinations["ToAddresses"][0], message.subject) for message in messages]

    def dead_letters(self) -> list[tuple[str, str]]:
        """Body and reason of every message that was given up at once."""
        answer = boto3.client("sqs").receive_message(
            QueueUrl=self.dlq_url, MessageAttributeNames=["All"], MaxNumberOfMessages=10
        )
        return [
            (message["Body"], message["MessageAttributes"]["reason"]["StringValue"])
            for message in answer.get("Messages", [])
        ]


def make_table(name: str) -> None:
    boto3.client("dynamodb").create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
    )


def notifications_account(lambda_context: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    """The service in an empty account, until the end of the test."""
    make_table("addresses")
    make_table("sent")
    dlq_url = boto3.client("sqs").create_queue(QueueName="dead-letters")["QueueUrl"]
    boto3.client("ses").verify_email_identity(EmailAddress=SENDER)
    for name, value in {
        "TABLE_NAME": "addresses",
        "IDEMPOTENCY_TABLE_NAME": "sent",
        "MAIL_SENDER": SENDER,
        "MAIL_CONFIGURATION_SET": CONFIGURATION_SET,
        "OPERATORS_MAIL": OPERATORS_MAIL,
        "OPERATORS_LOCALE": "en",
        "DLQ_URL": dlq_url,
    }.items():
        monkeypatch.setenv(name, value)
    resources.address_book.cache_clear()
    resources.mailer.cache_clear()
    yield Service(
        dlq_url=dlq_url,
        context=lambda_context,
        mail=reload(import_module("notifications.functions.send_mail")),
        addresses=reload(import_module("notifications.functions.record_addresses")),
        feedback=reload(import_module("notifications.functions.record_feedback")),
    )
    resources.address_book.cache_clear()
    resources.mailer.cache_clear()

"""The notifications service in a pretended AWS, and the events that it consumes."""

from dataclasses import dataclass
from typing import Any

import boto3
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.ses.models import ses_backends

from shared.events import Event
from tests.component.batches import deliver, example_bodies, example_events

SENDER = "orders@cartwright.example"
OPERATORS_MAIL = "operators@cartwright.example"
CONFIGURATION_SET = "mail"

CONFIRMED, REJECTED, VERIFIED, CANCELLED, FULFILLED, STOCK_LOW, REPORT_READY, *_ = example_events(
    "notifications_send_mail.json"
)
REGISTERED = VERIFIED.model_copy(
    update={
        "event_id": f"{VERIFIED.aggregate_id}:1:user.registered",
        "event_type": "user.registered",
        "aggregate_version": 1,
    }
)
BOUNCED, COMPLAINED = example_bodies("notifications_record_feedback.json")


def user_event(version: int, email: str, event_type: str = "user.changed", **data: Any) -> Event:
    """A later event about the user of the example events."""
    return REGISTERED.model_copy(
        update={
            "event_id": f"{REGISTERED.aggregate_id}:{version}:{event_type}",
            "event_type": event_type,
            "aggregate_version": version,
            "data": {**REGISTERED.data, "email": email, **data},
        }
    )


def erased(version: int = 4) -> Event:
    """The erasure of the user of the example events."""
    return REGISTERED.model_copy(
        update={
            "event_id": f"{REGISTERED.aggregate_id}:{version}:user.deleted",
            "event_type": "user.deleted",
            "aggregate_version": version,
            "data": {"user_id": REGISTERED.aggregate_id},
        }
    )


@dataclass
class Service:
    """The deployed service: its functions, the mails that it sent and its dead letters."""

    dlq_url: str
    context: Any
    functions: dict[str, Any]

    def record_addresses(self, *events: Event | str) -> Any:
        """Delivers a batch to the function of that name."""
        return deliver(self.functions["record_addresses"].handler, self.context, *events)

    def send_mail(self, *events: Event | str) -> Any:
        """Delivers a batch to the function of that name."""
        return deliver(self.functions["send_mail"].handler, self.context, *events)

    def record_feedback(self, *bodies: str) -> Any:
        """Delivers a batch to the function of that name."""
        return deliver(self.functions["record_feedback"].handler, self.context, *bodies)

    def addresses(self) -> list[dict[str, Any]]:
        """All items of the table of addresses."""
        return boto3.client("dynamodb").scan(TableName="addresses")["Items"]

    def sent_records(self) -> list[dict[str, Any]]:
        """All items of the table of sent mails."""
        return boto3.client("dynamodb").scan(TableName="sent")["Items"]

    @property
    def mails(self) -> list[tuple[str, str]]:
        """Recipient and subject of every mail that SES took."""
        messages = ses_backends[DEFAULT_ACCOUNT_ID]["eu-central-1"].sent_messages
        return [(message.destinations["ToAddresses"][0], message.subject) for message in messages]

    def dead_letters(self) -> list[tuple[str, str]]:
        """Body and reason of every dead letter."""
        answer = boto3.client("sqs").receive_message(
            QueueUrl=self.dlq_url, MessageAttributeNames=["All"], MaxNumberOfMessages=10
        )
        return [
            (message["Body"], message["MessageAttributes"]["reason"]["StringValue"])
            for message in answer.get("Messages", [])
        ]

"""Notifications' consumers against a pretended AWS: what arrives in the queues, and what customers get."""

import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module, reload
from pathlib import Path
from typing import Any

import boto3
import pytest
from aws_lambda_powertools.utilities.batch.exceptions import BatchProcessingError
from aws_lambda_powertools.utilities.idempotency.exceptions import IdempotencyAlreadyInProgressError
from botocore.exceptions import ClientError
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.ses.models import ses_backends

from notifications import resources
from notifications.domain import Mail
from notifications.mailer import Mailer
from shared.events import Event
from shared.observability import logger

EVENTS = Path(__file__).parents[2] / "events"
SENDER = "orders@cartwright.example"


def example(function: str) -> list[Event]:
    """The domain events in the function's example event."""
    records = json.loads((EVENTS / f"{function}.json").read_text())["Records"]
    return [Event.model_validate_json(record["body"]) for record in records]


CONFIRMED, REJECTED = example("notifications_mail")
[REGISTERED] = example("notifications_addresses")


def user_event(version: int, email: str, event_type: str = "user.changed") -> Event:
    return REGISTERED.model_copy(
        update={
            "event_id": f"{REGISTERED.aggregate_id}:{version}:{event_type}",
            "event_type": event_type,
            "aggregate_version": version,
            "data": {**REGISTERED.data, "email": email},
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

    def learn(self, *events: Event | str) -> Any:
        """Delivers a batch to the consumer of addresses."""
        return deliver(self.addresses.handler, self.context, *events)

    def tell(self, *events: Event | str) -> Any:
        """Delivers a batch to the consumer that mails."""
        return deliver(self.mail.handler, self.context, *events)

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


@pytest.fixture
def service(aws: None, lambda_context: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    make_table("addresses")
    make_table("sent")
    dlq_url = boto3.client("sqs").create_queue(QueueName="dead-letters")["QueueUrl"]
    boto3.client("ses").verify_email_identity(EmailAddress=SENDER)
    for name, value in {
        "TABLE_NAME": "addresses",
        "IDEMPOTENCY_TABLE_NAME": "sent",
        "MAIL_SENDER": SENDER,
        "DLQ_URL": dlq_url,
    }.items():
        monkeypatch.setenv(name, value)
    resources.address_book.cache_clear()
    resources.mailer.cache_clear()
    yield Service(
        dlq_url=dlq_url,
        context=lambda_context,
        mail=reload(import_module("notifications.mail")),
        addresses=reload(import_module("notifications.addresses")),
    )
    resources.address_book.cache_clear()
    resources.mailer.cache_clear()


def test_a_confirmed_and_a_rejected_order_are_mailed_to_the_customers_address(service: Service):
    service.learn(REGISTERED)

    assert service.tell(CONFIRMED, REJECTED) == failures()

    assert service.mails == [
        ("ada@example.com", f"Your order {CONFIRMED.data['order_id']} is confirmed"),
        ("ada@example.com", f"We could not accept your order {REJECTED.data['order_id']}"),
    ]


def test_an_event_that_is_delivered_twice_is_mailed_once(service: Service):
    service.learn(REGISTERED)

    assert service.tell(CONFIRMED, CONFIRMED) == failures()
    assert service.tell(CONFIRMED) == failures()

    assert len(service.mails) == 1


def test_what_was_mailed_is_remembered_for_longer_than_dead_letters_are_kept(service: Service):
    service.learn(REGISTERED)
    service.tell(CONFIRMED)

    [record] = boto3.client("dynamodb").scan(TableName="sent")["Items"]
    from shared.clock import utc_now

    kept_days = (int(record["expires_at"]["N"]) - utc_now().timestamp()) / 86_400
    assert kept_days > 4 + 14


def test_a_customer_who_is_not_known_yet_is_mailed_at_a_later_try(service: Service):
    assert service.tell(CONFIRMED) == failures("m0")
    assert service.mails == []
    assert service.dead_letters() == []

    service.learn(REGISTERED)
    assert service.tell(CONFIRMED) == failures()
    assert len(service.mails) == 1


def test_of_two_deliveries_at_once_one_is_mailed_and_the_other_comes_again(
    service: Service, monkeypatch: pytest.MonkeyPatch
):
    service.learn(REGISTERED)
    send = Mailer.send
    refused: list[str] = []

    def send_while_delivered_again(mailer: Mailer, mail: Mail, to: str) -> str:
        with pytest.raises(IdempotencyAlreadyInProgressError) as refusal:
            service.mail.notify(CONFIRMED)
        refused.append(str(refusal.value))
        return send(mailer, mail, to)

    monkeypatch.setattr(Mailer, "send", send_while_delivered_again)

    assert service.tell(CONFIRMED) == failures()
    assert len(refused) == 1
    assert len(service.mails) == 1


def test_a_claim_that_died_with_its_invocation_does_not_cost_the_mail(
    service: Service, monkeypatch: pytest.MonkeyPatch
):
    """A function that is cut off between claim and mail leaves a claim that ends with the invocation's time."""
    service.learn(REGISTERED)

    class CutOff(BaseException):
        pass

    def die(*_: Any, **__: Any) -> str:
        raise CutOff

    with monkeypatch.context() as dying:
        dying.setattr(Mailer, "send", die)
        dying.setattr(type(service.context), "get_remaining_time_in_millis", lambda _: -1)
        with pytest.raises(CutOff):
            service.tell(CONFIRMED)
    assert service.mails == []

    assert service.tell(CONFIRMED) == failures()
    assert len(service.mails) == 1


def test_malformed_messages_go_to_the_dead_letters_with_a_reason_while_the_good_ones_are_done(
    service: Service,
):
    service.learn(REGISTERED)
    hollow = CONFIRMED.model_copy(update={"event_id": "hollow", "data": {"order_id": "ord_9"}})
    unasked = CONFIRMED.model_copy(update={"event_id": "unasked", "event_type": "order.placed"})

    assert service.tell("no json", hollow, unasked, CONFIRMED) == failures()

    assert len(service.mails) == 1
    reasons = dict(service.dead_letters())
    assert set(reasons) == {"no json", hollow.model_dump_json(), unasked.model_dump_json()}
    assert reasons["no json"].startswith("UnreadableMessage")
    assert reasons[hollow.model_dump_json()].startswith("ValidationError")
    assert reasons[unasked.model_dump_json()] == "UnexpectedEvent: order.placed"


def test_a_mail_that_ses_refuses_goes_to_the_dead_letters_and_is_sent_by_a_redrive(service: Service):
    service.learn(REGISTERED)
    boto3.client("ses").delete_identity(Identity=SENDER)

    assert service.tell(CONFIRMED) == failures()
    assert service.dead_letters() == [
        (CONFIRMED.model_dump_json(), "MailRefused: SES answered MessageRejected")
    ]

    boto3.client("ses").verify_email_identity(EmailAddress=SENDER)
    assert service.tell(CONFIRMED) == failures()
    assert len(service.mails) == 1


def test_a_mail_that_ses_is_too_busy_for_is_tried_again(service: Service, monkeypatch: pytest.MonkeyPatch):
    service.learn(REGISTERED)

    class BusySes:
        def send_email(self, **_: Any) -> dict[str, Any]:
            raise ClientError({"Error": {"Code": "TooManyRequestsException", "Message": ""}}, "SendEmail")

    with monkeypatch.context() as busy:
        busy.setattr("notifications.mail.mailer", lambda: Mailer(BusySes(), SENDER))
        assert service.tell(CONFIRMED) == failures("m0")
    assert service.dead_letters() == []

    assert service.tell(CONFIRMED) == failures()
    assert len(service.mails) == 1


def test_mail_goes_to_the_newest_address_in_whatever_order_changes_arrive(service: Service):
    assert (
        service.learn(user_event(3, "new@example.com"), REGISTERED, user_event(2, "old@example.com"))
        == failures()
    )

    service.tell(CONFIRMED)

    assert [to for to, _ in service.mails] == ["new@example.com"]


def erased(version: int = 4) -> Event:
    return REGISTERED.model_copy(
        update={
            "event_id": f"{REGISTERED.aggregate_id}:{version}:user.deleted",
            "event_type": "user.deleted",
            "aggregate_version": version,
            "data": {"user_id": REGISTERED.aggregate_id},
        }
    )


def test_an_erased_customer_leaves_no_address_and_gets_no_more_mail(service: Service):
    service.learn(REGISTERED)

    assert service.learn(erased()) == failures()
    assert service.tell(CONFIRMED, REJECTED) == failures()

    assert (service.mails, service.dead_letters()) == ([], [])
    [item] = boto3.client("dynamodb").scan(TableName="addresses")["Items"]
    assert set(item) == {"pk", "user_id", "version", "erased_at"}


@pytest.mark.parametrize("latecomers", [[REGISTERED], [user_event(3, "old@example.com"), REGISTERED]])
def test_what_comes_late_does_not_bring_an_erased_address_back(service: Service, latecomers: list[Event]):
    service.learn(erased(), *latecomers, erased())

    service.tell(CONFIRMED)

    assert service.mails == []
    assert "example.com" not in json.dumps(boto3.client("dynamodb").scan(TableName="addresses")["Items"])


def test_an_erasure_that_comes_before_the_registration_skips_the_mail_at_its_first_try(service: Service):
    service.learn(erased())

    assert service.tell(CONFIRMED) == failures()
    assert service.mails == []


def test_no_log_line_and_no_reason_holds_personal_data(service: Service, monkeypatch: pytest.MonkeyPatch):
    log = io.StringIO()
    monkeypatch.setattr(logger.registered_handler, "stream", log)

    service.learn(REGISTERED, user_event(2, "ada at example.com"), '{"email": "ada@example.com"}')
    service.tell(CONFIRMED, REJECTED.model_copy(update={"data": {"name": "Ada Lovelace"}}))

    reasons = [reason for _, reason in service.dead_letters()]
    assert len(reasons) == 3
    assert "event consumed" in log.getvalue()
    for personal in ("ada@example.com", "ada at example.com", "Lovelace"):
        assert personal not in log.getvalue() + " ".join(reasons)

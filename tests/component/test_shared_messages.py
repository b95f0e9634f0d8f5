"""From a table's stream to SNS, and from SQS to a consumer, with every failure in its place."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from aws_lambda_powertools.utilities.batch.exceptions import BatchProcessingError
from pydantic import BaseModel

from shared import outbox
from shared.aws import client
from shared.consumer import UnreadableMessage, consumer_handler, message_handler, read_event
from shared.dynamo import to_item
from shared.errors import PermanentError
from shared.events import Event
from shared.outbox import outbox_of, relay_handler
from shared.publisher import FailedEntry

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


def event(number: int, **data: Any) -> Event:
    return Event.of(
        "order.placed",
        aggregate_id=f"o-{number}",
        aggregate_version=1,
        occurred_at=NOW,
        correlation_id=f"c-{number}",
        data=data,
    )


# From a table's stream to SNS


class FakePublisher:
    """A publisher whose topic refuses the events named in `refused`."""

    refused: tuple[str, ...] = ()
    published: list[str]

    def __init__(self, _sns: Any, _topic_arn: str) -> None:
        FakePublisher.published = []

    def publish(self, events: list[Event]) -> list[FailedEntry]:
        failed = [entry for entry in events if entry.aggregate_id in self.refused]
        FakePublisher.published += [entry.aggregate_id for entry in events if entry not in failed]
        return [FailedEntry(entry, "InternalError: try again") for entry in failed]


@pytest.fixture
def relay(aws: None, monkeypatch: pytest.MonkeyPatch, lambda_context: Any) -> Any:
    """A relay to a topic that refuses what it is told to."""
    monkeypatch.setenv("TOPIC_ARN", "arn:aws:sns:eu-central-1:123456789012:domain-events")
    monkeypatch.setattr(outbox, "EventPublisher", FakePublisher)
    monkeypatch.setattr(FakePublisher, "refused", ())
    handler = relay_handler()
    return lambda records: handler({"Records": records}, lambda_context)


def changed(number: int) -> dict[str, Any]:
    """The stream's record that item `number` was written with one event."""
    return {
        "eventID": str(number),
        "eventName": "INSERT",
        "eventSource": "aws:dynamodb",
        "dynamodb": {
            "SequenceNumber": f"{number:03}",
            "NewImage": to_item({"pk": f"o-{number}", "outbox": outbox_of([event(number)])}),
        },
    }


def test_the_relay_publishes_every_records_events(relay: Any) -> None:
    assert relay([changed(1), changed(2)]) == {"batchItemFailures": []}
    assert FakePublisher.published == ["o-1", "o-2"]


def test_a_record_whose_event_did_not_go_out_is_delivered_again(
    relay: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FakePublisher, "refused", ("o-2",))
    assert relay([changed(1), changed(2), changed(3)]) == {"batchItemFailures": [{"itemIdentifier": "002"}]}


def test_a_batch_of_which_nothing_went_out_fails_as_a_whole(
    relay: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FakePublisher, "refused", ("o-1",))
    with pytest.raises(BatchProcessingError, match=r"o-1:1:order\.placed: InternalError"):
        relay([changed(1)])


def test_a_service_may_derive_further_events_from_a_record(
    aws: None, monkeypatch: pytest.MonkeyPatch, lambda_context: Any
) -> None:
    monkeypatch.setenv("TOPIC_ARN", "arn:aws:sns:eu-central-1:123456789012:domain-events")
    monkeypatch.setattr(outbox, "EventPublisher", FakePublisher)
    handler = relay_handler(lambda record: [*outbox.unpublished(record), event(99)])
    handler({"Records": [changed(1)]}, lambda_context)
    assert FakePublisher.published == ["o-1", "o-99"]


# From SQS to a consumer


class Wanted(BaseModel):
    sku: str


@pytest.fixture
def dead_letters(aws: None, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[dict[str, Any]]]:
    """Reads what lies in the dead-letter queue at DLQ_URL."""
    url = client("sqs").create_queue(QueueName="dead-letters")["QueueUrl"]
    monkeypatch.setenv("DLQ_URL", url)

    def read() -> list[dict[str, Any]]:
        answer = client("sqs").receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
        )
        messages: list[dict[str, Any]] = answer.get("Messages", [])
        return messages

    return read


def message(number: int, body: str) -> dict[str, Any]:
    return {
        "messageId": f"m-{number}",
        "receiptHandle": "r",
        "body": body,
        "attributes": {},
        "messageAttributes": {},
        "eventSource": "aws:sqs",
    }


def raw(number: int, **data: Any) -> dict[str, Any]:
    return message(number, event(number, **data).model_dump_json())


def test_an_event_is_read_raw_and_inside_the_envelope_of_sns() -> None:
    body = event(1, sku="MUG").model_dump_json()
    envelope = json.dumps({"Type": "Notification", "MessageId": "n", "Message": body})
    assert read_event(body) == read_event(envelope) == event(1, sku="MUG")


@pytest.mark.parametrize(
    "body", ["", "no json", "[]", "null", "{}", '{"Type": "Notification"}', '{"event_id": "o-1"}']
)
def test_what_is_no_event_is_unreadable(body: str) -> None:
    with pytest.raises(UnreadableMessage):
        read_event(body)


def test_a_consumer_gets_every_event_of_the_batch(dead_letters: Any, lambda_context: Any) -> None:
    seen: list[Event] = []
    answer = consumer_handler(seen.append)({"Records": [raw(1), raw(2)]}, lambda_context)
    assert answer == {"batchItemFailures": []}
    assert seen == [event(1), event(2)]
    assert dead_letters() == []


def test_an_event_that_fails_is_delivered_again_alone(dead_letters: Any, lambda_context: Any) -> None:
    seen: list[str] = []

    def consume(incoming: Event) -> None:
        if incoming.aggregate_id == "o-2":
            raise ConnectionError
        seen.append(incoming.aggregate_id)

    answer = consumer_handler(consume)({"Records": [raw(1), raw(2), raw(3)]}, lambda_context)
    assert answer == {"batchItemFailures": [{"itemIdentifier": "m-2"}]}
    assert seen == ["o-1", "o-3"]
    assert dead_letters() == []


def never(_: Event) -> None:
    raise PermanentError("no such customer")


def reads_data(incoming: Event) -> None:
    Wanted.model_validate(incoming.data)


@pytest.mark.parametrize(
    ("consume", "body", "reason"),
    [
        (never, event(1).model_dump_json(), "PermanentError: no such customer"),
        (reads_data, event(1).model_dump_json(), "ValidationError: 1 validation error for Wanted"),
        (never, "no json", "UnreadableMessage: not a domain event"),
    ],
)
def test_a_message_that_can_never_succeed_goes_to_the_dead_letters_at_once_with_the_reason(
    dead_letters: Any, lambda_context: Any, consume: Callable[[Event], None], body: str, reason: str
) -> None:
    answer = consumer_handler(consume)({"Records": [message(1, body)]}, lambda_context)
    assert answer == {"batchItemFailures": []}
    (buried,) = dead_letters()
    assert buried["Body"] == body
    assert buried["MessageAttributes"]["reason"]["StringValue"].startswith(reason)
    assert buried["MessageAttributes"]["source_message_id"]["StringValue"] == "m-1"


def test_a_message_that_could_not_be_buried_is_not_lost(
    aws: None, monkeypatch: pytest.MonkeyPatch, lambda_context: Any
) -> None:
    monkeypatch.setenv("DLQ_URL", "https://sqs.eu-central-1.amazonaws.com/123456789012/no-such-queue")
    with pytest.raises(BatchProcessingError):
        consumer_handler(never)({"Records": [raw(1)]}, lambda_context)


def test_messages_that_are_no_domain_events_are_taken_as_they_are_with_the_same_care(
    dead_letters: Any, lambda_context: Any
) -> None:
    seen: list[str] = []

    def take(body: str) -> None:
        seen.append(body)
        if body == "never":
            raise PermanentError("no such mail")
        if body == "later":
            raise RuntimeError("try again")

    records = [message(number, body) for number, body in enumerate(("no event", "never", "later"))]
    answer = message_handler(take)({"Records": records}, lambda_context)

    assert seen == ["no event", "never", "later"]
    assert answer == {"batchItemFailures": [{"itemIdentifier": "m-2"}]}
    (buried,) = dead_letters()
    assert buried["MessageAttributes"]["reason"]["StringValue"] == "PermanentError: no such mail"


def test_a_consumers_logs_carry_the_events_correlation_id(
    dead_letters: Any, lambda_context: Any, logged: Any
) -> None:
    consumer_handler(lambda _: None)({"Records": [raw(1), raw(2)]}, lambda_context)
    assert [line["correlation_id"] for line in logged("event consumed")] == ["c-1", "c-2"]

"""From SQS to a consumer, with every failure in its place."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import BaseModel

from shared.aws import client
from shared.consumer import (
    TRIES_OF_AN_UNKNOWN_VERSION,
    NothingConsumed,
    UnreadableMessage,
    consumer_handler,
    message_handler,
    read_event,
)
from shared.errors import PermanentError
from shared.events import Event
from shared.outbox import outbox_of
from tests.made_up import made_up_event

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


def event(number: int, **data: Any) -> Event:
    return made_up_event(
        "order.placed",
        aggregate_id=f"o-{number}",
        aggregate_version=1,
        occurred_at=NOW,
        correlation_id=f"c-{number}",
        data=data,
    )


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


def message(number: int, body: str, receives: int = 1) -> dict[str, Any]:
    return {
        "messageId": f"m-{number}",
        "receiptHandle": "r",
        "body": body,
        "attributes": {"ApproximateReceiveCount": str(receives)},
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
    answer = consumer_handler({"order.placed": seen.append})({"Records": [raw(1), raw(2)]}, lambda_context)
    assert answer == {"batchItemFailures": []}
    assert seen == [event(1), event(2)]
    assert dead_letters() == []


def test_an_event_that_fails_is_delivered_again_alone(dead_letters: Any, lambda_context: Any) -> None:
    seen: list[str] = []

    def consume(incoming: Event) -> None:
        if incoming.aggregate_id == "o-2":
            raise ConnectionError
        seen.append(incoming.aggregate_id)

    answer = consumer_handler({"order.placed": consume})(
        {"Records": [raw(1), raw(2), raw(3)]}, lambda_context
    )
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
    answer = consumer_handler({"order.placed": consume})({"Records": [message(1, body)]}, lambda_context)
    assert answer == {"batchItemFailures": []}
    (letter,) = dead_letters()
    assert letter["Body"] == body
    assert letter["MessageAttributes"]["reason"]["StringValue"].startswith(reason)
    assert letter["MessageAttributes"]["source_message_id"]["StringValue"] == "m-1"


def test_a_message_that_cannot_reach_the_dead_letters_is_not_lost(
    aws: None, monkeypatch: pytest.MonkeyPatch, lambda_context: Any
) -> None:
    monkeypatch.setenv("DLQ_URL", "https://sqs.eu-central-1.amazonaws.com/123456789012/no-such-queue")
    with pytest.raises(NothingConsumed):
        consumer_handler({"order.placed": never})({"Records": [raw(1)]}, lambda_context)


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
    (letter,) = dead_letters()
    assert letter["MessageAttributes"]["reason"]["StringValue"] == "PermanentError: no such mail"


def test_a_consumers_logs_carry_the_events_correlation_id(
    dead_letters: Any, lambda_context: Any, logged: Any
) -> None:
    consumer_handler({"order.placed": lambda _: None})({"Records": [raw(1), raw(2)]}, lambda_context)
    assert [line["correlation_id"] for line in logged("event consumed")] == ["c-1", "c-2"]


def test_while_an_event_is_consumed_it_is_the_cause_of_what_is_logged_and_published(
    dead_letters: Any, lambda_context: Any, logged: Any
) -> None:
    published: list[str] = []

    def consume(incoming: Event) -> None:
        published.extend(outbox_of([event(7)])["outbox"])

    consumer_handler({"order.placed": consume})({"Records": [raw(1), raw(2)]}, lambda_context)

    causes = ["o-1:1:order.placed", "o-2:1:order.placed"]
    assert [Event.model_validate_json(entry).causation_id for entry in published] == causes
    assert [line["causation_id"] for line in logged("event consumed")] == causes


def test_of_what_a_consumer_does_not_declare_a_type_is_dropped_and_a_version_kept_as_a_dead_letter(
    dead_letters: Any, lambda_context: Any, logged: Any
) -> None:
    seen: list[tuple[str, Event]] = []
    handler = consumer_handler(
        {
            "order.placed": {
                1: lambda incoming: seen.append(("first", incoming)),
                2: lambda incoming: seen.append(("second", incoming)),
            }
        }
    )
    second, third = (event(1).model_copy(update={"event_version": version}) for version in (2, 3))
    other = event(1).model_copy(update={"event_type": "order.praised"})
    bodies = [entry.model_dump_json() for entry in (event(1), second, third, other)]

    def deliver(receives: int) -> Any:
        records = [message(number, body, receives) for number, body in enumerate(bodies)]
        return handler({"Records": records}, lambda_context)

    # The deployment that brings the version may be under way.
    assert deliver(receives=1) == {"batchItemFailures": [{"itemIdentifier": "m-2"}]}
    assert dead_letters() == []
    assert seen == [("first", event(1)), ("second", second)]
    [dropped] = logged("event is not read here; dropped")
    assert (dropped["event_type"], dropped["correlation_id"]) == ("order.praised", "c-1")

    assert deliver(receives=TRIES_OF_AN_UNKNOWN_VERSION) == {"batchItemFailures": []}
    assert {
        letter["Body"]: letter["MessageAttributes"]["reason"]["StringValue"] for letter in dead_letters()
    } == {
        bodies[2]: "UnknownVersion: version 3 of order.placed is not known here",
    }


def test_a_reason_that_quotes_what_sqs_does_not_take_is_still_recorded(
    dead_letters: Any, lambda_context: Any
) -> None:
    def quoting(incoming: Event) -> None:
        raise PermanentError(f"no such customer: {incoming.data['name']}")

    body = json.dumps({**event(1).model_dump(), "data": {"name": "\x00\ud800"}})
    consumer_handler({"order.placed": quoting})(
        {"Records": [message(1, body), raw(2, name="x")]}, lambda_context
    )
    assert len(dead_letters()) == 2

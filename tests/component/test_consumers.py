"""The rules for every consumer of the template: a bad message stops no other and has its reason.

Every function with a queue in the template is a consumer. What one does with a good event is its own tests' business:
here its functions are replaced by one that remembers what it was given.
"""

import importlib
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import pytest

from shared.aws import client
from shared.consumer import TRIES_OF_AN_UNKNOWN_VERSION, ConsumerHandler
from shared.events import Event
from tests.component.conftest import FakeLambdaContext
from tests.faults.template import ROOT, Template


@cache
def template() -> Template:
    return Template()


# The archive's rule lets all but users' events through; its own tests are in tests/component/archive.
SUBSCRIBERS: dict[str, frozenset[str]] = {}
for sent, function in template().consumers:
    if isinstance(sent, frozenset):
        # A consumer of both topics has two subscriptions.
        SUBSCRIBERS[function] = SUBSCRIBERS.get(function, frozenset()) | sent
DONE: dict[str, Any] = {"batchItemFailures": []}


@dataclass
class Consumer:
    """A consumer with the shipped handler, whose functions only remember."""

    module: Any
    handler: ConsumerHandler
    letters_url: str
    seen: list[Event] = field(default_factory=list)

    def take(self, *bodies: str, receives: int = 1, label: dict[str, str] | None = None) -> Any:
        """The handler's answer to a batch of these messages, which SQS delivers for the so many-th time.

        `label` is the attribute that a filter compared, as Lambda delivers it.
        """
        records = [
            {
                "messageId": f"m-{number}",
                "receiptHandle": "r",
                "body": body,
                "attributes": {"ApproximateReceiveCount": str(receives)},
                "messageAttributes": {"event_type": label} if label else {},
                "eventSource": "aws:sqs",
            }
            for number, body in enumerate(bodies)
        ]
        return self.module.handler({"Records": records}, FakeLambdaContext())

    def letters(self) -> dict[str, str]:
        """The reason of each dead letter, by its body."""
        answer = client("sqs").receive_message(
            QueueUrl=self.letters_url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
        )
        return {
            letter["Body"]: letter["MessageAttributes"]["reason"]["StringValue"]
            for letter in answer.get("Messages", [])
        }

    def event(self, number: int = 1, **changes: Any) -> str:
        """The body of a good event that the consumer reads, or one that differs from it by `changes`."""
        event_type = sorted(self.handler.reads)[0]
        version = min(self.handler.reads[event_type])
        event = Event(
            event_id=f"a-{number}:1:{event_type}",
            event_type=event_type,
            event_version=version,
            occurred_at="2026-03-02T09:30:00.000Z",
            aggregate_id=f"a-{number}",
            aggregate_version=1,
            correlation_id="c-1",
            data={},
        )
        return event.model_copy(update=changes).model_dump_json()


@pytest.fixture(params=sorted(SUBSCRIBERS))
def consumer(
    request: pytest.FixtureRequest, aws: None, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Consumer]:
    function = template().functions[request.param]
    for name, value in function.environment.items():
        monkeypatch.setenv(name, value)
    letters = client("sqs").create_queue(QueueName="letters")["QueueUrl"]
    monkeypatch.setenv("DLQ_URL", letters)
    sys.modules.pop(function.module, None)
    module = importlib.import_module(function.module)
    [handler] = {value for value in vars(module).values() if isinstance(value, ConsumerHandler)}
    consumer = Consumer(module, handler, letters)
    for versions in handler._functions.values():
        for version in versions:
            versions[version] = consumer.seen.append
    yield consumer
    # The next test shall have it as it is shipped.
    del sys.modules[function.module]


def test_the_template_has_consumers() -> None:
    assert len(SUBSCRIBERS) >= 10


def test_it_declares_the_types_that_its_subscription_lets_through(
    consumer: Consumer, request: pytest.FixtureRequest
) -> None:
    name = request.node.callspec.params["consumer"]
    assert set(consumer.handler.reads) == SUBSCRIBERS[name]
    assert all(consumer.handler.reads.values())


def test_it_has_an_example_that_it_reads(request: pytest.FixtureRequest, consumer: Consumer) -> None:
    module = template().functions[request.node.callspec.params["consumer"]].module
    example = ROOT / "events" / f"{module.replace('.functions.', '_')}.json"
    bodies = [record["body"] for record in json.loads(example.read_text())["Records"]]
    assert consumer.take(*bodies) == DONE
    assert [event.model_dump() for event in consumer.seen] == [json.loads(body) for body in bodies]


def test_what_is_no_event_is_a_dead_letter_at_once(consumer: Consumer) -> None:
    bodies = [" ", "no json", "[]", "null", "{}", '{"event_id": "a"}', '{"Type": "Notification"}', "[" * 9999]
    assert consumer.take(*bodies) == DONE
    letters = consumer.letters()
    assert set(letters) == set(bodies)
    assert all(reason.startswith("UnreadableMessage: not a domain event") for reason in letters.values())
    assert consumer.seen == []


def test_an_event_of_a_type_that_it_no_longer_reads_is_dropped(consumer: Consumer) -> None:
    """SNS filters as before the deployment for up to 15 minutes."""
    assert consumer.take(consumer.event(event_type="order.praised"), consumer.event()) == DONE
    assert consumer.letters() == {}
    assert consumer.seen == [Event.model_validate_json(consumer.event())]


def test_an_event_of_a_version_to_come_waits_for_its_deployment_and_is_then_a_dead_letter(
    consumer: Consumer, request: pytest.FixtureRequest
) -> None:
    body = consumer.event(event_version=99)
    for receives in range(1, TRIES_OF_AN_UNKNOWN_VERSION):
        assert consumer.take(consumer.event(), body, receives=receives) == {
            "batchItemFailures": [{"itemIdentifier": "m-1"}]
        }
    assert consumer.letters() == {}

    assert consumer.take(body, receives=TRIES_OF_AN_UNKNOWN_VERSION) == DONE
    [(kept, reason)] = consumer.letters().items()
    assert kept == body
    assert reason.startswith("UnknownVersion: version 99 of ")
    # SQS itself gives up later than the consumer, or the reason would be lost.
    assert template().receives[request.node.callspec.params["consumer"]] > TRIES_OF_AN_UNKNOWN_VERSION


def test_it_reads_an_event_raw_and_in_the_envelope_of_sns(consumer: Consumer) -> None:
    envelope = {"Type": "Notification", "MessageId": "n", "TopicArn": "t", "Message": consumer.event()}
    assert consumer.take(consumer.event(), json.dumps(envelope)) == DONE
    assert consumer.seen == [Event.model_validate_json(consumer.event())] * 2
    assert consumer.letters() == {}


def test_an_event_comes_with_its_own_type_as_its_label(consumer: Consumer) -> None:
    label = {"stringValue": sorted(consumer.handler.reads)[0], "dataType": "String"}
    assert consumer.take(consumer.event(), label=label) == DONE
    assert consumer.seen == [Event.model_validate_json(consumer.event())]
    assert consumer.letters() == {}


@pytest.mark.parametrize("in_envelope", [False, True])
def test_an_event_behind_the_label_of_another_type_is_a_dead_letter(
    consumer: Consumer, *, in_envelope: bool
) -> None:
    """A filter compares the label alone; a publisher that was taken over writes what it likes behind it."""
    body = consumer.event()
    if in_envelope:
        body = json.dumps({"Type": "Notification", "Message": body})
    own = sorted(consumer.handler.reads)[0]
    labels: list[dict[str, str]] = [
        {"stringValue": "order.praised", "dataType": "String"},
        {"stringValue": f'["order.praised", "{own}"]', "dataType": "String.Array"},
        {"binaryValue": "b3JkZXIucHJhaXNlZA==", "dataType": "Binary"},
    ]
    for label in labels:
        assert consumer.take(body, label=label) == DONE
        [(kept, reason)] = consumer.letters().items()
        assert kept == body
        assert reason.startswith("MislabelledEvent: ")
    assert consumer.seen == []


def test_a_mislabelled_event_keeps_its_label_when_an_operator_gives_it_back(consumer: Consumer) -> None:
    label = {"stringValue": "order.praised", "dataType": "String"}
    consumer.take(consumer.event(), label=label)
    answer = client("sqs").receive_message(QueueUrl=consumer.letters_url, MessageAttributeNames=["All"])
    [letter] = answer["Messages"]
    assert letter["MessageAttributes"]["event_type"]["StringValue"] == "order.praised"


def test_two_bad_messages_of_ten_are_dead_letters_and_the_other_eight_are_done(consumer: Consumer) -> None:
    good = [consumer.event(number) for number in range(8)]
    bad = ["no event", consumer.event(9, event_version=99)]
    batch = [*good[:3], bad[0], *good[3:6], bad[1], *good[6:]]
    assert consumer.take(*batch, receives=TRIES_OF_AN_UNKNOWN_VERSION) == DONE
    assert [event.model_dump_json() for event in consumer.seen] == good
    assert set(consumer.letters()) == set(bad)

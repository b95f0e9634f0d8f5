"""From a table's stream to SNS: in order, in few requests, past what can never be published, and nothing lost."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from shared import relay as module
from shared.aws import client
from shared.dynamo import to_item
from shared.events import Event
from shared.outbox import unpublished
from shared.relay import NotPublished, relay_handler
from tests.made_up import made_up_event

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
MADE = 1_772_443_800


def event(aggregate: str, version: int = 1, **data: Any) -> Event:
    return made_up_event(
        "order.placed",
        aggregate_id=aggregate,
        aggregate_version=version,
        occurred_at=NOW,
        correlation_id=f"c-{aggregate}",
        data=data,
    )


def changed(number: int, *events: Event, outbox: Any = None) -> dict[str, Any]:
    """The stream's record number `number`: an item was written with the events."""
    new = {
        "pk": f"item-{number}",
        "outbox": [event.model_dump_json() for event in events] if outbox is None else outbox,
    }
    return {
        "eventID": f"change-{number}",
        "eventName": "INSERT",
        "eventSource": "aws:dynamodb",
        "dynamodb": {
            "ApproximateCreationDateTime": MADE + number,
            "SequenceNumber": f"{number:03}",
            "NewImage": to_item(new),
        },
    }


class FakeSns:
    """SNS that refuses events by their ids, for now or for ever, and takes requests until it is `away`."""

    def __init__(self) -> None:
        self.for_now: set[str] = set()
        self.for_ever: set[str] = set()
        self.away = False
        self.requests: list[list[str]] = []

    def publish_batch(self, *, TopicArn: str, PublishBatchRequestEntries: list[dict[str, Any]]) -> Any:  # noqa: N803
        if self.away:
            error: Any = {"Error": {"Code": "InternalError", "Message": "SNS is away"}}
            raise ClientError(error, "PublishBatch")
        entries = {
            entry["Id"]: json.loads(entry["Message"])["event_id"] for entry in PublishBatchRequestEntries
        }
        failed = [
            {"Id": number, "Code": code, "Message": "refused", "SenderFault": code == "InvalidParameter"}
            for number, name in entries.items()
            for code, refused in (("InternalError", self.for_now), ("InvalidParameter", self.for_ever))
            if name in refused
        ]
        lost = {entry["Id"] for entry in failed}
        self.requests.append([name for number, name in entries.items() if number not in lost])
        return {"Successful": [], "Failed": failed}

    @property
    def published(self) -> list[str]:
        return [name for request in self.requests for name in request]


type Relay = Callable[..., dict[str, Any]]
type Letters = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def sns(aws: None, monkeypatch: pytest.MonkeyPatch) -> FakeSns:
    fake, real = FakeSns(), client
    monkeypatch.setattr(module, "client", lambda service: fake if service == "sns" else real(service))
    return fake


@pytest.fixture
def letters(aws: None, monkeypatch: pytest.MonkeyPatch) -> Letters:
    """Reads the relays' dead letters, and leaves them."""
    url = client("sqs").create_queue(QueueName="relay-letters")["QueueUrl"]
    monkeypatch.setenv("DLQ_URL", url)
    monkeypatch.setenv("TOPIC_ARN", "arn:aws:sns:eu-central-1:123456789012:domain-events")
    return lambda: (
        client("sqs")
        .receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0, MessageAttributeNames=["All"]
        )
        .get("Messages", [])
    )


@pytest.fixture
def relay(sns: FakeSns, letters: Letters, lambda_context: Any) -> Relay:
    handler = relay_handler("order")
    return lambda *records: handler({"Records": list(records)}, lambda_context)


DONE: dict[str, Any] = {"batchItemFailures": []}


def from_record(number: int) -> dict[str, Any]:
    return {"batchItemFailures": [{"itemIdentifier": f"{number:03}"}]}


def test_a_whole_batch_goes_out_in_as_few_requests_as_can_be(relay: Relay, sns: FakeSns) -> None:
    assert relay(*(changed(number, event(f"o-{number}")) for number in range(25))) == DONE
    assert [len(request) for request in sns.requests] == [10, 10, 5]


def test_events_of_one_aggregate_never_share_a_request_and_keep_their_order(
    relay: Relay, sns: FakeSns
) -> None:
    records = [changed(number, event("hot", number)) for number in range(1, 4)]
    records += [changed(number, event(f"o-{number}")) for number in range(4, 20)]
    assert relay(*records) == DONE
    assert len(sns.requests) == 3
    assert [name for name in sns.published if name.startswith("hot")] == [
        f"hot:{version}:order.placed" for version in (1, 2, 3)
    ]
    assert all(sum(name.startswith("hot") for name in request) == 1 for request in sns.requests)


def test_an_event_that_fails_for_now_holds_up_its_own_aggregate_alone(relay: Relay, sns: FakeSns) -> None:
    sns.for_now = {"a:1:order.placed"}
    answer = relay(
        changed(1, event("b")), changed(2, event("a", 1)), changed(3, event("a", 2)), changed(4, event("c"))
    )
    assert answer == from_record(2)
    assert set(sns.published) == {"b:1:order.placed", "c:1:order.placed"}


def test_what_failed_goes_out_in_order_at_the_next_delivery(relay: Relay, sns: FakeSns) -> None:
    sns.for_now = {"a:1:order.placed"}
    records = [changed(1, event("b")), changed(2, event("a", 1)), changed(3, event("a", 2))]
    relay(*records)
    sns.for_now = set()
    assert relay(*records[1:]) == DONE
    assert sns.published == ["b:1:order.placed", "a:1:order.placed", "a:2:order.placed"]


def test_a_batch_that_got_nowhere_fails_as_a_whole(relay: Relay, sns: FakeSns, letters: Letters) -> None:
    sns.away = True
    with pytest.raises(NotPublished, match="SNS is away"):
        relay(changed(1, event("a")), changed(2, event("b")))
    assert letters() == []


@pytest.mark.parametrize(
    "outbox", [["no json"], ["{}"], ["[]"], "no list", [event("a").model_dump_json(), 7]]
)
def test_a_record_that_cannot_be_read_is_set_aside_whole_and_the_stream_goes_on(
    relay: Relay, sns: FakeSns, letters: Letters, outbox: Any
) -> None:
    poison = changed(2, outbox=outbox)
    assert relay(changed(1, event("a")), poison, changed(3, event("b"))) == DONE
    assert set(sns.published) == {"a:1:order.placed", "b:1:order.placed"}
    [letter] = letters()
    assert json.loads(letter["Body"]) == poison
    assert letter["MessageAttributes"]["reason"]["StringValue"]


def test_an_event_that_sns_refuses_for_what_it_is_is_set_aside_with_the_reason(
    relay: Relay, sns: FakeSns, letters: Letters
) -> None:
    sns.for_ever = {"a:1:order.placed"}
    poison = changed(1, event("a", 1), event("a", 2))
    assert relay(poison, changed(2, event("a", 3))) == DONE
    assert sns.published == ["a:2:order.placed", "a:3:order.placed"]
    [letter] = letters()
    assert json.loads(letter["Body"]) == poison
    attributes = {name: value["StringValue"] for name, value in letter["MessageAttributes"].items()}
    assert attributes == {
        "reason": "InvalidParameter: refused",
        "event_id": "a:1:order.placed",
        "event_type": "order.placed",
        "aggregate_id": "a",
        "correlation_id": "c-a",
        "causation_id": "change-1",
    }


def test_an_event_too_large_for_sns_is_set_aside_and_spoils_no_request(
    relay: Relay, sns: FakeSns, letters: Letters
) -> None:
    poison = changed(2, event("large", padding="é" * 140_000))
    assert relay(changed(1, event("a")), poison, changed(3, event("b"))) == DONE
    assert set(sns.published) == {"a:1:order.placed", "b:1:order.placed"}
    [letter] = letters()
    assert json.loads(letter["Body"]) == poison
    assert "262144 bytes" in letter["MessageAttributes"]["reason"]["StringValue"]


def test_poison_behind_a_failure_is_set_aside_once_the_failure_is_over(
    relay: Relay, sns: FakeSns, letters: Letters
) -> None:
    sns.for_now = {"b:1:order.placed"}
    records = [changed(1, event("a")), changed(2, event("b")), changed(3, outbox=["poison"])]
    assert relay(*records) == from_record(2)
    assert letters() == []
    sns.for_now = set()
    assert relay(*records[1:]) == DONE
    assert len(letters()) == 1


def test_poison_that_cannot_be_set_aside_is_not_lost(
    sns: FakeSns, letters: Letters, monkeypatch: pytest.MonkeyPatch, lambda_context: Any
) -> None:
    monkeypatch.setenv("DLQ_URL", "https://sqs.eu-central-1.amazonaws.com/123456789012/no-such-queue")
    records = [changed(1, event("a")), changed(2, outbox=["poison"])]
    assert relay_handler("order")({"Records": records}, lambda_context) == from_record(2)


def test_a_record_larger_than_sqs_takes_is_set_aside_without_its_old_image(
    relay: Relay, letters: Letters
) -> None:
    poison = changed(1, outbox=["x" * 390_000])
    poison["dynamodb"]["OldImage"] = to_item({"pk": "item-1", "outbox": ["é" * 190_000]})
    assert relay(poison) == DONE
    [letter] = letters()
    del poison["dynamodb"]["OldImage"]
    assert json.loads(letter["Body"]) == poison


@pytest.mark.parametrize("forged", ["user.deleted", "orders.placed", "order"])
def test_a_relay_publishes_nothing_about_another_services_aggregate(
    relay: Relay, sns: FakeSns, letters: Letters, forged: str
) -> None:
    """A function that can write the service's table makes no other service obey."""
    foreign = event("u-1").model_copy(update={"event_type": forged})
    assert relay(changed(1, event("a"), foreign), changed(2, event("b"))) == DONE
    assert sns.published == ["b:1:order.placed"]
    [letter] = letters()
    assert letter["MessageAttributes"]["reason"]["StringValue"].startswith(f"ForeignEvent: {forged}")


def test_a_service_may_derive_further_events_from_a_record(
    sns: FakeSns, letters: Letters, lambda_context: Any
) -> None:
    handler = relay_handler("order", lambda record: [*unpublished(record), event("derived")])
    handler({"Records": [changed(1, event("a"))]}, lambda_context)
    assert sns.published == ["a:1:order.placed", "derived:1:order.placed"]


def test_the_log_records_the_cause_of_each_event(relay: Relay, logged: Any) -> None:
    caused = event("b").model_copy(update={"causation_id": "request-1"})
    relay(changed(1, event("a")), changed(2, caused))
    assert [
        (line["event_id"], line["correlation_id"], line["causation_id"]) for line in logged("event published")
    ] == [
        ("a:1:order.placed", "c-a", "change-1"),
        ("b:1:order.placed", "c-b", "request-1"),
    ]

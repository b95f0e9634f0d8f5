"""Events go to SNS in batches that fit, and every entry's result counts."""

from datetime import UTC, datetime
from typing import Any

import pytest

from shared.events import Event
from shared.publisher import MAX_BYTES, EventPublisher

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


class FakeSns:
    """SNS that remembers its requests and refuses the events named in `refused`."""

    def __init__(self, refused: tuple[str, ...] = ()) -> None:
        self.refused = refused
        self.requests: list[list[dict[str, Any]]] = []

    def publish_batch(self, *, TopicArn: str, PublishBatchRequestEntries: list[dict[str, Any]]) -> Any:  # noqa: N803
        assert TopicArn == "topic"
        self.requests.append(PublishBatchRequestEntries)
        failed = [
            {"Id": entry["Id"], "Code": "InternalError", "Message": "try again", "SenderFault": False}
            for entry in PublishBatchRequestEntries
            if Event.model_validate_json(entry["Message"]).event_id in self.refused
        ]
        return {"Successful": [], "Failed": failed}


def events(count: int, padding: int = 0) -> list[Event]:
    return [
        Event.of(
            "order.placed",
            aggregate_id=f"o-{number}",
            aggregate_version=1,
            occurred_at=NOW,
            correlation_id="c-1",
            data={"padding": "x" * padding},
        )
        for number in range(count)
    ]


def published(sns: FakeSns) -> list[Event]:
    return [Event.model_validate_json(entry["Message"]) for request in sns.requests for entry in request]


def test_a_request_takes_ten_events_and_order_is_kept() -> None:
    sns = FakeSns()
    assert EventPublisher(sns, "topic").publish(events(23)) == []
    assert [len(request) for request in sns.requests] == [10, 10, 3]
    assert published(sns) == events(23)


def test_a_request_stays_within_the_bytes_that_sns_takes() -> None:
    sns = FakeSns()
    EventPublisher(sns, "topic").publish(events(5, padding=100_000))
    assert [len(request) for request in sns.requests] == [2, 2, 1]
    for request in sns.requests:
        assert sum(len(entry["Message"].encode()) for entry in request) <= MAX_BYTES


def test_nothing_to_publish_is_no_request() -> None:
    sns = FakeSns()
    assert EventPublisher(sns, "topic").publish([]) == []
    assert sns.requests == []


def test_filter_policies_find_the_event_type_as_an_attribute() -> None:
    sns = FakeSns()
    EventPublisher(sns, "topic").publish(events(1))
    attributes = sns.requests[0][0]["MessageAttributes"]
    assert attributes["event_type"] == {"DataType": "String", "StringValue": "order.placed"}
    assert attributes["correlation_id"]["StringValue"] == "c-1"


def test_entries_that_did_not_go_out_are_returned_with_the_reason() -> None:
    every = events(12)
    sns = FakeSns(refused=(every[3].event_id, every[11].event_id))
    failed = EventPublisher(sns, "topic").publish(every)
    assert [entry.event for entry in failed] == [every[3], every[11]]
    assert failed[0].reason == "InternalError: try again"


def test_a_request_that_fails_as_a_whole_raises() -> None:
    class BrokenSns(FakeSns):
        def publish_batch(self, **_: Any) -> Any:
            raise ConnectionError

    with pytest.raises(ConnectionError):
        EventPublisher(BrokenSns(), "topic").publish(events(1))

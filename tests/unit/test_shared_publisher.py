"""Events go to SNS in batches that fit, and every entry's result counts."""

from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.events import Event
from shared.publisher import MAX_BYTES, EventPublisher
from tests.made_up import made_up_event

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
        made_up_event(
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


def test_filter_policies_find_the_events_type_and_version_as_attributes() -> None:
    sns = FakeSns()
    EventPublisher(sns, "topic").publish(events(1))
    attributes = sns.requests[0][0]["MessageAttributes"]
    assert attributes["event_type"] == {"DataType": "String", "StringValue": "order.placed"}
    assert attributes["event_version"] == {"DataType": "Number", "StringValue": "1"}
    assert attributes["correlation_id"]["StringValue"] == "c-1"


def test_entries_that_did_not_go_out_are_returned_with_the_reason() -> None:
    every = events(12)
    sns = FakeSns(refused=(every[3].event_id, every[11].event_id))
    failed = EventPublisher(sns, "topic").publish(every)
    assert [entry.event for entry in failed] == [every[3], every[11]]
    assert failed[0].reason == "InternalError: try again"


def refusing(code: str, message: str, *, entries: int) -> FakeSns:
    """SNS that refuses requests of at least so many entries as a whole."""

    class RefusingSns(FakeSns):
        def publish_batch(self, **request: Any) -> Any:
            if len(request["PublishBatchRequestEntries"]) >= entries:
                error: Any = {"Error": {"Code": code, "Message": message}}
                raise ClientError(error, "PublishBatch")
            return super().publish_batch(**request)

    return RefusingSns()


def test_a_request_that_fails_as_a_whole_for_now_fails_everything_that_is_left() -> None:
    sns = refusing("Throttling", "slow down", entries=1)
    failed = EventPublisher(sns, "topic").publish(events(23))
    assert [entry.event for entry in failed] == events(23)
    assert not any(entry.never for entry in failed)
    assert "slow down" in failed[0].reason


def test_a_topic_that_is_named_wrongly_is_no_events_fault() -> None:
    sns = refusing("InvalidParameter", "Invalid parameter: TopicArn", entries=1)
    assert [entry.never for entry in EventPublisher(sns, "topic").publish(events(2))] == [False, False]


def test_of_a_request_that_is_refused_for_its_content_each_entry_goes_alone() -> None:
    sns = refusing("InvalidParameter", "Invalid parameter: Message", entries=2)
    assert EventPublisher(sns, "topic").publish(events(3)) == []
    assert sorted(len(request) for request in sns.requests) == [1, 1, 1]
    assert published(sns) == events(3)


def test_an_entry_that_is_refused_for_its_content_is_never_published() -> None:
    sns = refusing("InvalidParameter", "Invalid parameter: Message", entries=1)
    assert [entry.never for entry in EventPublisher(sns, "topic").publish(events(2))] == [True, True]


def test_a_refusal_that_an_operator_can_mend_is_tried_again() -> None:
    class Unauthorized(FakeSns):
        def publish_batch(self, **request: Any) -> Any:
            return {
                "Failed": [
                    {"Id": entry["Id"], "Code": "KMSAccessDenied", "SenderFault": True}
                    for entry in request["PublishBatchRequestEntries"]
                ]
            }

    assert [entry.never for entry in EventPublisher(Unauthorized(), "topic").publish(events(2))] == [
        False
    ] * 2


@settings(max_examples=50)
@given(
    versions=st.lists(st.sampled_from("abcdefghijklmnop"), max_size=60),
    refused=st.sets(st.integers(0, 59), max_size=4),
)
def test_no_event_overtakes_an_earlier_one_of_its_aggregate_whatever_is_refused(
    versions: list[str], refused: set[int]
) -> None:
    every = [
        event.model_copy(update={"aggregate_id": aggregate})
        for event, aggregate in zip(events(len(versions)), versions, strict=True)
    ]
    sns = FakeSns(refused=tuple(every[number].event_id for number in refused if number < len(every)))
    failed = [entry.event for entry in EventPublisher(sns, "topic").publish(every)]
    for aggregate in set(versions):
        wanted = [event for event in every if event.aggregate_id == aggregate]
        got = [event for event in published(sns) if event.aggregate_id == aggregate and event not in failed]
        assert got == wanted[: len(got)]
        assert len(got) == len(wanted) or wanted[len(got)].event_id in sns.refused
    most = max((versions.count(aggregate) for aggregate in set(versions)), default=0)
    if not failed:
        assert len(sns.requests) == max(most, -(-len(every) // 10))

"""The archive stores every event but users', without personal data, and reads it back as it was."""

import json

import boto3
import pytest

from archive import dependencies
from archive.adapters import event_of
from archive.domain import without_personal_data
from shared.events import Event
from tests.component.archive.account import Service
from tests.component.batches import example_events, failures
from tests.order_placed import PLACED_V1
from tools.contracts.events.contracts import contracts


def examples() -> list[Event]:
    """An event of every contract that the archive stores."""
    return [
        Event.model_validate(contract.example()) for contract in contracts() if contract.service != "users"
    ]


def placed() -> Event:
    """The `order.placed` of the example event."""
    return example_events("archive_store_events.json")[0]


def test_it_reads_its_example(service: Service) -> None:
    expected = example_events("archive_store_events.json")

    assert service.deliver(*expected) == failures()

    assert {event.event_id for event in service.events()} == {event.event_id for event in expected}


def test_an_event_is_stored_before_any_contract_knows_its_type_or_its_version(service: Service) -> None:
    event = placed().model_copy(update={"event_type": "order.praised", "event_version": 7})

    assert service.deliver(event) == failures()

    [stored] = service.events()
    assert (stored.event_type, stored.event_version) == ("order.praised", 7)


def test_what_is_no_event_is_a_dead_letter_and_stops_no_other(service: Service) -> None:
    assert service.deliver("no event", placed()) == failures()

    sqs = boto3.client("sqs")
    queue = sqs.get_queue_url(QueueName="dead-letters")["QueueUrl"]
    assert [letter["Body"] for letter in sqs.receive_message(QueueUrl=queue)["Messages"]] == ["no event"]
    assert [event.event_id for event in service.events()] == [placed().event_id]


def test_each_event_is_read_back_as_it_was_without_personal_data(service: Service) -> None:
    for event in (*examples(), PLACED_V1):
        assert service.deliver(event) == failures()

    expected = {event.event_id: without_personal_data(event) for event in (*examples(), PLACED_V1)}
    assert {event.event_id: event for event in service.events()} == expected


def test_data_is_stored_without_spaces(service: Service) -> None:
    service.deliver(placed())

    [item] = service.items()
    assert json.dumps(json.loads(item["data"]["S"]), separators=(",", ":")) == item["data"]["S"]


def test_a_repeat_changes_nothing(service: Service) -> None:
    service.deliver(placed())
    before = service.items()

    assert service.deliver(placed(), placed()) == failures()

    assert service.items() == before
    assert len(before) == 1


@pytest.mark.parametrize("event", [placed(), PLACED_V1], ids=["version 2", "version 1"])
def test_the_table_holds_no_personal_data(service: Service, event: Event) -> None:
    order = PLACED_V1.data["order"]
    assert service.deliver(event) == failures()

    everything = json.dumps(service.items())
    assert order["order_id"] in everything
    # The country is in the tax, too.
    address = [value for name, value in order["shipping_address"].items() if name != "country"]
    personal = (order["customer_id"], order["payment_token"], *address)
    assert [value for value in personal if value and f"{value}" in everything] == []


def test_the_events_of_one_aggregate_are_one_query_in_order(service: Service) -> None:
    def change(version: int, event_type: str = "order.confirmed") -> Event:
        return placed().model_copy(
            update={
                "event_id": f"o-1:{version}:{event_type}",
                "event_type": event_type,
                "event_version": 1,
                "aggregate_id": "o-1",
                "aggregate_version": version,
            }
        )

    service.deliver(change(10), change(2), change(9), change(10, "order.fulfilled"), placed())

    answer = boto3.client("dynamodb").query(
        TableName="ArchiveTable",
        KeyConditionExpression="pk = :order",
        ExpressionAttributeValues={":order": {"S": "o-1"}},
    )
    assert [(event.aggregate_version, event.event_type) for event in map(event_of, answer["Items"])] == [
        (2, "order.confirmed"),
        (9, "order.confirmed"),
        (10, "order.confirmed"),
        (10, "order.fulfilled"),
    ]


def test_numbers_are_read_back_as_they_were_published(service: Service) -> None:
    """DynamoDB's numbers have 38 digits and no difference between 1 and 1.0."""
    event = placed().model_copy(update={"data": {"a": 10**40, "b": 1.5, "c": 1.0, "d": None, "e": ["", {}]}})

    assert service.deliver(event) == failures()

    assert json.dumps(service.events()[0].data) == json.dumps(event.data)


def test_an_event_that_could_not_be_stored_is_delivered_again(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TABLE_NAME", "NoSuchTable")
    dependencies.archive_store.cache_clear()
    assert service.deliver(placed()) == failures("m0")

    monkeypatch.setenv("TABLE_NAME", "ArchiveTable")
    dependencies.archive_store.cache_clear()
    assert service.deliver(placed()) == failures()
    assert [event.event_id for event in service.events()] == [placed().event_id]

"""The archive against a pretended AWS."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module, reload
from typing import Any

import boto3
import pytest

from archive import dependencies as resources
from archive.adapters import event_of
from archive.domain import archived
from shared.events import Event
from tests.component.notifications.account import deliver, failures
from tests.component.reports.account import EVENTS, template
from tools.contracts.events.contracts import contracts


@dataclass
class Service:
    """The deployed service."""

    context: Any
    keep: Any

    def hear(self, *events: Event | str) -> Any:
        """Delivers a batch to the consumer."""
        return deliver(self.keep.handler, self.context, *events)

    def items(self) -> list[dict[str, Any]]:
        """All of the table as DynamoDB has it, by key."""
        items = boto3.client("dynamodb").scan(TableName="ArchiveTable")["Items"]
        return sorted(items, key=lambda item: (item["pk"]["S"], item["sk"]["S"]))

    def kept(self) -> list[Event]:
        """The events that are read back from it."""
        return [event_of(item) for item in self.items()]


@pytest.fixture
def service(aws: None, lambda_context: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    boto3.client("dynamodb").create_table(**template().tables["ArchiveTable"])
    monkeypatch.setenv("TABLE_NAME", "ArchiveTable")
    monkeypatch.setenv("DLQ_URL", boto3.client("sqs").create_queue(QueueName="dead-letters")["QueueUrl"])
    resources.archive_store.cache_clear()
    yield Service(lambda_context, reload(import_module("archive.functions.store_events")))
    resources.archive_store.cache_clear()


def examples() -> list[Event]:
    """An event of every contract that the archive is told of."""
    return [
        Event.model_validate(contract.example()) for contract in contracts() if contract.service != "users"
    ]


def placed() -> Event:
    """An order that somebody placed."""
    records = json.loads((EVENTS / "archive_store_events.json").read_text())["Records"]
    return Event.model_validate_json(records[0]["body"])


def test_every_version_of_every_event_but_users_is_read(service: Service) -> None:
    told = {
        (contract.event_type, contract.payload.event_version)
        for contract in contracts()
        if contract.service != "users"
    }
    reads = service.keep.handler.reads
    assert {(name, version) for name, versions in reads.items() for version in versions} == told


def test_each_event_is_kept_and_read_back_as_it_was_but_for_what_is_personal(service: Service) -> None:
    for event in examples():
        assert service.hear(event) == failures()

    expected = {event.event_id: archived(event) for event in examples()}
    assert {event.event_id: event for event in service.kept()} == expected


def test_a_repeat_changes_nothing(service: Service) -> None:
    service.hear(placed())
    before = service.items()

    assert service.hear(placed(), placed()) == failures()

    assert service.items() == before
    assert len(before) == 1


def test_nobody_is_found_in_it(service: Service) -> None:
    event = placed()
    order = event.data["order"]
    assert service.hear(event) == failures()

    everything = json.dumps(service.items())
    assert order["order_id"] in everything
    personal = (order["customer_id"], order["payment_token"], *order["shipping_address"].values())
    assert [value for value in personal if value and f"{value}" in everything] == []


def test_what_happened_to_one_thing_stands_together_in_its_order(service: Service) -> None:
    def change(version: int, event_type: str = "order.confirmed") -> Event:
        return placed().model_copy(
            update={
                "event_id": f"o-1:{version}:{event_type}",
                "event_type": event_type,
                "aggregate_id": "o-1",
                "aggregate_version": version,
            }
        )

    service.hear(change(10), change(2), change(9), change(10, "order.fulfilled"), placed())

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


def test_numbers_are_read_back_as_they_were_told(service: Service) -> None:
    """DynamoDB's numbers have 38 digits and no difference between 1 and 1.0."""
    event = placed().model_copy(update={"data": {"a": 10**40, "b": 1.5, "c": 1.0, "d": None, "e": ["", {}]}})

    assert service.hear(event) == failures()

    assert json.dumps(service.kept()[0].data) == json.dumps(event.data)


def test_an_event_that_could_not_be_kept_is_delivered_again(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TABLE_NAME", "NoSuchTable")
    resources.archive_store.cache_clear()
    assert service.hear(placed()) == failures("m0")

    monkeypatch.setenv("TABLE_NAME", "ArchiveTable")
    resources.archive_store.cache_clear()
    assert service.hear(placed()) == failures()
    assert [event.event_id for event in service.kept()] == [placed().event_id]

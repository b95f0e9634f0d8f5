"""Shipping's saga steps and relay against a pretended AWS."""

import json
from collections.abc import Callable, Iterator
from importlib import import_module, reload
from pathlib import Path
from typing import Any

import boto3
import pytest

from shared.dynamo import from_item
from shared.saga import SagaOrder
from shipping import resources
from shipping.domain import AddressNotServed, Shipment, ShipmentCancelled
from shipping.store import ShipmentContended, ShipmentStore

EVENTS = Path(__file__).parents[2] / "events"
STEP_INPUT: dict[str, Any] = json.loads((EVENTS / "shipping_create.json").read_text())
ORDER_ID: str = STEP_INPUT["order"]["order_id"]

Step = Callable[[dict[str, Any]], dict[str, Any]]


@pytest.fixture
def table(aws: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("TABLE_NAME", "shipping")
    monkeypatch.setenv("SERVED_COUNTRIES", "AT, DE")
    dynamodb = boto3.client("dynamodb")
    dynamodb.create_table(
        TableName="shipping",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
    )
    resources.shipment_store.cache_clear()
    resources.served_countries.cache_clear()
    yield dynamodb
    resources.shipment_store.cache_clear()
    resources.served_countries.cache_clear()


@pytest.fixture
def create(table: Any, lambda_context: Any) -> Step:
    handler = import_module("shipping.create").handler
    return lambda step_input: handler(step_input, lambda_context)


@pytest.fixture
def cancel(table: Any, lambda_context: Any) -> Step:
    handler = import_module("shipping.cancel").handler
    return lambda step_input: handler(step_input, lambda_context)


def stored(table: Any) -> dict[str, Any] | None:
    item = table.get_item(TableName="shipping", Key={"pk": {"S": ORDER_ID}}).get("Item")
    return from_item(item) if item else None


def to_country(country: str) -> dict[str, Any]:
    address = {**STEP_INPUT["order"]["shipping_address"], "country": country}
    return {"order": {**STEP_INPUT["order"], "shipping_address": address}}


def test_a_created_shipment_is_stored_together_with_its_event(table: Any, create: Step):
    answer = create(STEP_INPUT)

    item = stored(table)
    assert item is not None
    assert answer == {"shipment_id": item["shipment_id"]}
    assert item["status"] == "created"
    [event] = [json.loads(entry) for entry in item["outbox"]]
    assert (event["event_type"], event["data"]["order_id"]) == ("shipment.created", ORDER_ID)


def test_a_creation_that_is_tried_again_answers_the_same_and_tells_nothing_new(table: Any, create: Step):
    first = create(STEP_INPUT)
    before = stored(table)
    assert create(STEP_INPUT) == first
    assert stored(table) == before


def test_a_country_that_is_not_served_stores_nothing(table: Any, create: Step):
    with pytest.raises(AddressNotServed):
        create(to_country("US"))
    assert stored(table) is None


def test_a_cancellation_is_stored_together_with_its_event_and_may_be_repeated(
    table: Any, create: Step, cancel: Step
):
    create(STEP_INPUT)

    assert cancel(STEP_INPUT) == {"cancelled": True}
    item = stored(table)
    assert item is not None
    assert item["status"] == "cancelled"
    assert [json.loads(entry)["event_type"] for entry in item["outbox"]] == ["shipment.cancelled"]

    assert cancel(STEP_INPUT) == {"cancelled": True}
    assert stored(table) == item


def test_a_creation_that_comes_after_the_cancellation_does_nothing(table: Any, create: Step, cancel: Step):
    assert cancel(STEP_INPUT) == {"cancelled": True}
    tombstone = stored(table)
    assert tombstone is not None
    assert tombstone["outbox"] == []

    with pytest.raises(ShipmentCancelled):
        create(STEP_INPUT)
    assert stored(table) == tombstone


class CreatedMeanwhile(ShipmentStore):
    """A store in which someone else's creation lands between the first read and the write that follows it."""

    def __init__(self, dynamodb: Any, intruder: Callable[[], Any]) -> None:
        super().__init__(dynamodb, "shipping")
        self._intruder: Callable[[], Any] | None = intruder

    def of_order(self, order_id: str) -> Shipment | None:
        found = super().of_order(order_id)
        if self._intruder:
            intruder, self._intruder = self._intruder, None
            intruder()
        return found


def test_a_cancellation_that_meets_a_creation_cancels_that_one(
    table: Any, create: Step, cancel: Step, monkeypatch
):
    racing = CreatedMeanwhile(table, lambda: ShipmentStore(table, "shipping").change(ORDER_ID, _creation))
    monkeypatch.setattr("shipping.cancel.shipment_store", lambda: racing)

    assert cancel(STEP_INPUT) == {"cancelled": True}
    item = stored(table)
    assert item is not None
    assert (item["status"], item["version"]) == ("cancelled", 2)


def test_a_shipment_that_never_holds_still_is_contended(table: Any, monkeypatch: pytest.MonkeyPatch):
    store = ShipmentStore(table, "shipping")
    store.change(ORDER_ID, _creation)
    monkeypatch.setattr(store, "of_order", lambda _: None)

    with pytest.raises(ShipmentContended):
        store.change(ORDER_ID, _creation)


def _creation(existing: Shipment | None):
    from shared.clock import utc_now

    return Shipment.create(
        existing, SagaOrder.model_validate(STEP_INPUT["order"]), frozenset({"DE"}), utc_now()
    )


def test_a_malformed_list_of_countries_is_refused_at_once(
    table: Any, create: Step, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("SERVED_COUNTRIES", "AT,Germany")
    with pytest.raises(ValueError, match="Germany"):
        create(STEP_INPUT)


def test_the_relay_publishes_the_outbox(aws: None, lambda_context: Any, monkeypatch: pytest.MonkeyPatch):
    sns, sqs = boto3.client("sns"), boto3.client("sqs")
    topic = sns.create_topic(Name="domain-events")["TopicArn"]
    queue = sqs.create_queue(QueueName="listener")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(
        TopicArn=topic,
        Protocol="sqs",
        Endpoint=arn,
        Attributes={
            "RawMessageDelivery": "true",
            "FilterPolicy": json.dumps({"event_type": ["shipment.created"]}),
        },
    )
    monkeypatch.setenv("TOPIC_ARN", topic)
    relay = reload(import_module("shipping.relay"))

    answer = relay.handler(json.loads((EVENTS / "shipping_relay.json").read_text()), lambda_context)

    assert answer == {"batchItemFailures": []}
    [message] = sqs.receive_message(QueueUrl=queue)["Messages"]
    assert json.loads(message["Body"])["event_type"] == "shipment.created"

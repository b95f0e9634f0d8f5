"""Shipping's saga steps and relay against a pretended AWS."""

import json
from collections.abc import Callable, Iterator
from importlib import import_module, reload
from pathlib import Path
from typing import Any

import boto3
import pytest
from aws_lambda_powertools.utilities.batch.exceptions import BatchProcessingError

from shared.clock import utc_now
from shared.dynamo import from_item
from shared.saga import SagaOrder
from shipping import dependencies as resources
from shipping.adapters import ShipmentContended, ShipmentStore
from shipping.domain.shipment import (
    AddressNotServed,
    CustomerErased,
    Shipment,
    ShipmentCancelled,
    ShipmentDispatched,
    ShipmentNotCreated,
    ShipmentStatus,
)

EVENTS = Path(__file__).parents[3] / "events"
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
        AttributeDefinitions=[
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "recipient_id", "AttributeType": "S"},
        ],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by-customer",
                "KeySchema": [
                    {"AttributeName": "recipient_id", "KeyType": "HASH"},
                    {"AttributeName": "pk", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }
        ],
    )
    resources.shipment_store.cache_clear()
    resources.served_countries.cache_clear()
    yield dynamodb
    resources.shipment_store.cache_clear()
    resources.served_countries.cache_clear()


@pytest.fixture
def erase(table: Any, lambda_context: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Delivers the example `user.deleted`, changed as wanted, to the consumer."""
    dlq_url = boto3.client("sqs").create_queue(QueueName="dead-letters")["QueueUrl"]
    monkeypatch.setenv("DLQ_URL", dlq_url)
    module = reload(import_module("shipping.functions.erase"))
    batch = json.loads((EVENTS / "shipping_erase.json").read_text())
    [record] = batch["Records"]

    def deliver(**changes: Any) -> Any:
        body = json.dumps(json.loads(record["body"]) | changes)
        return module.handler({"Records": [record | {"body": body}]}, lambda_context)

    return deliver


@pytest.fixture
def create(table: Any, lambda_context: Any) -> Step:
    handler = import_module("shipping.functions.create").handler
    return lambda step_input: handler(step_input, lambda_context)


@pytest.fixture
def cancel(table: Any, lambda_context: Any) -> Step:
    handler = import_module("shipping.functions.cancel").handler
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


def dispatch() -> Shipment:
    return resources.shipment_store().dispatch(ORDER_ID, utc_now())


def test_a_dispatch_is_stored_together_with_its_event_and_may_be_repeated(table: Any, create: Step):
    answer = create(STEP_INPUT)

    assert dispatch().status is ShipmentStatus.DISPATCHED
    item = stored(table)
    assert item is not None
    assert item["status"] == "dispatched"
    [event] = [json.loads(entry) for entry in item["outbox"]]
    assert (event["event_type"], event["data"]["order_id"]) == ("shipment.dispatched", ORDER_ID)

    dispatch()
    assert create(STEP_INPUT) == answer
    assert stored(table) == item


def test_a_cancellation_after_the_dispatch_is_refused_by_name_and_changes_nothing(
    table: Any, create: Step, cancel: Step
):
    create(STEP_INPUT)
    dispatch()
    before = stored(table)
    with pytest.raises(ShipmentDispatched):
        cancel(STEP_INPUT)
    assert stored(table) == before


@pytest.mark.parametrize(("created", "refusal"), [(False, ShipmentNotCreated), (True, ShipmentCancelled)])
def test_only_a_shipment_that_stands_is_dispatched(
    table: Any, create: Step, cancel: Step, created: bool, refusal: type[Exception]
):
    if created:
        create(STEP_INPUT)
        cancel(STEP_INPUT)
    with pytest.raises(refusal):
        dispatch()


def test_of_a_dispatch_and_a_cancellation_at_once_the_first_counts(
    table: Any, create: Step, cancel: Step, monkeypatch: pytest.MonkeyPatch
):
    create(STEP_INPUT)
    racing = ChangedMeanwhile(table, dispatch)
    monkeypatch.setattr("shipping.functions.cancel.shipment_store", lambda: racing)
    with pytest.raises(ShipmentDispatched):
        cancel(STEP_INPUT)
    item = stored(table)
    assert item is not None
    assert (item["status"], item["version"]) == ("dispatched", 2)


def test_a_creation_that_comes_after_the_cancellation_does_nothing(table: Any, create: Step, cancel: Step):
    assert cancel(STEP_INPUT) == {"cancelled": True}
    tombstone = stored(table)
    assert tombstone is not None
    assert tombstone["outbox"] == []

    with pytest.raises(ShipmentCancelled):
        create(STEP_INPUT)
    assert stored(table) == tombstone


class ChangedMeanwhile(ShipmentStore):
    """A store in which someone else's change lands between the first read and the write that follows it."""

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
    racing = ChangedMeanwhile(table, lambda: ShipmentStore(table, "shipping").change(ORDER_ID, _creation))
    monkeypatch.setattr("shipping.functions.cancel.shipment_store", lambda: racing)

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
    monkeypatch.setenv("DLQ_URL", sqs.create_queue(QueueName="relay-letters")["QueueUrl"])
    relay = reload(import_module("shipping.functions.relay"))

    answer = relay.handler(json.loads((EVENTS / "shipping_relay.json").read_text()), lambda_context)

    assert answer == {"batchItemFailures": []}
    [message] = sqs.receive_message(QueueUrl=queue)["Messages"]
    assert json.loads(message["Body"])["event_type"] == "shipment.created"


CUSTOMER_ID: str = STEP_INPUT["order"]["customer_id"]
DONE: dict[str, list[Any]] = {"batchItemFailures": []}


def of_order(order_id: str, customer_id: str = CUSTOMER_ID) -> dict[str, Any]:
    return {"order": {**STEP_INPUT["order"], "order_id": order_id, "customer_id": customer_id}}


def every(table: Any) -> dict[str, dict[str, Any]]:
    return {item["pk"]["S"]: from_item(item) for item in table.scan(TableName="shipping")["Items"]}


def test_an_erased_customers_shipments_keep_the_country_and_everyone_elses_the_address(
    table: Any, create: Step, cancel: Step, erase: Callable[..., Any]
):
    for number in range(3):
        create(of_order(f"ord_{number}"))
    cancel(of_order("ord_1"))
    create(of_order("ord_other", "somebody-else"))
    cancel(of_order("ord_never"))

    assert erase() == DONE

    items = every(table)
    assert "Lovelace" not in json.dumps([items[f"ord_{number}"] for number in range(3)])
    for number in range(3):
        item = items[f"ord_{number}"]
        assert set(item["parcel"]["address"]) == {"country", "erased_at"}
        assert (item["parcel"]["address"]["country"], item["customer_id"]) == ("DE", CUSTOMER_ID)
        assert item["shipment_id"] and item["parcel"]["lines"]
    assert [items[f"ord_{number}"]["status"] for number in range(3)] == ["created", "cancelled", "created"]
    assert items["ord_other"]["parcel"]["address"]["name"] == "Ada Lovelace"


def test_erasing_again_changes_nothing(table: Any, create: Step, erase: Callable[..., Any]):
    create(STEP_INPUT)
    erase()
    before = stored(table)
    assert erase() == DONE
    assert stored(table) == before


def test_an_erasure_that_stopped_half_way_is_finished_by_the_next_try(
    table: Any, create: Step, erase: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
):
    for number in range(3):
        create(of_order(f"ord_{number}"))
    store, tries = ShipmentStore._store, iter([True, False])

    def stop_after_the_first(*write: Any) -> bool:
        if not next(tries):
            raise ConnectionError
        return store(*write)

    with monkeypatch.context() as outage:
        outage.setattr(ShipmentStore, "_store", stop_after_the_first)
        with pytest.raises(BatchProcessingError):
            erase()
    assert sum("recipient_id" in item for item in every(table).values()) == 2

    assert erase() == DONE
    assert "Lovelace" not in json.dumps(every(table))


def test_no_shipment_is_created_for_a_customer_who_was_erased_meanwhile(
    table: Any, create: Step, cancel: Step, erase: Callable[..., Any]
):
    erase()
    with pytest.raises(CustomerErased):
        create(STEP_INPUT)
    assert stored(table) is None
    assert cancel(STEP_INPUT) == {"cancelled": True}
    assert "Lovelace" not in json.dumps(every(table))


def test_a_shipment_without_its_address_is_still_found_by_a_retry_and_can_be_cancelled(
    table: Any, create: Step, cancel: Step, erase: Callable[..., Any]
):
    first = create(STEP_INPUT)
    erase()
    assert create(STEP_INPUT) == first
    cancel(STEP_INPUT)
    item = stored(table)
    assert item is not None
    assert (item["status"], item["parcel"]["address"]["country"]) == ("cancelled", "DE")


def test_an_event_of_another_type_erases_nobody(table: Any, create: Step, erase: Callable[..., Any]):
    create(STEP_INPUT)
    before = stored(table)
    assert erase(event_type="user.changed") == DONE
    assert stored(table) == before


class TestDispatch:
    """The consumer of `order.confirmed`."""

    @pytest.fixture
    def dispatch(
        self, table: Any, lambda_context: Any, monkeypatch: pytest.MonkeyPatch
    ) -> Callable[..., dict[str, Any]]:
        """Delivers the example `order.confirmed`, of the order under test, to the consumer; with other values if any
        are given."""
        monkeypatch.setenv("DLQ_URL", boto3.client("sqs").create_queue(QueueName="dead-letters")["QueueUrl"])
        module = reload(import_module("shipping.functions.dispatch"))
        [record] = json.loads((EVENTS / "shipping_dispatch.json").read_text())["Records"]
        event = json.loads(record["body"])
        event["data"]["order_id"] = ORDER_ID

        def deliver(**changes: str) -> dict[str, Any]:
            batch = {"Records": [record | {"body": json.dumps(event | changes)}]}
            answer: dict[str, Any] = module.handler(batch, lambda_context)
            return answer

        return deliver

    def test_a_confirmed_order_is_dispatched_once_however_often_it_is_told(
        self, table: Any, create: Step, dispatch: Callable[[], dict[str, Any]]
    ) -> None:
        create(STEP_INPUT)

        assert dispatch() == {"batchItemFailures": []}
        first = stored(table)
        assert first is not None
        assert [json.loads(entry)["event_type"] for entry in first["outbox"]] == ["shipment.dispatched"]
        for _ in range(2):
            assert dispatch() == {"batchItemFailures": []}
        assert stored(table) == first

    def test_a_request_for_the_fulfilment_dispatches_what_was_not(
        self, table: Any, create: Step, dispatch: Callable[..., dict[str, Any]]
    ) -> None:
        create(STEP_INPUT)

        assert dispatch(event_type="order.fulfilment_requested") == {"batchItemFailures": []}

        parcel = stored(table)
        assert parcel is not None
        assert (parcel["status"], parcel["version"]) == ("dispatched", 2)

    def test_a_request_for_the_fulfilment_has_an_earlier_dispatch_told_again_and_changes_nothing_else(
        self, table: Any, create: Step, dispatch: Callable[..., dict[str, Any]]
    ) -> None:
        create(STEP_INPUT)
        dispatch()
        first = stored(table)
        assert first is not None

        dispatch(event_type="order.fulfilment_requested", event_id="ord_1:3:order.fulfilment_requested")

        again = stored(table)
        assert again is not None
        assert again | {"outbox": []} == first | {"outbox": []}
        [told_then], [told_again] = (map(json.loads, parcel["outbox"]) for parcel in (first, again))
        assert told_again.pop("causation_id") == "ord_1:3:order.fulfilment_requested"
        assert told_then.pop("causation_id") != "ord_1:3:order.fulfilment_requested", (
            "or none would publish it"
        )
        assert told_again == told_then

    def test_a_parcel_that_was_cancelled_before_stays_and_is_no_dead_letter(
        self, table: Any, create: Step, cancel: Step, dispatch: Callable[[], dict[str, Any]]
    ) -> None:
        create(STEP_INPUT)
        cancel(STEP_INPUT)
        before = stored(table)

        assert dispatch() == {"batchItemFailures": []}

        assert stored(table) == before
        assert _dead_letters() == []

    def test_an_order_without_a_parcel_is_a_dead_letter_at_once(
        self, dispatch: Callable[[], dict[str, Any]]
    ) -> None:
        assert dispatch() == {"batchItemFailures": []}
        [reason] = _dead_letters()
        assert reason.startswith("ShipmentNotCreated")


def _dead_letters() -> list[str]:
    sqs = boto3.client("sqs")
    url = sqs.get_queue_url(QueueName="dead-letters")["QueueUrl"]
    answer = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"])
    return [message["MessageAttributes"]["reason"]["StringValue"] for message in answer.get("Messages", [])]

"""Shipping on a pretended table, with its steps and consumers."""

import json
from collections.abc import Callable, Iterator
from importlib import import_module, reload
from typing import Any

import boto3
import pytest

from shipping import dependencies
from tests.component.saga_orders import ADDRESS, order_records, record_order
from tests.component.shipping.shipments import EVENTS, ORDER_ID, Step


@pytest.fixture(autouse=True)
def no_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """A change that starts over after a conflict does so at once."""
    monkeypatch.setattr("tenacity.nap.time.sleep", lambda _: None)


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
    order_records(monkeypatch)
    record_order(ORDER_ID, shipping_address=ADDRESS)
    dependencies.shipment_store.cache_clear()
    dependencies.served_countries.cache_clear()
    yield dynamodb
    dependencies.shipment_store.cache_clear()
    dependencies.served_countries.cache_clear()


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
    return lambda step_input: _perform("create", step_input, lambda_context)


@pytest.fixture
def cancel(table: Any, lambda_context: Any) -> Step:
    return lambda step_input: _perform("cancel", step_input, lambda_context)


@pytest.fixture
def dispatch(
    table: Any, lambda_context: Any, monkeypatch: pytest.MonkeyPatch
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


def _perform(step: str, step_input: dict[str, Any], context: Any) -> dict[str, Any]:
    answer: dict[str, Any] = import_module("shipping.functions.steps").handler(
        step_input | {"step": step}, context
    )
    return answer

"""The order as the saga carries it, and its record, for every test that needs one."""

from typing import Any

import boto3
import pytest

from shared.dynamo import to_item
from shared.saga import SagaOrder

ADDRESS = {
    "name": "Ada Example",
    "line1": "Beispielweg 1",
    "city": "Berlin",
    "postal_code": "10115",
    "country": "DE",
}


def saga_order(order_id: str = "order-1", **changes: Any) -> SagaOrder:
    """An order of two mugs at 10.00 EUR; `changes` replace other fields."""
    return SagaOrder.model_validate(
        {
            "order_id": order_id,
            "customer_id": "customer-1",
            "correlation_id": "correlation-1",
            "lines": [{"sku": "MUG", "quantity": 2, "unit_price": {"amount": 1000, "currency": "EUR"}}],
            "total": {"amount": 2000, "currency": "EUR"},
            **changes,
        }
    )


def token_of(order_id: str) -> str | None:
    """The payment token of any order."""
    return "pm_card_visa"


def order_records(monkeypatch: pytest.MonkeyPatch) -> None:
    """The orders table of the pretended account, without an order."""
    boto3.client("dynamodb").create_table(
        TableName="orders",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
    )
    monkeypatch.setenv("ORDERS_TABLE_NAME", "orders")


def record_order(order_id: str, **attributes: Any) -> None:
    """Stores what the record of an order has beside its id."""
    boto3.client("dynamodb").put_item(TableName="orders", Item=to_item({"pk": order_id, **attributes}))

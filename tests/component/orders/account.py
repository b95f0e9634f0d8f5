"""The tables of the orders service in a pretended account, and access to them from outside of the service."""

import json
from datetime import datetime
from typing import Any

import pytest

from orders.domain.order import Order
from orders.domain.order_request import OrderRequest
from orders.domain.pricing import Price
from shared.aws import client
from shared.clock import utc_now
from shared.dynamo import from_item
from shared.events import Event
from shared.money import Money
from tests.component.audit_trail import make_audit_trail

ADDRESS = {
    "name": "Ada Example",
    "line1": "1 Main St",
    "city": "Berlin",
    "postal_code": "10115",
    "country": "DE",
}


def order_body(*lines: tuple[str, Any], **changes: Any) -> dict[str, Any]:
    """The body of a placement of `lines` (sku, quantity)."""
    body = {
        "lines": [{"sku": sku, "quantity": quantity} for sku, quantity in lines],
        "shipping_address": ADDRESS,
        "payment_token": "pm_card_visa",
    }
    return {**body, **changes}


def placed_order(
    *, customer: str = "ada", key: str = "key-1", at: datetime | None = None, sku: str = "TEA"
) -> tuple[Order, list[Event]]:
    """An order of two pieces of `sku` at 7.90 EUR, which `customer` places at that moment (now), and its event."""
    price = Price(sku=sku, price=Money(amount=790, currency="EUR"), active=True, version=1)
    return Order.place(
        OrderRequest.model_validate(order_body((sku, 2))),
        {sku: price},
        customer_id=customer,
        idempotency_key=key,
        correlation_id="c-1",
        now=at or utc_now(),
    )


class OrdersAccount:
    """The stored data, read from outside of the service."""

    def sell(
        self, sku: str, amount: int, *, version: int = 1, active: bool = True, currency: str = "EUR"
    ) -> None:
        """Makes the projection know the product."""
        from orders.dependencies import price_store

        money = Money(amount=amount, currency=currency)
        price_store().record(Price(sku=sku, price=money, active=active, version=version))

    def order(self, order_id: str) -> dict[str, Any]:
        """The order as it is stored; its outbox as read from JSON."""
        item = client("dynamodb").get_item(TableName="orders", Key={"pk": {"S": order_id}})["Item"]
        stored = from_item(item)
        return {**stored, "outbox": [json.loads(entry) for entry in stored["outbox"]]}

    def orders(self) -> list[str]:
        """The ids of all orders."""
        keys = [item["pk"]["S"] for item in client("dynamodb").scan(TableName="orders")["Items"]]
        return [key for key in keys if not key.startswith(("customer#", "declines#"))]

    def price(self, sku: str) -> tuple[int, bool, int]:
        """The product's price in the projection: amount, whether it is sold, version."""
        item = client("dynamodb").get_item(TableName="prices", Key={"pk": {"S": sku}})["Item"]
        known = from_item(item)
        return known["price"]["amount"], known["active"], known["version"]


def orders_account(monkeypatch: pytest.MonkeyPatch) -> OrdersAccount:
    """Makes the service's tables in the present pretended account, and the service work with them."""
    from orders import dependencies

    dynamodb = client("dynamodb")
    dynamodb.create_table(
        TableName="orders",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[
            {"AttributeName": name, "AttributeType": "S"}
            for name in (
                "pk",
                "customer_id",
                "customer_status",
                "placed_at",
                "attention",
                "attention_since",
                "placed_shard",
                "placement",
            )
        ],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        GlobalSecondaryIndexes=[
            {
                "IndexName": index,
                "KeySchema": [
                    {"AttributeName": attribute, "KeyType": "HASH"},
                    {"AttributeName": "placed_at", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }
            for index, attribute in (
                ("by-customer-keys", "customer_id"),
                ("by-customer-status-keys", "customer_status"),
            )
        ]
        + [
            {
                "IndexName": "by-attention",
                "KeySchema": [
                    {"AttributeName": "attention", "KeyType": "HASH"},
                    {"AttributeName": "attention_since", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            },
            {
                "IndexName": "by-placement",
                "KeySchema": [
                    {"AttributeName": "placed_shard", "KeyType": "HASH"},
                    {"AttributeName": "placement", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            },
        ],
    )
    dynamodb.create_table(
        TableName="prices",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
    )
    make_audit_trail()
    monkeypatch.setenv("TABLE_NAME", "orders")
    monkeypatch.setenv("PRICES_TABLE_NAME", "prices")
    monkeypatch.setenv("OVERDUE_AFTER_SECONDS", "300")
    monkeypatch.setenv("LATE_AFTER_SECONDS", "86400")
    monkeypatch.setenv("MAX_PIECES_PER_LINE", "99")
    monkeypatch.setenv("MAX_PIECES_PER_ORDER", "200")
    monkeypatch.setenv("MAX_UNDECIDED_ORDERS", "100")
    monkeypatch.setenv("MAX_DECLINES_PER_HOUR", "5")
    for made in vars(dependencies).values():
        if hasattr(made, "cache_clear") and made.__module__ == dependencies.__name__:
            made.cache_clear()
    return OrdersAccount()

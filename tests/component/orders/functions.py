"""The functions of the orders service that messages and state machines call, and what their tests hand to them."""

import importlib
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import boto3
import pytest

from orders.domain.order import Canceller, Order
from orders.domain.order_request import OrderRequest
from orders.domain.pricing import Price
from shared.clock import utc_now
from shared.money import Money
from tests.component.orders.account import OrdersAccount, order_body

EVENTS = Path(__file__).parents[3] / "events"


def example(name: str) -> dict[str, Any]:
    """The example event of a function."""
    event: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text())
    return event


def fresh(name: str) -> ModuleType:
    """The module as a new execution environment imports it."""
    sys.modules.pop(name, None)
    return importlib.import_module(name)


def delivery(*bodies: str) -> dict[str, Any]:
    """The SQS batch of messages with `bodies`."""
    [record] = example("orders_record_prices")["Records"]
    return {
        "Records": [
            {**record, "messageId": f"message-{position}", "body": body}
            for position, body in enumerate(bodies)
        ]
    }


def dead_letter_queue(monkeypatch: pytest.MonkeyPatch) -> str:
    """Makes the dead-letter queue of the consumer under test; its URL."""
    url: str = boto3.client("sqs").create_queue(QueueName="dead-letters")["QueueUrl"]
    monkeypatch.setenv("DLQ_URL", url)
    return url


def buried(url: str) -> list[tuple[str, str]]:
    """Body and reason of the dead letters."""
    answer = boto3.client("sqs").receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
    )
    return [
        (message["Body"], message["MessageAttributes"]["reason"]["StringValue"])
        for message in answer.get("Messages", [])
    ]


class Saga:
    """A placed order, and the steps that the state machine runs on it."""

    def __init__(self, account: OrdersAccount, context: Any) -> None:
        from orders.dependencies import order_store

        self._account = account
        self._context = context
        self.store = order_store()
        price = Price(sku="TEA", price=Money(amount=790, currency="EUR"), active=True, version=1)
        order, events = Order.place(
            OrderRequest.model_validate(order_body(("TEA", 2))),
            {"TEA": price},
            customer_id="ada",
            idempotency_key="key-1",
            correlation_id="c-1",
            now=utc_now(),
        )
        self.order = self.store.add(order, events)

    def run(self, step: str, **state: Any) -> dict[str, Any]:
        """The answer of the step's function."""
        given = {"order": self.order.for_saga().model_dump(mode="json"), **state}
        answer: dict[str, Any] = importlib.import_module(f"orders.functions.{step}").handler(
            given, self._context
        )
        return answer

    def request_cancellation(self) -> None:
        """What the API does when the customer cancels the order."""
        self.store.change(
            self.order.order_id, lambda order: order.request_cancellation(Canceller.CUSTOMER, utc_now())
        )

    def reject(self, error: str) -> dict[str, Any]:
        """The answer of the rejection after `error`."""
        return self.run("reject", error={"Error": error, "Cause": '{"errorMessage": "why"}'})

    @property
    def stored(self) -> dict[str, Any]:
        """The order as it is stored."""
        return self._account.order(self.order.order_id)

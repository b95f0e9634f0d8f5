"""The functions of the orders service that messages and state machines call, and the inputs of their tests."""

import importlib
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import boto3
import pytest

from orders.domain.saga_form import for_saga
from orders.domain.status import Canceller
from shared.clock import utc_now
from tests.component.orders.account import OrdersAccount, placed_order

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
    """The SQS batch of messages with `bodies`, without labels, as an operator sends them."""
    [record] = example("orders_record_prices")["Records"]
    return {
        "Records": [
            {**record, "messageId": f"message-{position}", "body": body, "messageAttributes": {}}
            for position, body in enumerate(bodies)
        ]
    }


def dead_letters_in(url: str) -> list[tuple[str, str]]:
    """Body and reason of the dead letters."""
    answer = boto3.client("sqs").receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
    )
    return [
        (message["Body"], message["MessageAttributes"]["reason"]["StringValue"])
        for message in answer.get("Messages", [])
    ]


class StateMachines:
    """The two state machines of an order, which end at once, and their executions."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._sfn = boto3.client("stepfunctions")
        self.saga, self.cancellation = (self._made(name, monkeypatch) for name in ("saga", "cancellation"))

    def _made(self, name: str, monkeypatch: pytest.MonkeyPatch) -> str:
        arn: str = self._sfn.create_state_machine(
            name=name,
            definition=json.dumps({"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}}),
            roleArn="arn:aws:iam::123456789012:role/machine",
        )["stateMachineArn"]
        monkeypatch.setenv(f"{name.upper()}_ARN", arn)
        return arn

    def executions(self, machine: str) -> list[tuple[str, dict[str, Any]]]:
        """Name and input of the machine's executions."""
        found = self._sfn.list_executions(stateMachineArn=machine)["executions"]
        return [
            (
                execution["name"],
                json.loads(self._sfn.describe_execution(executionArn=execution["executionArn"])["input"]),
            )
            for execution in found
        ]

    def execute(self, machine: str, name: str, *, ended: bool) -> None:
        """Starts an execution of that name, which runs or is stopped."""
        arn = self._sfn.start_execution(stateMachineArn=machine, name=name, input='{"order": {}}')[
            "executionArn"
        ]
        if ended:
            self._sfn.stop_execution(executionArn=arn)


class Saga:
    """A placed order, and the steps that the state machine runs on it."""

    def __init__(self, account: OrdersAccount, context: Any) -> None:
        from orders.dependencies import order_store

        self._account = account
        self._context = context
        self.store = order_store()
        order, events = placed_order()
        self.order = self.store.add(order, events)

    def run(self, step: str, **state: Any) -> dict[str, Any]:
        """The answer of the step in a machine whose state is the order and `state`."""
        order = for_saga(self.order).model_dump()
        given = {"state": {"order": order, **state}} if step == "park" else state
        answer: dict[str, Any] = importlib.import_module("orders.functions.steps").handler(
            {"step": step, "order": order, **given}, self._context
        )
        return answer

    def request_cancellation(self) -> None:
        """Does as the API when the customer cancels the order."""
        self.store.change(
            self.order.order_id, lambda order: order.request_cancellation(Canceller.CUSTOMER, utc_now())
        )

    def abandon(self, error: str) -> dict[str, Any]:
        """The answer of the abandonment after `error`."""
        return self.run("abandon", error={"Error": error, "Cause": '{"errorMessage": "why"}'})

    @property
    def stored(self) -> dict[str, Any]:
        """The order as it is stored."""
        return self._account.order(self.order.order_id)

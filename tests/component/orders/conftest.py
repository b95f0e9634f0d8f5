"""The orders service in a pretended account: its tables, its consumers' dead letters, its clients and its machines."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from tests.component.orders.account import OrdersAccount, orders_account
from tests.component.orders.client import Client
from tests.component.orders.functions import Saga
from tests.component.orders.machines import MakeMachine, interpreter


@pytest.fixture
def account(aws: None, monkeypatch: pytest.MonkeyPatch) -> OrdersAccount:
    """The service's tables; TEA and MUG are sold."""
    account = orders_account(monkeypatch)
    account.sell("TEA", 790)
    account.sell("MUG", 1250)
    return account


@pytest.fixture
def dead_letters(account: OrdersAccount, monkeypatch: pytest.MonkeyPatch) -> str:
    """The dead-letter queue of the consumer under test; its URL."""
    url: str = boto3.client("sqs").create_queue(QueueName="dead-letters")["QueueUrl"]
    monkeypatch.setenv("DLQ_URL", url)
    return url


@pytest.fixture
def ada(account: OrdersAccount, lambda_context: Any) -> Client:
    return Client(lambda_context, "ada")


@pytest.fixture
def eve(account: OrdersAccount, lambda_context: Any) -> Client:
    return Client(lambda_context, "eve")


@pytest.fixture
def admin(account: OrdersAccount, lambda_context: Any) -> Client:
    return Client(lambda_context, "root", groups="admin")


@pytest.fixture
def saga(account: OrdersAccount, lambda_context: Any) -> Saga:
    """A placed order with the steps of its saga."""
    return Saga(account, lambda_context)


@pytest.fixture
def make_machine(lambda_context: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[MakeMachine]:
    """Makes a state machine that runs in moto's interpreter."""
    with interpreter(lambda_context, monkeypatch) as make:
        yield make

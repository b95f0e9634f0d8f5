"""The deployed stack on the embedded cloud; `make up` starts it, `make system` does so before these tests."""

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from inventory.adapters.stock_ledger import StockLedger
from shared.clock import utc_now
from tests.system.observer import Observer
from tests.system.trouble import packing_takes
from tools.shop.audit import Auditor
from tools.shop.client import Customer, Shop
from tools.stack import Stack


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What is marked as last comes after everything else."""
    items.sort(key=lambda item: item.get_closest_marker("last") is not None)


@pytest.fixture(scope="session")
def stack() -> Stack:
    """The running stack."""
    return Stack.current()


@pytest.fixture(scope="session", autouse=True)
def observer(stack: Stack) -> Iterator[Observer]:
    """Receives all events from before the first test on."""
    listening = Observer(stack)
    yield listening
    listening.close()


@pytest.fixture(scope="session")
def shop(stack: Stack) -> Shop:
    """A client of the deployed API."""
    return Shop(stack)


@pytest.fixture(scope="session")
def auditor(stack: Stack) -> Auditor:
    """The tables, the provider's records and the sent mails."""
    return Auditor(stack)


@pytest.fixture(scope="session")
def customer(shop: Shop) -> Customer:
    """Someone who signed up and signed in."""
    return shop.sign_up("Grace Example")


@pytest.fixture
def unhurried(stack: Stack) -> Iterator[None]:
    """No order that is confirmed during the test is dispatched by itself."""
    with packing_takes(stack, 900):
        yield


@pytest.fixture(scope="session")
def deliver(stack: Stack) -> Callable[[str, int], None]:
    """Adds pieces of a product to the stock."""
    ledger = StockLedger(stack.client("dynamodb"), stack.resource("InventoryTable"))

    def receive(sku: str, quantity: int) -> None:
        ledger.receive(
            sku, quantity, movement_id=f"test-{uuid.uuid4().hex}", correlation_id="test", now=utc_now()
        )

    return receive


def event(event_type: str, aggregate_id: str, data: dict[str, Any]) -> dict[str, Any]:
    """A domain event as it travels on the topic."""
    return {
        "event_id": f"{aggregate_id}:1:{event_type}",
        "event_type": event_type,
        "event_version": 1,
        "occurred_at": "2030-01-01T00:00:00.000Z",
        "aggregate_id": aggregate_id,
        "aggregate_version": 1,
        "correlation_id": "test",
        "data": data,
    }

"""The inventory table in a pretended account, and the service's adapters on it."""

from typing import Any

import pytest

from inventory.adapters.reservation_store import ReservationStore
from inventory.adapters.stock_ledger import StockLedger
from shared.aws import client
from tests.component.inventory.account import TABLE, make_table


@pytest.fixture(autouse=True)
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long the adapters wait between two attempts; no test really waits."""
    seconds: list[float] = []
    monkeypatch.setattr("tenacity.nap.time.sleep", seconds.append)
    return seconds


@pytest.fixture
def dynamodb(aws: None) -> Any:
    """DynamoDB with the inventory table."""
    dynamodb = client("dynamodb")
    make_table(dynamodb)
    return dynamodb


@pytest.fixture
def store(dynamodb: Any) -> ReservationStore:
    """The table's reservations."""
    return ReservationStore(dynamodb, TABLE)


@pytest.fixture
def ledger(dynamodb: Any) -> StockLedger:
    """The table's stock and movements."""
    return StockLedger(dynamodb, TABLE)

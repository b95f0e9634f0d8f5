"""Wires the service's adapters, once per execution environment, from the environment variables."""

from functools import cache

from inventory.adapters.reservation_store import ReservationStore
from inventory.adapters.stock_ledger import StockLedger
from shared.aws import client
from shared.environment import LambdaEnvironment


class Environment(LambdaEnvironment):
    """The environment variables of the functions."""

    table_name: str


@cache
def stock_ledger() -> StockLedger:
    """The inventory table's stock and movements."""
    return StockLedger(client("dynamodb"), Environment.load().table_name)


@cache
def reservation_store() -> ReservationStore:
    """The inventory table's reservations."""
    return ReservationStore(client("dynamodb"), Environment.load().table_name)

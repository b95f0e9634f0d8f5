"""What the service's functions work with, made once per execution environment from the environment variables."""

from functools import cache

from inventory.adapters.stock_store import StockStore
from shared.aws import client
from shared.environment import LambdaEnvironment


class Environment(LambdaEnvironment):
    """What the functions read from their environment."""

    table_name: str


@cache
def stock_store() -> StockStore:
    """The inventory table's store."""
    return StockStore(client("dynamodb"), Environment.load().table_name)

"""What the service's functions work with, made once per execution environment from the environment variables."""

from functools import cache

from live.adapters.live_store import LiveStore
from live.adapters.sockets import Sockets
from shared.aws import client
from shared.environment import LambdaEnvironment


class LiveTable(LambdaEnvironment):
    """Names the live table."""

    table_name: str


@cache
def live_store() -> LiveStore:
    """The live table's store."""
    return LiveStore(client("dynamodb"), LiveTable.load().table_name)


@cache
def sockets() -> Sockets:
    """The way to the open WebSockets."""
    return Sockets(client("apigatewaymanagementapi"))

"""Makes the service's dependencies from the environment variables, once per execution environment."""

import time
from functools import cache
from typing import TYPE_CHECKING

from live.adapters.live_store import LiveStore
from live.adapters.sockets import Sockets
from shared.aws import client
from shared.environment import LambdaEnvironment

if TYPE_CHECKING:
    from live.adapters.user_pool import TokenVerifier


class LiveTable(LambdaEnvironment):
    """The name of the live table."""

    table_name: str


class UserPool(LambdaEnvironment):
    """The user pool: the issuer of its tokens, and the address of its keys. `audiences` are its app clients: `a,b`."""

    issuer: str
    audiences: str
    jwks_url: str


@cache
def live_store() -> LiveStore:
    """The store of feeds and connections."""
    return LiveStore(client("dynamodb"), LiveTable.load().table_name)


@cache
def sockets() -> Sockets:
    """The open WebSockets."""
    return Sockets(client("apigatewaymanagementapi"))


@cache
def token_verifier() -> "TokenVerifier":
    """The check of identity tokens, for the authorizer."""
    # Only the authorizer's package contains PyJWT.
    from live.adapters.user_pool import KeyRing, TokenVerifier, fetch_keys  # noqa: PLC0415

    pool = UserPool.load()
    keys = KeyRing(lambda: fetch_keys(pool.jwks_url), time.monotonic)
    return TokenVerifier(keys, issuer=pool.issuer, audiences=pool.audiences.split(","))

"""Decides at `$connect` who may open a WebSocket: whoever holds a valid identity token, as over HTTP.

Its function alone carries a library for tokens. What it finds out goes with every later message of the connection, as
API Gateway's `authorizer` context.
"""

import time
from typing import Any

import requests
from aws_lambda_powertools.utilities.typing import LambdaContext

from live.domain.handshake import token_in
from live.domain.tokens import Identity, InvalidToken, KeyRing, Verifier
from shared.environment import LambdaEnvironment
from shared.observability import count, logger, metrics, tracer

_TIMEOUT_SECONDS = 2.5


class UserPool(LambdaEnvironment):
    """Whose tokens are good, for whom, and where the keys are."""

    issuer: str
    audience: str
    jwks_url: str


def _fetch_keys() -> dict[str, Any]:
    answer = requests.get(_pool.jwks_url, timeout=_TIMEOUT_SECONDS)
    answer.raise_for_status()
    keys: dict[str, Any] = answer.json()
    return keys


_pool = UserPool.load()
_verifier = Verifier(KeyRing(_fetch_keys, time.monotonic), issuer=_pool.issuer, audience=_pool.audience)


@metrics.log_metrics
@tracer.capture_lambda_handler(capture_response=False)
@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """The policy that lets the client in, with `customer_id` and `expires_at` as its context, or keeps it out (403)."""
    token = token_in(event.get("headers") or {})
    try:
        if not token:
            raise InvalidToken("there is none")
        identity = _verifier.verify(token)
    except InvalidToken as error:
        logger.info("connection refused", reason=str(error))
        count("ConnectionsRefused")
        return _policy("Deny", event["methodArn"], "nobody")
    return _policy("Allow", event["methodArn"], identity.customer_id) | {"context": _context(identity)}


def _context(identity: Identity) -> dict[str, str]:
    return {"customer_id": identity.customer_id, "expires_at": str(identity.expires_at)}


def _policy(effect: str, route: str, principal: str) -> dict[str, Any]:
    return {
        "principalId": principal,
        "policyDocument": {
            "Version": "2012-10-17",
            "Statement": [{"Action": "execute-api:Invoke", "Effect": effect, "Resource": route}],
        },
    }

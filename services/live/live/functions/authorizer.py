"""Decides at `$connect` who may open a WebSocket: a client with a valid identity token, as over HTTP.

API Gateway hands the policy's context to every later request of the connection.
"""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from live.dependencies import token_verifier
from live.domain.handshake import token_in
from live.domain.identity import Identity, InvalidToken
from shared.observability import count, entry_point, logger

# Made at the start of the function, not with the first connection.
token_verifier()


@entry_point
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """The policy that lets the client in, with `customer_id` and `expires_at` as its context, or refuses it (403)."""
    token = token_in(event.get("headers") or {})
    try:
        if not token:
            raise InvalidToken("there is none")
        identity = token_verifier().verify(token)
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

"""Tokens that must not open anything: made up, unsigned, altered, signed by somebody else, expired, of another use."""

import base64
import json
import time
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tools.shop.client import PASSWORD, Customer
from tools.stack import Stack
from tools.waiting import wait_for

lives_a_second = pytest.mark.embedded_only(
    "needs a token that lives a second; on AWS it lives 5 minutes at least"
)
"""Marks a test that uses `expired`."""


def claims_in(token: str) -> dict[str, Any]:
    """What a token says."""
    claims: dict[str, Any] = json.loads(_decoded(token.split(".")[1]))
    return claims


def access_token(stack: Stack, customer: Customer) -> str:
    """The access token of a new session: valid, and of the wrong use."""
    session = stack.client("cognito-idp").initiate_auth(
        ClientId=stack.resource("UserPoolClient"),
        AuthFlow="USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": customer.email, "PASSWORD": PASSWORD},
    )
    return str(session["AuthenticationResult"]["AccessToken"])


def unsigned(token: str) -> str:
    """The token without its signature, under the algorithm "none" (RFC 7519, section 6)."""
    _, payload, _ = token.split(".")
    return f"{encoded(json.dumps({'alg': 'none', 'typ': 'JWT'}).encode())}.{payload}."


def altered(token: str, **claims: Any) -> str:
    """The token with other claims and the signature that it had."""
    header, _, signature = token.split(".")
    return f"{header}.{encoded(json.dumps(claims_in(token) | claims).encode())}.{signature}"


def forged(token: str, **claims: Any) -> str:
    """The token with other claims, under the same key id, signed rightly by a key that is not the pool's."""
    header, _, _ = token.split(".")
    payload = encoded(json.dumps(claims_in(token) | claims).encode())
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    signature = key.sign(f"{header}.{payload}".encode(), padding.PKCS1v15(), hashes.SHA256())
    return f"{header}.{payload}.{encoded(signature)}"


def expired(stack: Stack, customer: Customer) -> str:
    """A token that the pool itself made and that has expired.

    It comes from an app client of its own, whose tokens live a second; Cognito on AWS allows no less than 5 minutes.
    """
    cognito, pool = stack.client("cognito-idp"), stack.resource("UserPool")
    client = cognito.create_user_pool_client(
        UserPoolId=pool,
        ClientName="short-lived",
        ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
        TokenValidityUnits={"IdToken": "seconds", "AccessToken": "seconds"},
        IdTokenValidity=1,
        AccessTokenValidity=1,
    )["UserPoolClient"]["ClientId"]
    try:
        session = cognito.initiate_auth(
            ClientId=client,
            AuthFlow="USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": customer.email, "PASSWORD": PASSWORD},
        )
    finally:
        cognito.delete_user_pool_client(UserPoolId=pool, ClientId=client)
    token = str(session["AuthenticationResult"]["IdToken"])
    wait_for(lambda: time.time() > claims_in(token)["exp"], "the token to expire", seconds=10)
    return token


def encoded(content: bytes) -> str:
    """The content as a part of a token (base64url without padding)."""
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))

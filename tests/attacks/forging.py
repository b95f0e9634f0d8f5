"""Tokens that no pool made for the API: the known ways to forge a JSON Web Token (RFC 8725)."""

import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import jwt
import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.system.tokens import access_token, altered, claims_in, encoded, forged, unsigned
from tools.shop.client import PASSWORD, Customer
from tools.stack import Stack

_NONE = ("none", "None", "NONE", "nOnE", "")


def forgeries(stack: Stack, person: Customer) -> dict[str, str]:
    """Tokens that name `person` or an admin, by the way in which they are forged; none is valid."""
    token, admin = person.token, _as_admin(stack)
    header, payload, signature = token.split(".")
    key_id = jwt.get_unverified_header(token)["kid"]
    expired, early = {"exp": int(time.time()) - 60}, {"nbf": int(time.time()) + 3600}
    return {
        "nothing but a word": "token",
        "an empty token": "..",
        "no signature": f"{header}.{payload}.",
        "two parts": f"{header}.{payload}",
        "a truncated signature": token[:-20],
        "a changed signature": f"{header}.{payload}.{_flipped(signature)}",
        "the signature of another token": _with_other_header(altered(token, **admin), {}),
        "groups added": altered(token, **admin),
        "another subject": altered(token, sub="00000000-0000-0000-0000-000000000000"),
        "a longer life": altered(token, exp=int(time.time()) + 10**9),
        "unsigned": unsigned(token),
        "signed by another key under the pool's key id": forged(token, **admin),
        "expired, and signed by another key": forged(token, **expired),
        "for later, and signed by another key": forged(token, **early),
        "the access token": access_token(stack, person),
        "an access token made an identity token": altered(access_token(stack, person), token_use="id"),
        "a key id of a path": _with_other_header(token, {"kid": "../../../../dev/null"}),
        "a key id of SQL": _with_other_header(token, {"kid": "x' UNION SELECT 'key'--"}),
        "a critical extension": _with_other_header(token, {"crit": ["exp"], "exp": 0}),
        **{f"algorithm {name or 'empty'}": _with_other_header(token, {"alg": name}, "") for name in _NONE},
        **{
            f"HS256 with {what} as its secret": _hmac_signed(claims_in(token) | admin, secret, key_id)
            for what, secret in _public_secrets(stack, key_id).items()
        },
        **_with_own_key(claims_in(token) | admin, key_id),
    }


@contextmanager
def token_of_another_pool(stack: Stack, person: Customer) -> Iterator[str]:
    """A valid token of a pool of the attacker's own, for a user with the same address, in the groups of admins."""
    cognito = stack.client("cognito-idp")
    pool = cognito.create_user_pool(PoolName="attacker", UsernameAttributes=["email"])["UserPool"]["Id"]
    try:
        with _token_of(stack, pool, person) as token:
            yield token
    finally:
        cognito.delete_user_pool(UserPoolId=pool)


@contextmanager
def token_of_another_client(stack: Stack, person: Customer) -> Iterator[str]:
    """A valid token of the shop's own pool from an app client that is neither the customers' nor the admins'."""
    with _token_of(stack, stack.resource("UserPool"), person) as token:
        yield token


@contextmanager
def _token_of(stack: Stack, pool: str, person: Customer) -> Iterator[str]:
    cognito = stack.client("cognito-idp")
    client = cognito.create_user_pool_client(
        UserPoolId=pool,
        ClientName="attacker",
        ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
    )["UserPoolClient"]["ClientId"]
    try:
        if pool != stack.resource("UserPool"):
            cognito.create_group(UserPoolId=pool, GroupName="admin")
            _open_account(cognito, pool, person.email)
        session = cognito.initiate_auth(
            ClientId=client,
            AuthFlow="USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": person.email, "PASSWORD": PASSWORD},
        )
        yield str(session["AuthenticationResult"]["IdToken"])
    finally:
        cognito.delete_user_pool_client(UserPoolId=pool, ClientId=client)


def _open_account(cognito: Any, pool: str, email: str) -> None:
    account = {"UserPoolId": pool, "Username": email}
    cognito.admin_create_user(**account, MessageAction="SUPPRESS")
    cognito.admin_set_user_password(**account, Password=PASSWORD, Permanent=True)
    cognito.admin_add_user_to_group(**account, GroupName="admin")


def _as_admin(stack: Stack) -> dict[str, Any]:
    return {"cognito:groups": ["admin", "customer"], "aud": stack.resource("AdminUserPoolClient")}


def _public_secrets(stack: Stack, key_id: str) -> dict[str, bytes]:
    """What everybody knows and a careless verifier takes for the secret of an HMAC."""
    host = stack.endpoint or f"https://cognito-idp.{stack.region}.amazonaws.com"
    url = f"{host}/{stack.resource('UserPool')}/.well-known/jwks.json"
    keys = requests.get(url, timeout=30).json()["keys"]
    [published] = [key for key in keys if key["kid"] == key_id]
    public = jwt.PyJWK.from_dict(published).key
    pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return {
        "the public key": pem,
        "the public key without its line end": pem.strip(),
        "the published modulus": published["n"].encode(),
        "nothing": b"",
        "a common word": b"secret",
    }


def _with_own_key(claims: dict[str, Any], key_id: str) -> dict[str, str]:
    """Tokens whose header says where to find the key that verifies them."""
    own = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(own.public_key()))
    headers: dict[str, dict[str, Any]] = {
        "its own key within": {"jwk": public, "kid": key_id},
        "its own key under a key id of its own": {"jwk": {**public, "kid": "own"}, "kid": "own"},
        "its own key set's address": {"jku": "http://127.0.0.1:9/jwks.json", "kid": key_id},
        "its own certificate's address": {"x5u": "http://127.0.0.1:9/own.pem", "kid": key_id},
    }
    return {name: jwt.encode(claims, own, "RS256", headers=header) for name, header in headers.items()}


def _hmac_signed(claims: dict[str, Any], secret: bytes, key_id: str) -> str:
    signed = f"{encoded(json.dumps({'alg': 'HS256', 'kid': key_id}).encode())}.{encoded(json.dumps(claims).encode())}"
    return f"{signed}.{encoded(hmac.new(secret, signed.encode(), hashlib.sha256).digest())}"


def _with_other_header(token: str, changes: dict[str, Any], signature: str | None = None) -> str:
    _, payload, own = token.split(".")
    header = jwt.get_unverified_header(token) | changes
    return f"{encoded(json.dumps(header).encode())}.{payload}.{own if signature is None else signature}"


def _flipped(text: str) -> str:
    return ("B" if text[0] == "A" else "A") + text[1:]

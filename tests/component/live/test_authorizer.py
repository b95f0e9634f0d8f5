"""The authorizer: a valid identity token opens a WebSocket."""

import json
from collections.abc import Callable, Iterator
from importlib import import_module, reload
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm
from requests import Response

from live import dependencies
from tests.component.live.service import CUSTOMER, EVENTS

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture
def authorize(
    aws: None, lambda_context: Any, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[dict[str, str]], dict[str, Any]]]:
    """The authorizer's answer to a request with the given headers."""
    for name, value in {
        "ISSUER": "https://issuer",
        "AUDIENCES": "client,admins-client",
        "JWKS_URL": "https://keys",
    }.items():
        monkeypatch.setenv(name, value)
    dependencies.token_verifier.cache_clear()
    authorizer = reload(import_module("live.functions.authorizer"))
    example = json.loads((EVENTS / "live_authorizer.json").read_text())
    published = Response()
    published.status_code = 200
    key = json.loads(RSAAlgorithm.to_jwk(KEY.public_key())) | {"kid": "k"}
    published._content = json.dumps({"keys": [key]}).encode()
    monkeypatch.setattr("requests.get", lambda url, **_: {"https://keys": published}[url])

    def decide(headers: dict[str, str]) -> dict[str, Any]:
        answer: dict[str, Any] = authorizer.handler(example | {"headers": headers}, lambda_context)
        return answer

    yield decide
    dependencies.token_verifier.cache_clear()


def test_a_valid_token_lets_its_customer_in(
    authorize: Callable[[dict[str, str]], dict[str, Any]],
) -> None:
    said = {"sub": CUSTOMER, "iss": "https://issuer", "aud": "client", "token_use": "id"}
    token = jwt.encode(
        said | {"iat": 1_000_000_000, "exp": 4_000_000_000}, KEY, "RS256", headers={"kid": "k"}
    )

    answer = authorize({"Authorization": f"Bearer {token}"})

    assert answer["principalId"] == CUSTOMER
    assert answer["policyDocument"]["Statement"][0]["Effect"] == "Allow"
    assert answer["context"] == {"customer_id": CUSTOMER, "expires_at": "4000000000"}


@pytest.mark.parametrize("headers", [{"Host": "example"}, {"Authorization": "Bearer garbage"}])
def test_without_a_valid_token_the_client_is_refused(
    authorize: Callable[[dict[str, str]], dict[str, Any]], headers: dict[str, str]
) -> None:
    answer = authorize(headers)

    assert answer["policyDocument"]["Statement"][0]["Effect"] == "Deny"
    assert "context" not in answer

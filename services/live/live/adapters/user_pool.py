"""The identity tokens of the Cognito user pool, checked as API Gateway's own authorizer does for the REST API.

The check covers the signature (RS256, by a key of the pool), `iss`, `aud`, `exp` and `token_use`. Nothing else in a
token counts: https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-tokens-verifying-a-jwt.html
"""

import time
from collections.abc import Callable
from typing import Any

import jwt
import requests

from live.domain.identity import Identity, InvalidToken

# A key that the pool withdrew is accepted at most this long.
_KEYS_SECONDS = 3600
# Tokens with invented key ids cause at most one request to the pool in this time.
_ASK_AGAIN_SECONDS = 30
_TIMEOUT_SECONDS = 2.5
# How far the pool's clock may be ahead of ours. The expiry gets no leeway: the connection would end at once.
_LEEWAY_SECONDS = 60


def fetch_keys(url: str) -> dict[str, Any]:
    """The JSON Web Key Set (RFC 7517) at `url`; raises an OSError of `requests` if the pool does not answer."""
    answer = requests.get(url, timeout=_TIMEOUT_SECONDS)
    answer.raise_for_status()
    keys: dict[str, Any] = answer.json()
    return keys


class KeyRing:
    """The pool's public keys by their ids. It fetches them again if they are old or a new id comes, since keys rotate.

    `fetch` gets the JSON Web Key Set; `clock` counts seconds. While the fetch fails, the known keys stay valid.
    """

    def __init__(self, fetch: Callable[[], dict[str, Any]], clock: Callable[[], float]) -> None:
        self._fetch = fetch
        self._clock = clock
        self._keys: dict[str, jwt.PyJWK] = {}
        self._asked_at: float | None = None

    def key(self, key_id: str) -> jwt.PyJWK:
        """The key with that id. Raises InvalidToken if the pool has none, or the error of `fetch`."""
        if self._is_worth_asking(key_id):
            self._renew(key_id)
        if key_id not in self._keys:
            raise InvalidToken("no key of the pool has the token's key id")
        return self._keys[key_id]

    def _is_worth_asking(self, key_id: str) -> bool:
        if self._asked_at is None:
            return True
        age = self._clock() - self._asked_at
        return age > _KEYS_SECONDS or (key_id not in self._keys and age > _ASK_AGAIN_SECONDS)

    def _renew(self, key_id: str) -> None:
        try:
            fetched = jwt.PyJWKSet.from_dict(self._fetch())
        except OSError:
            if key_id not in self._keys:
                raise
            return
        self._keys = {key.key_id: key for key in fetched.keys if key.key_id}
        self._asked_at = self._clock()


class TokenVerifier:
    """Checks the tokens of the app clients `audiences` of one user pool."""

    def __init__(self, keys: KeyRing, *, issuer: str, audiences: list[str]) -> None:
        self._keys = keys
        self._issuer = issuer
        self._audiences = audiences

    def verify(self, token: str) -> Identity:
        """The customer that the token names. Raises InvalidToken, or an OSError if the keys cannot be fetched."""
        try:
            key_id = jwt.get_unverified_header(token).get("kid")
            if not isinstance(key_id, str):
                raise InvalidToken("the token names no key")
            claims = jwt.decode(
                token,
                self._keys.key(key_id),
                algorithms=["RS256"],
                audience=self._audiences,
                issuer=self._issuer,
                leeway=_LEEWAY_SECONDS,
                options={"require": ["exp", "iat", "iss", "aud", "sub", "token_use"]},
            )
        except jwt.InvalidTokenError as error:
            raise InvalidToken(type(error).__name__) from error
        if claims["exp"] <= time.time():
            raise InvalidToken(jwt.ExpiredSignatureError.__name__)
        if claims["token_use"] != "id":  # noqa: S105 - a kind of token
            raise InvalidToken("the token is no identity token")
        return Identity(str(claims["sub"]), int(claims["exp"]))

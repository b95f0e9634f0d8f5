"""Checking a Cognito identity token, as API Gateway's own authorizer does for the REST API.

The signature (RS256, by a key of the pool), `iss`, `aud`, `exp` and `token_use` are checked; nothing else of a token is
believed. The way: https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-tokens-verifying-a-jwt.html
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jwt

# A key that the pool withdrew opens nothing for longer than this.
_KEYS_SECONDS = 3600
# However many tokens with made-up key ids come, the pool is asked for its keys once in this time.
_ASK_AGAIN_SECONDS = 30


class InvalidToken(Exception):
    """The token opens nothing; says why, for the log. Nothing of the token is repeated."""


@dataclass(frozen=True)
class Identity:
    """Who a token speaks for, and until when (seconds since 1970)."""

    customer_id: str
    expires_at: int


class KeyRing:
    """The pool's public keys by their ids, fetched when they are old or a new id comes (keys rotate).

    `fetch` gets the JSON Web Key Set (RFC 7517); `clock` counts seconds. While the keys cannot be fetched, those that
    are known stay good.
    """

    def __init__(self, fetch: Callable[[], dict[str, Any]], clock: Callable[[], float]) -> None:
        self._fetch = fetch
        self._clock = clock
        self._keys: dict[str, jwt.PyJWK] = {}
        self._asked_at: float | None = None

    def key(self, key_id: str) -> jwt.PyJWK:
        """The key with that id. Raises InvalidToken when the pool has none, or what `fetch` raises."""
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


class Verifier:
    """Checks tokens of one app client of one user pool."""

    def __init__(self, keys: KeyRing, *, issuer: str, audience: str) -> None:
        self._keys = keys
        self._issuer = issuer
        self._audience = audience

    def verify(self, token: str) -> Identity:
        """Whom the token speaks for. Raises InvalidToken, or what fetching the keys raises."""
        try:
            key_id = jwt.get_unverified_header(token).get("kid")
            if not isinstance(key_id, str):
                raise InvalidToken("the token names no key")
            claims = jwt.decode(
                token,
                self._keys.key(key_id),
                algorithms=["RS256"],
                audience=self._audience,
                issuer=self._issuer,
                options={"require": ["exp", "iat", "iss", "aud", "sub", "token_use"]},
            )
        except jwt.InvalidTokenError as error:
            raise InvalidToken(type(error).__name__) from error
        if claims["token_use"] != "id":  # noqa: S105 - a kind of token
            raise InvalidToken("the token is no identity token")
        return Identity(str(claims["sub"]), int(claims["exp"]))

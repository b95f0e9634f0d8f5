"""The tokens that open a WebSocket. The keys are real; the pool's answer and the clock are simulated."""

import hmac
import json
import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import RSAAlgorithm
from jwt.utils import base64url_encode

from live.adapters.user_pool import KeyRing, TokenVerifier
from live.domain.identity import Identity, InvalidToken

ISSUER = "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_pool"
CLIENT, ADMINS_CLIENT = "the-app-client", "the-admins-client"
OLD, NEW, FOREIGN = (rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(3))


class Pool:
    """A user pool's published keys, and the number of requests for them."""

    def __init__(self, **keys: rsa.RSAPrivateKey) -> None:
        self.keys = keys
        self.asked = 0
        self.reachable = True

    def published(self) -> dict[str, Any]:
        self.asked += 1
        if not self.reachable:
            raise ConnectionError("no answer")
        return {
            "keys": [
                json.loads(RSAAlgorithm.to_jwk(key.public_key()))
                | {"kid": name, "use": "sig", "alg": "RS256"}
                for name, key in self.keys.items()
            ]
        }


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def token(key: Any = OLD, key_id: str | None = "old", algorithm: str = "RS256", **claims: Any) -> str:
    now = int(time.time())
    said = {
        "sub": "customer",
        "iss": ISSUER,
        "aud": CLIENT,
        "token_use": "id",
        "iat": now,
        "exp": now + 3600,
    } | claims
    present = {name: value for name, value in said.items() if value is not None}
    return jwt.encode(present, key, algorithm, headers={"kid": key_id} if key_id else {})


def verifier(pool: Pool, clock: Clock | None = None) -> TokenVerifier:
    return TokenVerifier(
        KeyRing(pool.published, clock or Clock()), issuer=ISSUER, audiences=[CLIENT, ADMINS_CLIENT]
    )


def test_an_identity_token_of_the_pool_opens() -> None:
    expires = int(time.time()) + 60

    assert verifier(Pool(old=OLD)).verify(token(exp=expires)) == Identity("customer", expires)


def test_a_token_of_the_admins_client_opens_as_well_for_as_long_as_it_lives() -> None:
    expires = int(time.time()) + 300

    assert verifier(Pool(old=OLD)).verify(token(aud=ADMINS_CLIENT, exp=expires)).expires_at == expires


@pytest.mark.parametrize("ahead", [token(iat=int(time.time()) + 30), token(nbf=int(time.time()) + 30)])
def test_a_token_of_a_pool_whose_clock_is_ahead_opens(ahead: str) -> None:
    assert verifier(Pool(old=OLD)).verify(ahead).customer_id == "customer"


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "garbage",
        "a.b.c",
        token(FOREIGN),
        token(exp=int(time.time()) - 1),
        token(exp=int(time.time())),
        token(exp=None),
        token(iat=int(time.time()) + 3600),
        token(nbf=int(time.time()) + 3600),
        token(iss="https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_other"),
        token(aud="another-client"),
        token(aud=None),
        token(token_use="access"),
        token(token_use=None),
        token(sub=None),
        token(key_id=None),
        token(key_id="unknown"),
        token(None, algorithm="none"),
        token("a secret of thirty-two characters", algorithm="HS256"),
        token()[:-6] + "AAAAAA",
    ],
)
def test_any_other_token_is_refused(bad: str) -> None:
    with pytest.raises(InvalidToken):
        verifier(Pool(old=OLD)).verify(bad)


def test_a_token_signed_with_the_public_key_is_refused() -> None:
    """The confusion of RS256 with HS256: https://datatracker.ietf.org/doc/html/rfc8725#section-2.1"""
    public = OLD.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    header = base64url_encode(json.dumps({"alg": "HS256", "kid": "old"}).encode())
    signed = header + b"." + token().split(".")[1].encode()
    signature = base64url_encode(hmac.digest(public, signed, "sha256"))

    with pytest.raises(InvalidToken):
        verifier(Pool(old=OLD)).verify(f"{signed.decode()}.{signature.decode()}")


def test_the_pool_is_asked_for_its_keys_once() -> None:
    pool = Pool(old=OLD)
    checking = verifier(pool)

    for _ in range(3):
        checking.verify(token())

    assert pool.asked == 1


def test_a_new_key_of_the_pool_opens_as_soon_as_it_signs() -> None:
    pool, clock = Pool(old=OLD), Clock()
    checking = verifier(pool, clock)
    checking.verify(token())

    pool.keys["new"] = NEW
    clock.now += 31

    assert checking.verify(token(NEW, "new")).customer_id == "customer"


def test_invented_key_ids_cause_no_further_requests_to_the_pool() -> None:
    pool = Pool(old=OLD)
    checking = verifier(pool)

    for number in range(5):
        with pytest.raises(InvalidToken):
            checking.verify(token(key_id=f"unknown-{number}"))

    assert pool.asked == 1


def test_a_withdrawn_key_is_refused_after_an_hour() -> None:
    pool, clock = Pool(old=OLD), Clock()
    checking = verifier(pool, clock)
    checking.verify(token())

    pool.keys = {"new": NEW}
    clock.now += 3601

    with pytest.raises(InvalidToken):
        checking.verify(token())


def test_known_keys_stay_valid_while_the_pool_does_not_answer() -> None:
    pool, clock = Pool(old=OLD), Clock()
    checking = verifier(pool, clock)
    checking.verify(token())

    pool.reachable = False
    clock.now += 3601

    assert checking.verify(token()).customer_id == "customer"


def test_without_any_key_every_token_is_refused() -> None:
    pool = Pool(old=OLD)
    pool.reachable = False

    with pytest.raises(ConnectionError):
        verifier(pool).verify(token())

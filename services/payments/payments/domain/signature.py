"""Verifies the provider's signature on a webhook, and its age.

The header is `t=<Unix seconds>,v1=<hex>[,v1=<hex>…]`. Each v1 is an HMAC-SHA256 over `<t>.<body>` with one of the
valid secrets; other schemes (v0) are ignored. https://docs.stripe.com/webhooks#verify-manually
"""

import hashlib
import hmac
from collections.abc import Iterable

from shared.errors import BadRequest

# How far the two clocks may be apart, and how long an attacker can replay a captured request, in seconds.
TOLERANCE_SECONDS = 300
# Seconds have ten digits until the year 2286.
_MAX_TIME_DIGITS = 12


class InvalidSignature(BadRequest):
    """The provider did not sign the body, or signed it too long ago."""

    code = "invalid-signature"


def verify(payload: bytes, header: str, secrets: Iterable[str], now: int) -> None:
    """Accepts a `payload` that one of `secrets` signed within the tolerance of `now` (Unix seconds).

    Raises InvalidSignature otherwise; its message contains no secret and nothing of the payload.
    """
    signed_at, signatures = _parse(header)
    if signed_at is None or not signatures:
        raise InvalidSignature("Stripe-Signature must be t=<seconds>,v1=<signature>.")
    signed = str(signed_at).encode() + b"." + payload
    expected = [hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest().encode() for secret in secrets]
    # Compares every pair, in constant time, so that the duration reveals nothing.
    matches = [hmac.compare_digest(given, one) for given in signatures for one in expected]
    if not any(matches):
        raise InvalidSignature("The signature does not fit the body.")
    if abs(now - signed_at) > TOLERANCE_SECONDS:
        raise InvalidSignature("The signature is too old, or the clocks differ.")


def _parse(header: str) -> tuple[int | None, list[bytes]]:
    signed_at: int | None = None
    signatures: list[bytes] = []
    for element in header.split(","):
        scheme, _, text = element.strip().partition("=")
        if scheme == "t" and text.isascii() and text.isdecimal() and len(text) <= _MAX_TIME_DIGITS:
            signed_at = int(text)
        elif scheme == "v1":
            signatures.append(text.encode("utf-8", "surrogatepass"))
    return signed_at, signatures

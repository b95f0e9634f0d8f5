"""The personal data of an order, their erasure, and what stands for them where they are not read.

Accounting keeps what it needs, such as the country for the tax.
"""

import json
from typing import Any

from shared.saga import ShippingAddress

PERSONAL = frozenset({"shipping_address", "payment_token", "request_fingerprint", "parked_state"})
"""The fields of an order that tell the customer's address or means of payment. The fingerprint is a hash of the address
among other things; a parked state of release 0.6.0 may hold the whole order."""

_ERASED = ""
_PERSONAL_IN_ADDRESS = ("name", "line1", "line2", "city", "postal_code")


def erased_address(address: ShippingAddress) -> ShippingAddress:
    """`address` with its country alone."""
    return _address_in(address.country)


def unread_personal_data(country: str) -> dict[str, Any]:
    """What stands for the PERSONAL fields of an order that is read without them: as in an erased order.

    `country` is the one of its address; empty if that is unknown.
    """
    return {
        "shipping_address": _address_in(country),
        "payment_token": _ERASED,
        "request_fingerprint": _ERASED,
    }


def without_personal_data(state: str) -> str:
    """`state`, a state machine's state as JSON, with its order's address and payment token erased.

    It searches the whole state, which may hold the order more than once. All else stays for the operator.
    """
    return json.dumps(_erased(json.loads(state)))


def _address_in(country: str) -> ShippingAddress:
    return ShippingAddress(
        name=_ERASED, line1=_ERASED, line2=None, city=_ERASED, postal_code=_ERASED, country=country
    )


def _erased(value: Any) -> Any:
    if isinstance(value, list):
        return [_erased(entry) for entry in value]
    if not isinstance(value, dict):
        return value
    kept = {name: _erased(entry) for name, entry in value.items()}
    if isinstance(kept.get("shipping_address"), dict):
        kept["shipping_address"] |= dict.fromkeys(_PERSONAL_IN_ADDRESS, _ERASED)
    if "payment_token" in kept:
        kept["payment_token"] = _ERASED
    return kept

"""What of an order is personal, and how it is erased. What accounting needs stays, the country for the tax among it."""

import json
from typing import Any

from shared.saga import ShippingAddress

_ERASED = ""
_PERSONAL_IN_ADDRESS = ("name", "line1", "line2", "city", "postal_code")


def erased_address(address: ShippingAddress) -> ShippingAddress:
    """`address` with nothing left of it but the country."""
    return ShippingAddress(
        name=_ERASED, line1=_ERASED, line2=None, city=_ERASED, postal_code=_ERASED, country=address.country
    )


def without_personal_data(state: str) -> str:
    """`state`, a state machine's as JSON, with the address and the payment token of its order erased.

    It looks everywhere, since the order may stand at more than one place; all else stays for whoever resumes the order.
    """
    return json.dumps(_erased(json.loads(state)))


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

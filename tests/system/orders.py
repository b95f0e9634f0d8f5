"""Bodies of orders, as clients send them."""

from typing import Any

from tests.system.products import TEA
from tools.shop.client import address


def order_body(**changes: Any) -> dict[str, Any]:
    """A body of `POST /orders` that is accepted, with `changes`."""
    body = {
        "lines": [{"sku": TEA, "quantity": 1}],
        "shipping_address": address(),
        "payment_token": "pm_card_visa",
    }
    return body | changes

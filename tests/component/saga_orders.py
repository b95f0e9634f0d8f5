"""The order as the saga carries it, for every test that needs one."""

from typing import Any

from shared.saga import SagaOrder


def saga_order(order_id: str = "order-1", *, country: str = "DE", **changes: Any) -> SagaOrder:
    """An order of two mugs at 10.00 EUR to an address in `country`; `changes` replace other fields."""
    return SagaOrder.model_validate(
        {
            "order_id": order_id,
            "customer_id": "customer-1",
            "correlation_id": "correlation-1",
            "lines": [{"sku": "MUG", "quantity": 2, "unit_price": {"amount": 1000, "currency": "EUR"}}],
            "total": {"amount": 2000, "currency": "EUR"},
            "shipping_address": {
                "name": "Ada Example",
                "line1": "Beispielweg 1",
                "city": "Berlin",
                "postal_code": "10115",
                "country": country,
            },
            "payment_token": "pm_card_visa",
            **changes,
        }
    )

"""`order.placed` at version 1, which no release publishes any more. It waits in queues, and the archive has it."""

from shared.events import Event

PLACED_V1 = Event.model_validate(
    {
        "event_id": "ord_6b89ca7b2c33520faf8ac21324ba8bd8:1:order.placed",
        "event_type": "order.placed",
        "event_version": 1,
        "occurred_at": "2026-11-21T10:15:00.000Z",
        "aggregate_id": "ord_6b89ca7b2c33520faf8ac21324ba8bd8",
        "aggregate_version": 1,
        "correlation_id": "3d2b8f0e-7c1a-4a52-9c1e-0f6f2f5f9a10",
        "causation_id": "c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
        "data": {
            "order": {
                "order_id": "ord_6b89ca7b2c33520faf8ac21324ba8bd8",
                "customer_id": "c7d6e8b4-50a1-70a6-1c0b-0d5f3a1b9e42",
                "correlation_id": "3d2b8f0e-7c1a-4a52-9c1e-0f6f2f5f9a10",
                "lines": [
                    {
                        "sku": "TEA-ASSAM-100",
                        "quantity": 2,
                        "unit_price": {"amount": 790, "currency": "EUR"},
                    },
                    {
                        "sku": "TEA-INFUSER-ST",
                        "quantity": 1,
                        "unit_price": {"amount": 1299, "currency": "EUR"},
                    },
                ],
                "total": {"amount": 3369, "currency": "EUR"},
                "shipping_address": {
                    "name": "Ada Example",
                    "line1": "Beispielweg 1",
                    "line2": None,
                    "city": "Berlin",
                    "postal_code": "10115",
                    "country": "DE",
                },
                "payment_token": "pm_card_visa",
            }
        },
    }
)
"""The order of the examples in events/ at version 1."""

"""The personal data that is left out of the archived events, and the aggregates of an order.

The archive stores every version of every event except those about users, which its subscription does not let through.
Users' own table, where a user can be erased, is the source of those. It stores no personal data, so it has nothing to
erase. Tests compare both rules with the events' contracts.
"""

from collections.abc import Iterable
from typing import Any
from uuid import UUID, uuid5

from shared.events import Event

# Shipping derives the id of an order's shipment from the order's id in this namespace, and a test compares the two.
_SHIPMENT_NAMESPACE = UUID("0b8a3a9e-4a55-5c0c-8f0e-3c1f8d0f6a21")

# The fields that the contracts mark as `x-personal-data`. The country of an order's tax is in its breakdown.
# Only version 1 of `order.placed` has `payment_token` and `shipping_address`.
_PERSONAL = frozenset({"customer_id", "payment_token", "shipping_address"})


def without_personal_data(event: Event) -> Event:
    """`event` without personal data at any depth, and without its cause if that is an event about a user."""
    cause = event.causation_id
    # The id of an event names its type at its end. An event about a user has the user's id at the beginning.
    if cause and cause.rpartition(":")[2].startswith("user."):
        cause = None
    return event.model_copy(update={"data": _cleared(event.data), "causation_id": cause})


def _cleared(value: Any) -> Any:
    if isinstance(value, list):
        return [_cleared(entry) for entry in value]
    if isinstance(value, dict):
        return {name: _cleared(entry) for name, entry in value.items() if name not in _PERSONAL}
    return value


def aggregates_of_order(order_id: str) -> list[str]:
    """The ids of the aggregates that an order has in the services. The archive keeps their events under them."""
    return [
        order_id,
        f"reservation-{order_id}",
        f"pay-{order_id}",
        f"shp_{uuid5(_SHIPMENT_NAMESPACE, order_id).hex}",
        f"returns-{order_id}",
    ]


def in_order_of_time(events: Iterable[Event]) -> list[Event]:
    """The events, oldest first."""
    return sorted(events, key=lambda event: (event.occurred_at, event.aggregate_id, event.aggregate_version))

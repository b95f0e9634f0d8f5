"""The personal data that is left out of the archived events.

The archive stores every version of every event except those about users, which its subscription does not let through.
Users' own table, where a user can be erased, is the source of those. It stores no personal data, so it has nothing to
erase. Tests compare both rules with the events' contracts.
"""

from typing import Any

from shared.events import Event

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

"""Which events are archived, and what of them, without AWS.

All are, in every version, but users': theirs is the users' table, where a user can be erased. Of the others nothing
personal is kept, so the archive has nothing to erase; tests hold both against the events' contracts.
"""

from typing import Any

from shared.events import Event

ARCHIVED = (
    "product.changed",
    "product.image_ready",
    "product.image_refused",
    "stock.reserved",
    "stock.released",
    "stock.committed",
    "stock.low",
    "job.requested",
    "order.placed",
    "order.confirmed",
    "order.rejected",
    "order.cancellation_requested",
    "order.cancellation_refused",
    "order.cancelled",
    "order.fulfilled",
    "order.parked",
    "order.resumption_requested",
    "order.collection_requested",
    "order.fulfilment_requested",
    "payment.authorized",
    "payment.declined",
    "payment.captured",
    "payment.capture_failed",
    "payment.voided",
    "payment.refunded",
    "report.ready",
    "shipment.created",
    "shipment.dispatched",
    "shipment.cancelled",
)

# What the contracts mark as `x-personal-data`. The country that an order's tax is due in stands in its breakdown.
_PERSONAL = frozenset({"customer_id", "payment_token", "shipping_address"})


def archived(event: Event) -> Event:
    """`event` as it is kept: without what is personal, wherever that stands in its data."""
    return event.model_copy(update={"data": _without_personal_data(event.data)})


def _without_personal_data(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_personal_data(entry) for entry in value]
    if isinstance(value, dict):
        return {name: _without_personal_data(entry) for name, entry in value.items() if name not in _PERSONAL}
    return value

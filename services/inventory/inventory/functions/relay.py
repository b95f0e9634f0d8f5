"""Publishes inventory's outbox, and `stock.low` if a change in the stream took a sku down to its threshold.

Many orders take from one sku at once, so no single writer knows how much is left; the stream does, change by change.
The event's id is the sku's version, so a record that the stream delivers twice makes the same event.
"""

from inventory.adapters.items import stock_change_of
from inventory.domain.stock import low_stock
from shared.events import Event
from shared.outbox import StreamRecord, images_of, unpublished
from shared.relay import relay_handler


def events_of(record: StreamRecord) -> list[Event]:
    """The events that a change in the inventory table causes."""
    moved = stock_change_of(*images_of(record))
    return [*unpublished(record), *(low_stock(*moved) if moved else [])]


handler = relay_handler("stock", events_of)

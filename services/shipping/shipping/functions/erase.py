"""Erases customers' names and addresses from their shipments, on `user.deleted`."""

from shared.clock import utc_now
from shared.consumer import consumer_handler
from shared.events import Event
from shared.observability import count
from shipping.dependencies import shipment_store


def erase(event: Event) -> None:
    """Erases the addresses of the user that a `user.deleted` names; raises WriteConflict."""
    count("AddressesErased", shipment_store().erase_customer(event.aggregate_id, utc_now()))


handler = consumer_handler({"user.deleted": erase})

"""Erases customers' names and addresses from their shipments, on `user.deleted`."""

from shared.clock import utc_now
from shared.consumer import consumer_handler
from shared.errors import PermanentError
from shared.events import Event
from shared.observability import count
from shipping.resources import shipment_store


class UnexpectedEvent(PermanentError):
    """An event of this type erases nobody; the subscription's filter lets through too much."""


def erase(event: Event) -> None:
    """Erases the user that a `user.deleted` is about. Raises ShipmentContended, or UnexpectedEvent."""
    if event.event_type != "user.deleted":
        raise UnexpectedEvent(event.event_type)
    count("AddressesErased", shipment_store().erase_customer(event.aggregate_id, utc_now()))


handler = consumer_handler(erase)

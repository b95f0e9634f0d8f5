"""Keeps the projection of users' addresses that mail is sent to."""

from notifications.domain import Address, ErasedAddress
from notifications.resources import address_book
from shared.consumer import consumer_handler
from shared.events import Event


def record(event: Event) -> None:
    """Records the user's address, or that it is to be forgotten, unless something newer is known."""
    told = ErasedAddress if event.event_type == "user.deleted" else Address
    address_book().record(told.told_by(event))


handler = consumer_handler(record)

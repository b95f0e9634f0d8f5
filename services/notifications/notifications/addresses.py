"""Keeps the projection of users' addresses that mail is sent to."""

from notifications.domain import Address
from notifications.resources import address_book
from shared.consumer import consumer_handler
from shared.events import Event


def record(event: Event) -> None:
    """Records the user's address unless a newer one is known."""
    address_book().record(Address.told_by(event))


handler = consumer_handler(record)

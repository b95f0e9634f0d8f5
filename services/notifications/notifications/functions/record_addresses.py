"""Keeps the projection of users' addresses that mail is sent to."""

from notifications.dependencies import address_book
from notifications.domain.occasions import Address, ErasedAddress
from shared.consumer import consumer_handler
from shared.events import Event


def record(event: Event) -> None:
    """Records the user's address unless something newer is known."""
    address_book().record(Address.told_by(event))


def forget(event: Event) -> None:
    """Records that the user's address is to be forgotten, unless something newer is known."""
    address_book().record(ErasedAddress.told_by(event))


handler = consumer_handler({"user.registered": record, "user.changed": record, "user.deleted": forget})

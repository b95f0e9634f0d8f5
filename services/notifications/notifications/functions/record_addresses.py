"""Records users' addresses, which mail is sent to, from the users service's events."""

from notifications.dependencies import address_book
from notifications.domain.recipients import Address, ErasedAddress
from shared.consumer import consumer_handler
from shared.events import Event


def record(event: Event) -> None:
    """Records the user's address, unless a newer version is stored."""
    address_book().record(Address.from_event(event))


def erase(event: Event) -> None:
    """Replaces the user's address by a tombstone, unless a newer version is stored."""
    address_book().record(ErasedAddress.from_event(event))


# A rebuild sends the last event of each user, so each type that carries the address is read.
handler = consumer_handler(
    {"user.registered": record, "user.verified": record, "user.changed": record, "user.deleted": erase}
)

"""The people who get mail: their addresses, and which of them a notification goes to."""

from collections.abc import Callable
from typing import Annotated, Protocol

from pydantic import AfterValidator, Field

from notifications.domain.notifications import CustomerNotification, Notification, Verified
from notifications.domain.personal_data import PersonalModel
from shared.errors import TransientError
from shared.events import Event
from shared.record import Personal
from shared.text import Form

# The operators' id among the recipients. No user has it: users' ids are UUIDs.
OPERATORS_ID = "operators"

EmailAddress = Annotated[
    str,
    Field(max_length=254),
    Form(r"^[^@\s,;<>]+@[^@\s,;<>]+$", "Write one address of mail, as in name@example.com"),
    AfterValidator(str.lower),
]


class AddressUnknown(TransientError):
    """The customer's registration has not arrived yet; the queue delivers the event again."""


class Address(PersonalModel):
    """The address of a user, taken from `version` of the user.

    `suppressed_email` is the user's last address that must get no more mail, or None.
    """

    user_id: Annotated[str, Field(min_length=1), Personal.ACCOUNT_ID]
    email: Annotated[EmailAddress, Personal.MAIL_ADDRESS]
    name: Annotated[str, Personal.NAME]
    locale: Annotated[str, Personal.LANGUAGE] = "en"
    version: Annotated[int, Field(ge=0)]
    suppressed_email: Annotated[str | None, Personal.MAIL_ADDRESS] = None

    @classmethod
    def from_event(cls, event: Event) -> "Address":
        """The address in a user's event, but for `user.deleted`; raises pydantic.ValidationError if it has none."""
        return cls.model_validate({**event.data, "version": event.aggregate_version})

    @property
    def is_suppressed(self) -> bool:
        """Whether this address must get no more mail. Another address of the same user may still get mail."""
        return self.email == self.suppressed_email


class ErasedAddress(PersonalModel):
    """The tombstone of an erased user. It stops a late change from storing the address again."""

    user_id: Annotated[str, Field(min_length=1), Personal.ACCOUNT_ID]
    version: Annotated[int, Field(ge=0)]
    erased_at: str

    @classmethod
    def from_event(cls, event: Event) -> "ErasedAddress":
        """The tombstone that a `user.deleted` leaves."""
        return cls(user_id=event.aggregate_id, version=event.aggregate_version, erased_at=event.occurred_at)


class Addresses(Protocol):
    """The known addresses of users."""

    def address_of(self, user_id: str) -> Address | ErasedAddress | None:
        """The user's latest address, or its tombstone; None if the registration has not arrived yet."""


def recipient_of(
    notification: Notification, event: Event, addresses: Addresses, operators: Callable[[], Address]
) -> Address | ErasedAddress:
    """The recipient of the mail: the user, the customer of the order, or the operators.

    Raises AddressUnknown if the customer's registration has not arrived yet.
    """
    match notification:
        case Verified():
            # Addresses come by another queue, which may be slower than this event: it has an address of its own.
            return addresses.address_of(notification.user_id) or Address.from_event(event)
        case CustomerNotification():
            address = addresses.address_of(notification.customer_id)
            if address is None:
                raise AddressUnknown(notification.customer_id)
            return address
        case _:
            return operators()

"""An order's statuses, the reasons for its end, and the errors that refuse a change."""

from enum import StrEnum

from shared.errors import Conflict, Forbidden, PermanentError


class OrderStatus(StrEnum):
    """Where an order stands."""

    PLACED = "placed"
    CONFIRMED = "confirmed"
    FULFILLED = "fulfilled"
    ABANDONED = "abandoned"
    CANCELLING = "cancelling"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    PARKED = "parked"

    @property
    def is_open(self) -> bool:
        """Whether a state machine is under way that leads the order out of this status."""
        return self in {self.PLACED, self.ABANDONED, self.CANCELLING}

    @property
    def is_final(self) -> bool:
        """Whether the status never changes again."""
        return self in {self.FULFILLED, self.CANCELLED, self.REJECTED}


class RejectionReason(StrEnum):
    """Why an order could not stand, as its customer reads it."""

    OUT_OF_STOCK = "out_of_stock"
    PAYMENT_DECLINED = "payment_declined"
    ADDRESS_NOT_SERVED = "address_not_served"
    TECHNICAL_FAILURE = "technical_failure"


class CancellationReason(StrEnum):
    """Why an order was cancelled, as its customer reads it."""

    ON_REQUEST = "on_request"
    PAYMENT_FAILED = "payment_failed"


class Canceller(StrEnum):
    """The requester of an order's cancellation; `payment` if the held money could not be taken."""

    CUSTOMER = "customer"
    ADMIN = "admin"
    PAYMENT = "payment"

    @property
    def reason(self) -> CancellationReason:
        """Why an order is cancelled if they ask for it."""
        failed = self is Canceller.PAYMENT
        return CancellationReason.PAYMENT_FAILED if failed else CancellationReason.ON_REQUEST


# The names of the steps' errors that are business reasons; anything else is a technical failure.
_REASON_OF_ERROR = {
    "OutOfStock": RejectionReason.OUT_OF_STOCK,
    "CardDeclined": RejectionReason.PAYMENT_DECLINED,
    "AddressNotServed": RejectionReason.ADDRESS_NOT_SERVED,
}


def reason_of(error_name: str) -> RejectionReason:
    """Why an order whose saga failed with the error named `error_name` is rejected."""
    return _REASON_OF_ERROR.get(error_name, RejectionReason.TECHNICAL_FAILURE)


class CannotBeCancelled(Conflict):
    """The order's status does not allow its cancellation, or its parcel is on its way."""

    code = "cannot-be-cancelled"


class CannotBeResumed(Conflict):
    """The order is not parked, so there is nothing to resume."""

    code = "cannot-be-resumed"


class AccountClosed(Forbidden):
    """The account was deleted. Its token may still be valid, but it can place no orders."""

    code = "account-closed"


class IllegalTransition(PermanentError):
    """The order's status does not allow the change."""

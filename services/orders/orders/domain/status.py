"""What an order's status can be, why it ended as it did, and what refuses a change of it; without AWS."""

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
        """Whether something is under way that decides the order: by itself it does not stay in this status."""
        return self in {self.PLACED, self.ABANDONED, self.CANCELLING}

    @property
    def is_final(self) -> bool:
        """Whether nothing changes the status any more."""
        return self in {self.FULFILLED, self.CANCELLED, self.REJECTED}


class RejectionReason(StrEnum):
    """Why an order could not stand, as the customer is told."""

    OUT_OF_STOCK = "out_of_stock"
    PAYMENT_DECLINED = "payment_declined"
    ADDRESS_NOT_SERVED = "address_not_served"
    TECHNICAL_FAILURE = "technical_failure"


class CancellationReason(StrEnum):
    """Why an order that stood was cancelled, as the customer is told."""

    ON_REQUEST = "on_request"
    PAYMENT_FAILED = "payment_failed"


class Canceller(StrEnum):
    """Who asked for an order's cancellation; `payment` when the money that was held could not be taken."""

    CUSTOMER = "customer"
    ADMIN = "admin"
    PAYMENT = "payment"

    @property
    def reason(self) -> CancellationReason:
        """Why the order is cancelled then."""
        failed = self is Canceller.PAYMENT
        return CancellationReason.PAYMENT_FAILED if failed else CancellationReason.ON_REQUEST


# The names under which the saga's steps fail for a business reason; anything else is a technical failure.
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
    """The account was deleted; its token is valid for a while yet, but orders nothing any more."""

    code = "account-closed"


class IllegalTransition(PermanentError):
    """The order's status does not allow the change."""

"""A return's statuses, the reasons that people give, and the errors that refuse a change."""

from enum import StrEnum

from shared.errors import Conflict, Forbidden, NotFound, PermanentError, Unprocessable


class ReturnStatus(StrEnum):
    """Where a return stands."""

    REQUESTED = "requested"
    ACCEPTED = "accepted"
    LABELLED = "labelled"
    """The carrier's label is booked, so the customer can send the pieces."""
    INSPECTED = "inspected"
    """The pieces arrived and some were accepted; their money is on its way back."""
    REFUNDED = "refunded"
    CLOSED = "closed"
    """The pieces arrived, and nothing is to be paid back."""
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    """The pieces did not arrive in time."""

    @property
    def awaits_parcel(self) -> bool:
        """Whether the return is accepted and its pieces have not arrived."""
        return self in {self.ACCEPTED, self.LABELLED}

    @property
    def is_inspected(self) -> bool:
        """Whether its pieces have arrived and were inspected."""
        return self in {self.INSPECTED, self.REFUNDED, self.CLOSED}

    @property
    def is_final(self) -> bool:
        """Whether nobody has to do anything more for the return."""
        return self in {self.REFUNDED, self.CLOSED, self.REFUSED, self.WITHDRAWN, self.EXPIRED}


class ReturnReason(StrEnum):
    """Why the customer sends something back."""

    DAMAGED = "damaged"
    WRONG_ITEM = "wrong_item"
    NOT_AS_DESCRIBED = "not_as_described"
    CHANGED_MIND = "changed_mind"
    OTHER = "other"


class RefusalReason(StrEnum):
    """Why the shop does not take something back."""

    EXCLUDED = "excluded"
    """The product cannot be returned, such as opened food."""
    NOT_ELIGIBLE = "not_eligible"
    """The reason that the customer gave is no ground for a return."""
    OTHER = "other"


class ReturnUnknown(NotFound, PermanentError):
    """The order has no such return. An event about it is a dead letter at once."""

    def __init__(self) -> None:
        super().__init__("The order has no such return.")


class CannotBeChanged(Conflict):
    """The return's status does not allow this."""

    code = "return-cannot-be-changed"


class ReturnPeriodOver(Conflict):
    """The time in which the order's pieces could be returned is over."""

    code = "return-period-over"


class MoreThanBought(Conflict):
    """The order has fewer pieces that are not in a return yet."""

    code = "more-than-bought"


class TooManyReturns(Conflict):
    """The order has as many returns as one order can have."""

    code = "too-many-returns"


class NotInOrder(Unprocessable):
    """A line names a product that the order, or the return, does not have."""

    code = "not-in-order"


class DuplicateSku(Unprocessable):
    """Two lines name the same product."""

    code = "duplicate-sku"


class MoreThanAnnounced(Unprocessable):
    """An inspection names more pieces than the return announced."""

    code = "more-than-announced"


class IdempotencyKeyReused(Unprocessable):
    """The same Idempotency-Key came with another body."""

    code = "idempotency-key-reused"


class AccountClosed(Forbidden):
    """The account was deleted. Its token may still be valid, but it can request no returns."""

    code = "account-closed"


class RefundUnexpected(PermanentError):
    """A refund was paid that no inspection asked for, or another amount. An operator has to look."""

"""What may happen to an order, and when: each command, the statuses that allow it, and the status that each leads to.

`Order` consults this table at every change, and nothing else decides whether one status may follow another. The order's
methods add the guards that depend on more than the status, such as a parcel that has left, or a repeat.
The diagram in services/orders/README.md is made from it: `python -m tools.contracts.status_diagrams`.
"""

from enum import StrEnum

from orders.domain.status import OrderStatus

_PLACED = OrderStatus.PLACED
_CONFIRMED = OrderStatus.CONFIRMED
_FULFILLED = OrderStatus.FULFILLED
_ABANDONED = OrderStatus.ABANDONED
_CANCELLING = OrderStatus.CANCELLING
_CANCELLED = OrderStatus.CANCELLED
_REJECTED = OrderStatus.REJECTED
_PARKED = OrderStatus.PARKED


class Command(StrEnum):
    """The changes of an order, in the words of the diagram."""

    CONFIRM = "confirm"
    ABANDON = "abandon"
    REJECT = "reject"
    REQUEST_CANCELLATION = "request cancellation"
    CANCEL = "cancel"
    REFUSE_CANCELLATION = "refuse cancellation"
    FULFIL = "fulfil"
    PARK = "park"
    PARK_UNPAID = "park unpaid"
    """The parcel has left, and the money cannot be taken."""
    RESUME = "resume"
    RESUME_CANCELLATION = "resume cancellation"
    RESUME_CAPTURE = "resume capture"
    TAKE_OVER = "take over"
    """The execution that should have undone the order is lost: a resumption undoes everything instead."""
    RECORD = "record"
    """A fact about the money or the parcel."""
    REMIND = "remind"
    ERASE = "erase"
    ISSUES = "payment issues"
    """The payment's open issues, as payments reports them; or an operator has settled them."""
    RETURN = "return"
    """Accepted pieces of a return, or its refund."""


TRANSITIONS: dict[Command, dict[OrderStatus, OrderStatus]] = {
    # The saga decides.
    Command.CONFIRM: {_PLACED: _CONFIRMED},
    Command.ABANDON: {_PLACED: _ABANDONED},
    # A cancellation undoes.
    Command.REJECT: {_ABANDONED: _REJECTED},
    Command.REQUEST_CANCELLATION: {_PLACED: _CANCELLING, _ABANDONED: _CANCELLING, _CONFIRMED: _CANCELLING},
    Command.CANCEL: {_CANCELLING: _CANCELLED},
    Command.REFUSE_CANCELLATION: {_CANCELLING: _CONFIRMED},
    # Payments and shipping fulfil. Of a parked order both parts may arrive as well.
    Command.FULFIL: {_CONFIRMED: _FULFILLED, _PARKED: _FULFILLED},
    Command.RECORD: {status: status for status in (_CONFIRMED, _ABANDONED, _CANCELLING, _PARKED)},
    Command.REMIND: {_PLACED: _PLACED, _CONFIRMED: _CONFIRMED},
    # An operator resumes an order that was parked; the reconciler takes over one that nothing ends.
    Command.PARK: {_ABANDONED: _PARKED, _CANCELLING: _PARKED},
    Command.PARK_UNPAID: {_CONFIRMED: _PARKED},
    Command.RESUME: {_PARKED: _ABANDONED},
    Command.RESUME_CANCELLATION: {_PARKED: _CANCELLING},
    Command.RESUME_CAPTURE: {_PARKED: _CONFIRMED},
    Command.TAKE_OVER: {_ABANDONED: _ABANDONED, _CANCELLING: _CANCELLING},
    # Personal data go in every status.
    Command.ERASE: {status: status for status in OrderStatus},
    # Refunds fail and payments are disputed long after an order's end.
    Command.ISSUES: {status: status for status in OrderStatus},
    # So do returns.
    Command.RETURN: {status: status for status in OrderStatus},
}

"""What may happen to a return, and when: each command, the statuses that allow it, and the status that each leads to.

`Return` consults this table at every change, and nothing else decides whether one status may follow another. The
methods of `OrderReturns` add the guards that depend on more than the status, such as the pieces of other returns, or a
repeat. The diagram in services/returns/README.md is made from it: `python -m tools.contracts.status_diagrams`.
"""

from enum import StrEnum

from returns.domain.status import ReturnStatus

_REQUESTED = ReturnStatus.REQUESTED
_ACCEPTED = ReturnStatus.ACCEPTED
_LABELLED = ReturnStatus.LABELLED
_INSPECTED = ReturnStatus.INSPECTED
_EXPIRED = ReturnStatus.EXPIRED


class Command(StrEnum):
    """The changes of a return, in the words of the diagram."""

    ACCEPT = "accept"
    REFUSE = "refuse"
    WITHDRAW = "withdraw"
    LABEL = "book label"
    EXPIRE = "expire"
    INSPECT = "inspect"
    CLOSE = "inspect, nothing to refund"
    REFUND = "refund"


TRANSITIONS: dict[Command, dict[ReturnStatus, ReturnStatus]] = {
    # An operator, or a rule, decides.
    Command.ACCEPT: {_REQUESTED: _ACCEPTED},
    Command.REFUSE: {_REQUESTED: ReturnStatus.REFUSED},
    # The customer changes their mind before the pieces arrive.
    Command.WITHDRAW: dict.fromkeys((_REQUESTED, _ACCEPTED, _LABELLED), ReturnStatus.WITHDRAWN),
    # The parcel comes back, with the carrier's label or without one. It may come late.
    Command.LABEL: {_ACCEPTED: _LABELLED},
    Command.EXPIRE: {_ACCEPTED: _EXPIRED, _LABELLED: _EXPIRED},
    Command.INSPECT: dict.fromkeys((_ACCEPTED, _LABELLED, _EXPIRED), _INSPECTED),
    Command.CLOSE: dict.fromkeys((_ACCEPTED, _LABELLED, _EXPIRED), ReturnStatus.CLOSED),
    # Payments pays back.
    Command.REFUND: {_INSPECTED: ReturnStatus.REFUNDED},
}

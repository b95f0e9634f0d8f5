"""The refund of a return: a part of the captured money that goes back, or all of it, once for each return."""

from collections.abc import Mapping

from shared.errors import PermanentError
from shared.money import Money
from shared.record import Record


class RefundNotCovered(PermanentError):
    """The money that the provider took does not cover the refund: it is too much, none, or in another currency."""


class ReturnRefundDiffers(PermanentError):
    """The return was refunded before, or is being refunded, with another amount."""


class ReturnRefund(Record):
    """The refund of one return. `amount` is in minor units.

    It is stored before the provider is asked; `is_made` says that the provider's answer is stored as well.
    """

    amount: int
    is_made: bool = False


def begun(
    refunds: Mapping[str, ReturnRefund], return_id: str, amount: Money, captured: Money
) -> dict[str, ReturnRefund]:
    """The refunds, with a new one of `amount`. Raises RefundNotCovered if all of them would exceed `captured`.

    A refund that is not made yet counts, and so does one that failed later.
    """
    if amount.currency != captured.currency:
        raise RefundNotCovered(f"{return_id}: {amount.currency}, but the payment is in {captured.currency}")
    if not 0 < amount.amount <= captured.amount - total_of(refunds):
        raise RefundNotCovered(
            f"{return_id}: {amount.amount} after {total_of(refunds)} of {captured.amount} minor units"
        )
    return {**refunds, return_id: ReturnRefund(amount=amount.amount)}


def total_of(refunds: Mapping[str, ReturnRefund]) -> int:
    """The sum of all refunds, made or not, in minor units."""
    return sum(refund.amount for refund in refunds.values())

"""The provider's later reports: what became of a refund that it accepted, and the disputes of a payment.

"Accepted" is not "finished": a refund may fail days later, and a customer may dispute a payment for months. Each
report is about one refund or one dispute, and its latest status counts.

The objects: https://docs.stripe.com/api/refunds/object, https://docs.stripe.com/api/disputes/object
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Self

from shared.record import Record

REFUND, DISPUTE = "refund", "dispute"
"""The kinds of reports."""

# The statuses in the order in which they can follow. A status that is not listed counts as the first.
_ORDER = {
    REFUND: ("pending", "requires_action", "succeeded", "canceled", "failed"),
    DISPUTE: (
        *("warning_needs_response", "warning_under_review", "warning_closed"),
        *("needs_response", "under_review", "prevented", "won", "lost"),
    ),
}
_REFUND_STANDS = {"pending", "succeeded"}
_SHOP_KEEPS_THE_MONEY = {"warning_closed", "prevented", "won"}


class PaymentIssue(StrEnum):
    """A fault of a payment's money that a person has to see to."""

    REFUND_FAILED = "refund_failed"
    """The provider accepted a refund and could not give the money back."""
    REFUND_REQUIRES_ACTION = "refund_requires_action"
    """The customer has to do something before the provider can give the money back."""
    DISPUTED = "disputed"
    """The customer's bank questions the payment; the provider may hold its money back."""
    DISPUTE_LOST = "dispute_lost"
    """The bank decided for the customer: the money is gone."""


class Report(Record):
    """The latest statement on one refund or dispute. `reported_at` is in Unix seconds, by the provider's clock.

    `status` is empty if the provider named none, which Stripe may do for a refund. Such a refund has not failed, and
    has given nothing back; such a dispute is open.
    """

    kind: str
    status: str
    amount: int
    reported_at: int
    # The return that a refund was for.
    return_id: str | None = None

    def later_than(self, other: Self) -> bool:
        """Whether this is the later statement; within one second the order of the statuses decides.

        A statement without a status is earlier than every one with a status.
        """
        return self._place > other._place

    @property
    def issue(self) -> PaymentIssue | None:
        """The issue that the status is by itself."""
        if self.kind == REFUND:
            if not self.status or self.status in _REFUND_STANDS:
                return None
            needs_customer = self.status == "requires_action"
            return PaymentIssue.REFUND_REQUIRES_ACTION if needs_customer else PaymentIssue.REFUND_FAILED
        if self.status in _SHOP_KEEPS_THE_MONEY:
            return None
        return PaymentIssue.DISPUTE_LOST if self.status == "lost" else PaymentIssue.DISPUTED

    @property
    def _place(self) -> tuple[bool, int, int]:
        order = _ORDER[self.kind]
        rank = order.index(self.status) if self.status in order else 0
        return bool(self.status), self.reported_at, rank


def issues_in(reports: Mapping[str, Report], total: int) -> dict[str, PaymentIssue]:
    """The open issues of a payment of `total` minor units, by the id of the refund or dispute that each is about.

    A failed refund of a return counts until another refund of that return stands, and any other until refunds gave all
    of the total back.
    """
    standing = [
        report for report in reports.values() if report.kind == REFUND and report.status in _REFUND_STANDS
    ]
    returns = {refund.return_id for refund in standing if refund.return_id}
    all_given_back = sum(refund.amount for refund in standing) >= total
    issues = {subject: report.issue for subject, report in reports.items()}
    return {
        subject: issue
        for subject, issue in issues.items()
        if issue
        and (
            reports[subject].kind == DISPUTE or not (all_given_back or reports[subject].return_id in returns)
        )
    }

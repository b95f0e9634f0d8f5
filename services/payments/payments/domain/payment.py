"""The rules of a payment: its statuses, the transitions between them, and the event of each.

A payment is the customer's money for one order: the provider holds it, then takes it, or gives it back. What it took
goes back as a whole if the order is undone, and in parts for returns. The service
stores each status *before* it asks the provider to act, and the next one after the answer. So a later caller knows
which effects the provider may have had.

The provider's intent is opened first, which moves no money, and its reference is stored. Only then is it confirmed. So
the provider holds nothing for a payment without a reference, and a reference is enough to undo any other payment.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Self

from payments.domain import events
from payments.domain.report import PaymentIssue, Report, issues_in
from payments.domain.return_refund import ReturnRefund, ReturnRefundDiffers, begun, total_of
from shared.clock import timestamp
from shared.errors import PermanentError, TransientError
from shared.events import Event, Payload
from shared.money import Money
from shared.record import Record
from shared.saga import SagaOrder


class PaymentStatus(StrEnum):
    """The status of a payment. A status in -ing says that the provider was asked and its answer is not stored yet."""

    AUTHORIZING = "authorizing"
    AUTHORIZED = "authorized"
    DECLINED = "declined"
    CAPTURING = "capturing"
    CAPTURED = "captured"
    CAPTURE_FAILED = "capture_failed"
    VOIDING = "voiding"
    VOIDED = "voided"
    REFUNDING = "refunding"
    REFUNDED = "refunded"

    @property
    def given_up(self) -> bool:
        """Whether the money is released or refunded, or about to be: no authorization or capture may follow."""
        return self in {self.VOIDING, self.VOIDED, self.REFUNDING, self.REFUNDED}

    @property
    def is_under_way(self) -> bool:
        """Whether the provider was asked, and its answer is not stored yet."""
        return self in {self.AUTHORIZING, self.CAPTURING, self.VOIDING, self.REFUNDING}

    @property
    def was_authorized(self) -> bool:
        """Whether the provider held the money and the payment was not given up since."""
        return self in {self.AUTHORIZED, self.CAPTURING, self.CAPTURED, self.CAPTURE_FAILED}


class CardDeclined(PermanentError):
    """The provider refused the customer's means of payment; the order cannot be paid with it."""


class AlreadyVoided(PermanentError):
    """The payment was voided or refunded before, so this authorization or capture does nothing."""


class OrderDecided(PermanentError):
    """The order is no longer placed and has forgotten its payment token, so this authorization comes too late."""


class PaymentNotAuthorized(PermanentError):
    """The provider holds no money for the order, so there is nothing to capture."""


class CaptureFailed(PermanentError):
    """The provider cannot take the money: the hold has expired, or the card's bank refuses."""


class PaymentNotCaptured(PermanentError):
    """The order's money was not captured, so there is nothing to refund; a void releases held money."""


class PaymentRefused(PermanentError):
    """The provider refused the request for a reason that no retry and no customer can mend (key, account, state).

    `intent_status` is the intent's status at the provider, if the provider was asked for it.
    """

    def __init__(self, reason: str, *, intent_status: str | None = None) -> None:
        super().__init__(reason)
        self.intent_status = intent_status


class AlreadyCaptured(PaymentRefused):
    """The provider took the money already: it cannot release the money any more, but refund it."""


class ProviderUnavailable(TransientError):
    """The provider gave no usable answer in time. The effect is unknown, and another try is safe."""


class IllegalTransition(PermanentError):
    """The payment's status does not allow this change."""


@dataclass(frozen=True)
class Transition:
    """The statuses that a command is allowed in, and the status that it leads to."""

    allowed_in: frozenset[PaymentStatus]
    leads_to: PaymentStatus


def _from(*allowed_in: PaymentStatus, to: PaymentStatus) -> Transition:
    return Transition(frozenset(allowed_in), to)


_S = PaymentStatus
TRANSITIONS: Mapping[str, Transition] = MappingProxyType(
    {
        "opened": _from(_S.AUTHORIZING, to=_S.AUTHORIZING),
        "authorize": _from(_S.AUTHORIZING, to=_S.AUTHORIZED),
        "decline": _from(_S.AUTHORIZING, to=_S.DECLINED),
        # From CAPTURE_FAILED only if an operator or the order asks for another try.
        "begin_capture": _from(_S.AUTHORIZED, _S.CAPTURE_FAILED, to=_S.CAPTURING),
        "capture": _from(_S.CAPTURING, to=_S.CAPTURED),
        "fail_capture": _from(_S.CAPTURING, to=_S.CAPTURE_FAILED),
        "begin_void": _from(_S.AUTHORIZING, _S.AUTHORIZED, _S.CAPTURING, _S.CAPTURE_FAILED, to=_S.VOIDING),
        # From AUTHORIZING only without a reference: then the provider was never asked to hold money.
        "void": _from(_S.AUTHORIZING, _S.VOIDING, to=_S.VOIDED),
        # From VOIDING if the provider turns out to have captured the money.
        "begin_refund": _from(_S.CAPTURED, _S.VOIDING, to=_S.REFUNDING),
        "refund": _from(_S.REFUNDING, to=_S.REFUNDED),
        # The refund of a return leaves the payment captured, also if with it all of the money went back.
        "begin_return_refund": _from(_S.CAPTURED, to=_S.CAPTURED),
        "return_refunded": _from(_S.CAPTURED, to=_S.CAPTURED),
    }
)
"""Each command of `Payment`; the first status is AUTHORIZING (`begun`) or VOIDED (`tombstone`)."""


class Payment(Record):
    """The payment of one order, as last written. Amounts are in minor units."""

    order_id: str
    payment_id: str
    correlation_id: str
    amount: Money
    status: PaymentStatus
    version: int
    created_at: str
    updated_at: str
    provider_reference: str | None = None
    reason: str | None = None
    failed_captures: int = 0
    # The version and the time of the last capture or of its failure.
    outcome_version: int | None = None
    outcome_at: str | None = None
    # The provider's latest statement on each refund and dispute, by its id.
    reports: dict[str, Report] = field(default_factory=dict)
    # The refunds of returns, by the id of the return.
    return_refunds: dict[str, ReturnRefund] = field(default_factory=dict)

    @classmethod
    def begun(cls, order: SagaOrder, now: datetime) -> Self:
        """A new payment, about to be authorized."""
        return cls._first(order, PaymentStatus.AUTHORIZING, now)

    @classmethod
    def tombstone(cls, order: SagaOrder, now: datetime) -> Self:
        """A voided payment for an order without one; a late authorization finds it and stops."""
        return cls._first(order, PaymentStatus.VOIDED, now)

    @classmethod
    def _first(cls, order: SagaOrder, status: PaymentStatus, now: datetime) -> Self:
        return cls(
            order_id=order.order_id,
            payment_id=f"pay-{order.order_id}",
            correlation_id=order.correlation_id,
            amount=order.total,
            status=status,
            version=1,
            created_at=timestamp(now),
            updated_at=timestamp(now),
        )

    @property
    def may_hold_money(self) -> bool:
        """Whether the provider may hold the customer's money, or have taken it."""
        settled = {PaymentStatus.DECLINED, PaymentStatus.VOIDED, PaymentStatus.REFUNDED}
        return self.provider_reference is not None and self.status not in settled

    @property
    def is_under_way(self) -> bool:
        """Whether the provider was asked for anything, and its answer is not stored yet."""
        return self.status.is_under_way or bool(self.unanswered_return_refunds)

    @property
    def unanswered_return_refunds(self) -> dict[str, Money]:
        """The refunds of returns that the provider was asked for and whose answers are not stored, by the return's id.

        None of them counts once the payment is no longer captured: then all of its money goes back.
        """
        if self.status is not PaymentStatus.CAPTURED:
            return {}
        return {
            return_id: Money(amount=refund.amount, currency=self.amount.currency)
            for return_id, refund in self.return_refunds.items()
            if not refund.is_made
        }

    @property
    def refunded_for_returns(self) -> int:
        """The sum that the provider was asked to give back for returns, answered or not, in minor units."""
        return total_of(self.return_refunds)

    @property
    def issues(self) -> tuple[PaymentIssue, ...]:
        """What the provider reported that a person has to see to."""
        return tuple(sorted(set(self._issues_by_subject.values())))

    @property
    def _issues_by_subject(self) -> dict[str, PaymentIssue]:
        return issues_in(self.reports, self.amount.amount)

    @property
    def failure_version(self) -> int:
        """The version of the last failure to capture."""
        return self.outcome_version or self.version

    @property
    def reference(self) -> str:
        """The reference of the provider's intent; raises IllegalTransition if no intent is stored."""
        if self.provider_reference is None:
            raise IllegalTransition(f"payment {self.payment_id} has no intent")
        return self.provider_reference

    def opened(self, reference: str, now: datetime) -> Self:
        """The provider opened the intent `reference`, and holds nothing yet."""
        return self._changed("opened", now, provider_reference=reference)

    def authorize(self, now: datetime) -> tuple[Self, list[Event]]:
        """The provider holds the money."""
        return self._published("authorize", events.PaymentAuthorized, now)

    def decline(self, reason: str, now: datetime) -> tuple[Self, list[Event]]:
        """The provider refused the means of payment; `reason` is its code."""
        return self._published("decline", events.PaymentDeclined, now, reason=reason)

    def begin_capture(self, now: datetime) -> Self:
        """The provider is about to be asked for the held money, for the first time or after a failure."""
        return self._changed("begin_capture", now)

    def capture(self, now: datetime) -> tuple[Self, list[Event]]:
        """The provider took the money."""
        return self._published("capture", events.PaymentCaptured, now, reason=None, **self._outcome(now))

    def fail_capture(self, reason: str, now: datetime) -> tuple[Self, list[Event]]:
        """The provider cannot take the money; `reason` is its code or message."""
        failures = self.failed_captures + 1
        return self._published(
            "fail_capture",
            events.PaymentCaptureFailed,
            now,
            reason=reason,
            failed_captures=failures,
            **self._outcome(now),
        )

    def outcome_of_capture(self) -> Event:
        """The event of the last capture or of its failure, as it was published then."""
        if self.status not in {PaymentStatus.CAPTURED, PaymentStatus.CAPTURE_FAILED}:
            raise IllegalTransition(f"payment {self.payment_id} is {self.status.value}")
        captured = self.status is PaymentStatus.CAPTURED
        kind = events.PaymentCaptured if captured else events.PaymentCaptureFailed
        then = self.model_copy(update={"version": self.outcome_version or self.version})
        return then._event(kind, datetime.fromisoformat(self.outcome_at or self.updated_at), **self._why)

    @property
    def capture_key(self) -> str:
        """The idempotency key of the next capture. It changes with each failure: the provider repeats answers."""
        again = f"-{self.failed_captures}" if self.failed_captures else ""
        return f"{self.order_id}:capture{again}"

    def begin_void(self, now: datetime) -> Self:
        """The provider is about to be asked to release the money; no authorization or capture may follow."""
        return self._changed("begin_void", now)

    def void(self, now: datetime) -> tuple[Self, list[Event]]:
        """The provider holds no money and will not. Raises IllegalTransition if it may still hold money."""
        if self.may_hold_money and self.status is not PaymentStatus.VOIDING:
            raise IllegalTransition(f"payment {self.payment_id} may hold money")
        return self._published("void", events.PaymentVoided, now)

    def begin_refund(self, now: datetime) -> Self:
        """The provider is about to be asked to give the captured money back."""
        return self._changed("begin_refund", now)

    def refund(self, now: datetime) -> tuple[Self, list[Event]]:
        """The provider gave all of the money back."""
        return self._published("refund", events.PaymentRefunded, now)

    def refund_of(self, return_id: str, amount: Money) -> ReturnRefund | None:
        """The refund of the return, or None. Raises ReturnRefundDiffers if it is not of `amount`."""
        refund = self.return_refunds.get(return_id)
        if refund is not None and (refund.amount, self.amount.currency) != (amount.amount, amount.currency):
            raise ReturnRefundDiffers(f"{return_id}: {amount.amount}, but {refund.amount} before")
        return refund

    def begin_return_refund(self, return_id: str, amount: Money, now: datetime) -> Self:
        """The provider is about to be asked to give `amount` back for a return, for the first time.

        Raises RefundNotCovered.
        """
        if return_id in self.return_refunds:
            raise IllegalTransition(f"the refund of {return_id} was begun before")
        refunds = begun(self.return_refunds, return_id, amount, captured=self.amount)
        return self._changed("begin_return_refund", now, return_refunds=refunds)

    def return_refunded(self, return_id: str, now: datetime) -> tuple[Self, list[Event]]:
        """The provider gave the money back that it was asked for."""
        if return_id not in self.unanswered_return_refunds:
            raise IllegalTransition(f"no refund of {return_id} waits for its answer")
        refund = self.return_refunds[return_id].model_copy(update={"is_made": True})
        refunds = {**self.return_refunds, return_id: refund}
        changed = self._changed("return_refunded", now, return_refunds=refunds)
        made = sum(each.amount for each in refunds.values() if each.is_made)
        facts = events.PaymentReturnRefunded(
            order_id=self.order_id,
            payment_id=self.payment_id,
            return_id=return_id,
            amount=Money(amount=refund.amount, currency=self.amount.currency),
            refunded=Money(amount=made, currency=self.amount.currency),
        )
        return changed, [changed._stamped(facts, now)]

    def report(self, subject: str, report: Report, now: datetime) -> tuple[Self, list[Event]]:
        """The provider's statement on the refund or dispute `subject`, in any status of the payment.

        Changes nothing if a statement as late is known. Publishes the open issues if they differ,
        also if another refund or dispute has an issue of the same kind.
        """
        known = self.reports.get(subject)
        if known is not None and not report.later_than(known):
            return self, []
        reported = self.model_copy(
            update={
                "reports": {**self.reports, subject: report},
                "version": self.version + 1,
                "updated_at": timestamp(now),
            }
        )
        by_subject = reported._issues_by_subject
        if by_subject == self._issues_by_subject:
            return reported, []
        issues = [issue.value for issue in reported.issues]
        causes = sorted(f"{issue.value}:{subject}" for subject, issue in by_subject.items())
        return reported, [reported._event(events.PaymentIssuesChanged, now, issues=issues, causes=causes)]

    def _outcome(self, now: datetime) -> dict[str, Any]:
        return {"outcome_version": self.version + 1, "outcome_at": timestamp(now)}

    def _changed(self, command: str, now: datetime, **changes: Any) -> Self:
        """The next version of the payment, after `command`; raises IllegalTransition."""
        transition = TRANSITIONS[command]
        if self.status not in transition.allowed_in:
            raise IllegalTransition(f"payment {self.payment_id} is {self.status.value}")
        progress = {"status": transition.leads_to, "version": self.version + 1, "updated_at": timestamp(now)}
        return self.model_copy(update={**changes, **progress})

    def _published(
        self, command: str, kind: type[events.PaymentFacts], now: datetime, **changes: Any
    ) -> tuple[Self, list[Event]]:
        """The payment after `command`, with its event."""
        changed = self._changed(command, now, **changes)
        return changed, [changed._event(kind, now, **changed._why)]

    @property
    def _why(self) -> dict[str, str]:
        return {"reason": self.reason} if self.reason else {}

    def _event(self, kind: type[events.PaymentFacts], now: datetime, **more: Any) -> Event:
        facts = kind(order_id=self.order_id, payment_id=self.payment_id, amount=self.amount, **more)
        return self._stamped(facts, now)

    def _stamped(self, facts: Payload, now: datetime) -> Event:
        return Event.of(
            facts,
            aggregate_id=self.payment_id,
            aggregate_version=self.version,
            occurred_at=now,
            correlation_id=self.correlation_id,
        )

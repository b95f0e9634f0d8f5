"""The rules of a payment, without AWS: which status may follow which, and which event tells of it.

A payment is the customer's money for one order: held, then taken, or given back. Its status is written *before* the
provider is asked to act and again after it answered, so that whoever comes later knows what may have happened there:

    (none) ──► authorizing ──► authorized ──► capturing ──► captured
      │            │ │             │            │  ▲ │         │
      │            │ └► declined   │            │  │ └► capture_failed
      │            │               │            │  └──────┘│   ▼
      │            ▼               ▼            ▼          │ refunding ──► refunded
      │         voiding ◄──────────┴────────────┴──────────┘   ▲
      │            │ └────── it turned out to be captured ─────┘
      └────────► voided

A capture that failed for good is tried again only when somebody asks for that.
From `voiding` and `refunding` on nothing is authorized or captured any more. A payment is voided straight away where
the provider was never asked to hold anything.

The provider's intent is opened first, which moves no money, and its reference recorded; only then is it confirmed. So a
payment without a reference holds nothing, and one with a reference can always be undone at the provider by it.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any, Self

from pydantic import BaseModel, ConfigDict

from payments.domain import events
from shared.clock import timestamp
from shared.errors import PermanentError, TransientError
from shared.events import Event
from shared.money import Money
from shared.saga import SagaOrder


class PaymentStatus(StrEnum):
    """Where a payment stands."""

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
        """Whether the money went back or is on its way: nothing is authorized or captured any more."""
        return self in {self.VOIDING, self.VOIDED, self.REFUNDING, self.REFUNDED}

    @property
    def is_under_way(self) -> bool:
        """Whether the provider was asked, and its answer is yet to be written down."""
        return self in {self.AUTHORIZING, self.CAPTURING, self.VOIDING, self.REFUNDING}

    @property
    def was_authorized(self) -> bool:
        """Whether the money was held, whatever became of its capture, and was not given up since."""
        return self in {self.AUTHORIZED, self.CAPTURING, self.CAPTURED, self.CAPTURE_FAILED}


class CardDeclined(PermanentError):
    """The customer's means of payment was refused; the order cannot be paid with it."""


class PaymentVoided(PermanentError):
    """The payment was voided or refunded before: this authorization or capture came too late and does nothing."""


class PaymentNotAuthorized(PermanentError):
    """Nothing is held for the order, so there is nothing to capture."""


class CaptureFailed(PermanentError):
    """The money that was held cannot be taken: the hold is gone at the provider, or the card's bank refuses."""


class PaymentNotCaptured(PermanentError):
    """The order's money was not taken, so there is nothing to refund; what is held is released by a void."""


class PaymentRefused(PermanentError):
    """The provider refuses the request for a reason that no retry and no customer can mend (key, account, state).

    `intent_status` is the status in which it refused, at the provider, where it was asked for that.
    """

    def __init__(self, reason: str, *, intent_status: str | None = None) -> None:
        super().__init__(reason)
        self.intent_status = intent_status


class AlreadyCaptured(PaymentRefused):
    """The money cannot be released, since the provider took it already; it can be refunded."""


class ProviderUnavailable(TransientError):
    """The provider gave no usable answer in time; what it did is unknown, and asking again is safe."""


class IllegalTransition(PermanentError):
    """The payment's status does not allow this change."""


class Payment(BaseModel):
    """The payment of one order, as last written. Amounts are in minor units."""

    model_config = ConfigDict(frozen=True, extra="ignore")

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

    @classmethod
    def begun(cls, order: SagaOrder, now: datetime) -> Self:
        """The payment that is about to be authorized."""
        return cls._first(order, PaymentStatus.AUTHORIZING, now)

    @classmethod
    def tombstone(cls, order: SagaOrder, now: datetime) -> Self:
        """The voided payment of an order for which none was ever begun; a late authorization finds it and stops."""
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
        """Whether the provider may have the customer's money, held or taken, as far as the records tell."""
        settled = {PaymentStatus.DECLINED, PaymentStatus.VOIDED, PaymentStatus.REFUNDED}
        return self.provider_reference is not None and self.status not in settled

    @property
    def reference(self) -> str:
        """The provider's reference; raises IllegalTransition before its intent was opened."""
        if self.provider_reference is None:
            raise IllegalTransition(f"payment {self.payment_id} has no intent")
        return self.provider_reference

    def opened(self, reference: str, now: datetime) -> Self:
        """The provider's intent is open under `reference`; nothing is held yet."""
        self._refuse_unless(PaymentStatus.AUTHORIZING)
        return self._changed(now, provider_reference=reference)

    def authorize(self, now: datetime) -> tuple[Self, list[Event]]:
        """The provider holds the money."""
        self._refuse_unless(PaymentStatus.AUTHORIZING)
        return self._told(events.PaymentAuthorized, PaymentStatus.AUTHORIZED, now)

    def decline(self, reason: str, now: datetime) -> tuple[Self, list[Event]]:
        """The provider refused the means of payment; `reason` is its code for why."""
        self._refuse_unless(PaymentStatus.AUTHORIZING)
        return self._told(events.PaymentDeclined, PaymentStatus.DECLINED, now, reason=reason)

    def begin_capture(self, now: datetime) -> Self:
        """The held money is about to be taken, for the first time or once more after that failed."""
        self._refuse_unless(PaymentStatus.AUTHORIZED, PaymentStatus.CAPTURE_FAILED)
        return self._changed(now, status=PaymentStatus.CAPTURING)

    def capture(self, now: datetime) -> tuple[Self, list[Event]]:
        """The provider took the money."""
        self._refuse_unless(PaymentStatus.CAPTURING)
        return self._told(events.PaymentCaptured, PaymentStatus.CAPTURED, now, reason=None)

    def fail_capture(self, reason: str, now: datetime) -> tuple[Self, list[Event]]:
        """The provider will not give the money; `reason` is what it says."""
        self._refuse_unless(PaymentStatus.CAPTURING)
        return self._told(
            events.PaymentCaptureFailed,
            PaymentStatus.CAPTURE_FAILED,
            now,
            reason=reason,
            failed_captures=self.failed_captures + 1,
        )

    def outcome_of_capture(self) -> Event:
        """The event that told what came of the capture, as it was told then."""
        self._refuse_unless(PaymentStatus.CAPTURED, PaymentStatus.CAPTURE_FAILED)
        captured = self.status is PaymentStatus.CAPTURED
        told = events.PaymentCaptured if captured else events.PaymentCaptureFailed
        return self._telling(told, datetime.fromisoformat(self.updated_at))

    @property
    def capture_key(self) -> str:
        """The idempotency key of the capture: a new one after each that failed, as the provider repeats its answer."""
        again = f"-{self.failed_captures}" if self.failed_captures else ""
        return f"{self.order_id}:capture{again}"

    def begin_void(self, now: datetime) -> Self:
        """The hold is about to be released; no authorization and no capture counts from here on."""
        self._refuse_unless(
            PaymentStatus.AUTHORIZING,
            PaymentStatus.AUTHORIZED,
            PaymentStatus.CAPTURING,
            PaymentStatus.CAPTURE_FAILED,
        )
        return self._changed(now, status=PaymentStatus.VOIDING)

    def void(self, now: datetime) -> tuple[Self, list[Event]]:
        """Nothing is held and nothing will be. Raises IllegalTransition while the provider may still hold money."""
        if self.may_hold_money:
            self._refuse_unless(PaymentStatus.VOIDING)
        self._refuse_unless(PaymentStatus.AUTHORIZING, PaymentStatus.VOIDING)
        return self._told(events.PaymentVoided, PaymentStatus.VOIDED, now)

    def begin_refund(self, now: datetime) -> Self:
        """The money is about to be given back, also where it was to be released and turned out to be captured."""
        self._refuse_unless(PaymentStatus.CAPTURED, PaymentStatus.VOIDING)
        return self._changed(now, status=PaymentStatus.REFUNDING)

    def refund(self, now: datetime) -> tuple[Self, list[Event]]:
        """The provider gave all of the money back."""
        self._refuse_unless(PaymentStatus.REFUNDING)
        return self._told(events.PaymentRefunded, PaymentStatus.REFUNDED, now)

    def _refuse_unless(self, *allowed: PaymentStatus) -> None:
        if self.status not in allowed:
            raise IllegalTransition(f"payment {self.payment_id} is {self.status.value}")

    def _changed(self, now: datetime, **changes: Any) -> Self:
        return self.model_copy(update={**changes, "version": self.version + 1, "updated_at": timestamp(now)})

    def _told(
        self, told: type[events.PaymentFacts], status: PaymentStatus, now: datetime, **changes: Any
    ) -> tuple[Self, list[Event]]:
        """The payment in its new status, and the event that tells of it."""
        changed = self._changed(now, status=status, **changes)
        return changed, [changed._telling(told, now)]

    def _telling(self, told: type[events.PaymentFacts], now: datetime) -> Event:
        reason = {"reason": self.reason} if self.reason else {}
        return Event.of(
            told(order_id=self.order_id, payment_id=self.payment_id, amount=self.amount, **reason),
            aggregate_id=self.payment_id,
            aggregate_version=self.version,
            occurred_at=now,
            correlation_id=self.correlation_id,
        )

"""The rules of a payment, without AWS: which status may follow which, and which event tells of it.

A payment is the hold on the customer's money for one order. Its status is written *before* the provider is asked to act
and again after it answered, so that whoever comes later knows what may have happened at the provider:

    (none) ──► authorizing ──► authorized
      │            │ │             │
      │            │ └► declined   │          nothing is held; there is nothing to void
      │            ▼               ▼
      │         voiding ◄──────────┘          from here on no authorization counts any more
      │            │
      └────────► voided                       straight away where the provider was never asked to hold anything

The provider's intent is opened first, which moves no money, and its reference recorded; only then is it confirmed. So a
payment without a reference holds nothing, and one with a reference can always be cancelled at the provider by it.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any, Self

from pydantic import BaseModel, ConfigDict

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
    VOIDING = "voiding"
    VOIDED = "voided"


class CardDeclined(PermanentError):
    """The customer's means of payment was refused; the order cannot be paid with it."""


class PaymentVoided(PermanentError):
    """The payment was voided before it could be authorized: this authorization came too late and holds nothing."""


class PaymentRefused(PermanentError):
    """The provider refuses the request for a reason that no retry and no customer can mend (key, account, state)."""


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
        """Whether the provider may hold the customer's money, as far as the records tell."""
        return self.provider_reference is not None and self.status is not PaymentStatus.DECLINED

    def opened(self, reference: str, now: datetime) -> Self:
        """The provider's intent is open under `reference`; nothing is held yet."""
        self._refuse_unless(PaymentStatus.AUTHORIZING)
        return self._changed(now, provider_reference=reference)

    def authorize(self, now: datetime) -> tuple[Self, list[Event]]:
        """The provider holds the money."""
        self._refuse_unless(PaymentStatus.AUTHORIZING)
        authorized = self._changed(now, status=PaymentStatus.AUTHORIZED)
        return authorized, [authorized._event("payment.authorized", now)]

    def decline(self, reason: str, now: datetime) -> tuple[Self, list[Event]]:
        """The provider refused the means of payment; `reason` is its code for why."""
        self._refuse_unless(PaymentStatus.AUTHORIZING)
        declined = self._changed(now, status=PaymentStatus.DECLINED, reason=reason)
        return declined, [declined._event("payment.declined", now)]

    def begin_void(self, now: datetime) -> Self:
        """The hold is about to be released; no authorization counts from here on."""
        self._refuse_unless(PaymentStatus.AUTHORIZING, PaymentStatus.AUTHORIZED)
        return self._changed(now, status=PaymentStatus.VOIDING)

    def void(self, now: datetime) -> tuple[Self, list[Event]]:
        """Nothing is held and nothing will be. Raises IllegalTransition while the provider may still hold money."""
        if self.may_hold_money:
            self._refuse_unless(PaymentStatus.VOIDING)
        self._refuse_unless(PaymentStatus.AUTHORIZING, PaymentStatus.VOIDING)
        voided = self._changed(now, status=PaymentStatus.VOIDED)
        return voided, [voided._event("payment.voided", now)]

    def _refuse_unless(self, *allowed: PaymentStatus) -> None:
        if self.status not in allowed:
            raise IllegalTransition(f"payment {self.payment_id} is {self.status.value}")

    def _changed(self, now: datetime, **changes: Any) -> Self:
        return self.model_copy(update={**changes, "version": self.version + 1, "updated_at": timestamp(now)})

    def _event(self, event_type: str, now: datetime) -> Event:
        data = {"order_id": self.order_id, "payment_id": self.payment_id, "amount": self.amount.model_dump()}
        if self.reason:
            data["reason"] = self.reason
        return Event.of(
            event_type,
            aggregate_id=self.payment_id,
            aggregate_version=self.version,
            occurred_at=now,
            correlation_id=self.correlation_id,
            data=data,
        )

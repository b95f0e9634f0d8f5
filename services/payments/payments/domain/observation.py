"""The provider's statements on an order's payment, and whether they fit the payment that we have stored.

An observation changes no payment, since the provider's events come late, twice and in any order. An observation that
does not fit is marked; the reconcile function then asks the provider and resolves the difference.
"""

from datetime import datetime
from enum import StrEnum
from typing import Self

from pydantic import BaseModel, ConfigDict, Field

from payments.domain.intent import ProviderStatus
from payments.domain.payment import Payment, PaymentStatus
from payments.domain.provider_event import Id, Lenient, ProviderEvent

_MAX_ORDER_ID = 255

_OWES_NOTHING = {ProviderStatus.FAILED, ProviderStatus.REFUNDED, ProviderStatus.CANCELED}

# The provider's statuses that fit each status of a payment.
_FITS: dict[PaymentStatus, set[ProviderStatus]] = {
    PaymentStatus.AUTHORIZING: {ProviderStatus.FAILED, ProviderStatus.HELD},
    PaymentStatus.AUTHORIZED: {ProviderStatus.HELD},
    PaymentStatus.DECLINED: {ProviderStatus.FAILED, ProviderStatus.CANCELED},
    PaymentStatus.CAPTURING: {ProviderStatus.HELD, ProviderStatus.TAKEN},
    PaymentStatus.CAPTURED: {ProviderStatus.TAKEN},
    # TAKEN differs: an operator took the money at the provider, and the order's capture has to be tried again.
    PaymentStatus.CAPTURE_FAILED: {ProviderStatus.FAILED, ProviderStatus.HELD, ProviderStatus.CANCELED},
    PaymentStatus.VOIDING: {
        ProviderStatus.FAILED,
        ProviderStatus.HELD,
        ProviderStatus.TAKEN,
        ProviderStatus.CANCELED,
    },
    PaymentStatus.VOIDED: {ProviderStatus.CANCELED},
    PaymentStatus.REFUNDING: {
        ProviderStatus.TAKEN,
        ProviderStatus.PARTIALLY_REFUNDED,
        ProviderStatus.REFUNDED,
    },
    PaymentStatus.REFUNDED: {ProviderStatus.REFUNDED},
}
# Earlier statuses that also fit, in an event from before the payment's last change.
_PASSED: dict[PaymentStatus, set[ProviderStatus]] = {
    PaymentStatus.CAPTURED: {ProviderStatus.HELD},
    PaymentStatus.VOIDED: {ProviderStatus.FAILED, ProviderStatus.HELD},
    PaymentStatus.REFUNDING: {ProviderStatus.HELD},
    PaymentStatus.REFUNDED: {ProviderStatus.HELD, ProviderStatus.TAKEN, ProviderStatus.PARTIALLY_REFUNDED},
}


class Remedy(StrEnum):
    """The action that resolves a difference between an intent and our payment."""

    NONE = "none"
    CANCEL = "cancel"
    REFUND = "refund"
    OPERATOR = "operator"


# The payments that are over: money that the provider still has for them must go back.
_OVER = {PaymentStatus.VOIDED, PaymentStatus.DECLINED, PaymentStatus.REFUNDED}


class _Intent(Lenient):
    id: Id
    metadata: dict[str, str] = Field(default_factory=dict)


class _Charge(Lenient):
    payment_intent: Id | None = None
    captured: bool
    refunded: bool
    amount_refunded: int = Field(default=0, ge=0, le=10**15)
    # Stripe copies an intent's metadata to its charges.
    metadata: dict[str, str] = Field(default_factory=dict)

    @property
    def status(self) -> ProviderStatus:
        """The status after a refund, or after the hold expired. Stripe also reports a release as a refund."""
        if not self.captured:
            return ProviderStatus.CANCELED
        return ProviderStatus.REFUNDED if self.refunded else ProviderStatus.PARTIALLY_REFUNDED


_INTENT_EVENTS = {
    "payment_intent.payment_failed": ProviderStatus.FAILED,
    "payment_intent.amount_capturable_updated": ProviderStatus.HELD,
    "payment_intent.succeeded": ProviderStatus.TAKEN,
    "payment_intent.canceled": ProviderStatus.CANCELED,
}
_CHARGE_EVENTS = frozenset({"charge.refunded", "charge.expired"})
OBSERVED_TYPES = _CHARGE_EVENTS | _INTENT_EVENTS.keys()
"""The types of events that say how an intent stands."""


class Observation(BaseModel):
    """The provider's latest statement on one intent. `observed_at` is in Unix seconds, by the provider's clock.

    `differs_from` is set if the statement did not fit our payment when it was stored. It is the payment's status, or
    `none` if the order had no payment.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    reference: str
    order_id: str
    provider_status: ProviderStatus
    observed_at: int
    event_id: str
    # What the provider gave back so far, in minor units.
    amount_refunded: int = 0
    differs_from: str | None = None
    version: int = 1

    @classmethod
    def in_event(cls, event: ProviderEvent) -> Self | None:
        """The observation in the event; None if the event is of another type, or its intent belongs to no order.

        Raises pydantic's ValidationError if the event is of a known type and cannot be read.
        """
        reference: str | None
        refunded = 0
        if event.type in _INTENT_EVENTS:
            intent = _Intent.model_validate(event.data.object)
            reference, metadata, status = intent.id, intent.metadata, _INTENT_EVENTS[event.type]
        elif event.type in _CHARGE_EVENTS:
            charge = _Charge.model_validate(event.data.object)
            reference, metadata, status = charge.payment_intent, charge.metadata, charge.status
            refunded = charge.amount_refunded
        else:
            return None
        order_id = metadata.get("order_id")
        if not reference or not order_id or len(order_id) > _MAX_ORDER_ID:
            return None
        return cls(
            reference=reference,
            order_id=order_id,
            provider_status=status,
            observed_at=event.created,
            event_id=event.id,
            amount_refunded=refunded,
        )

    def later_than(self, other: Self) -> bool:
        """Whether this is the later statement; within one second the order of `ProviderStatus` decides."""
        ranks = list(ProviderStatus)
        mine, theirs = ranks.index(self.provider_status), ranks.index(other.provider_status)
        return (self.observed_at, mine) > (other.observed_at, theirs)

    def compared(self, payment: Payment | None) -> Self:
        """The observation with `differs_from` set, if it does not fit the order's payment."""
        ours = payment.status.value if payment else "none"
        return self.model_copy(update={"differs_from": None if self.fits(payment) else ours})

    def remedy(self, payment: Payment | None) -> Remedy:
        """The action that resolves this present statement, given the order's present payment.

        Money goes back without an operator only if the intent is the payment's own and the payment is over. An intent
        that no payment names may belong to another stage. An operator decides whether an unpaid order stands.
        """
        if self.fits(payment):
            return Remedy.NONE
        if payment is None or payment.provider_reference != self.reference or payment.status not in _OVER:
            return Remedy.OPERATOR
        if self.provider_status in _OWES_NOTHING:
            return Remedy.NONE
        return Remedy.CANCEL if self.provider_status is ProviderStatus.HELD else Remedy.REFUND

    def fits(self, payment: Payment | None) -> bool:
        """Whether the statement is consistent with the order's payment as we have stored it."""
        if payment is None or payment.provider_reference != self.reference:
            # No payment of ours names this intent, so it must hold none of a customer's money.
            return self.provider_status in _OWES_NOTHING
        if self.provider_status in _FITS[payment.status] or self._is_of_returns(payment):
            return True
        last_change = datetime.fromisoformat(payment.updated_at).timestamp()
        return self.observed_at <= last_change and self.provider_status in _PASSED.get(payment.status, set())

    def _is_of_returns(self, payment: Payment) -> bool:
        """Whether the provider gave back no more than it was asked to for returns, be it a part of the money or all.

        Less fits as well: the statement may be from between two refunds. A refund that failed has a report of its own.
        """
        gave_back = self.provider_status in {ProviderStatus.PARTIALLY_REFUNDED, ProviderStatus.REFUNDED}
        asked = payment.refunded_for_returns if payment.status is PaymentStatus.CAPTURED else 0
        return gave_back and 0 < self.amount_refunded <= asked

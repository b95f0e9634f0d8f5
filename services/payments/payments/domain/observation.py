"""What the provider says of an order's payment, and whether that fits what we have written down; without AWS.

An observation changes no payment: the provider's events come late, twice and in any order. Where it does not fit it is
marked, for somebody to ask the provider and put the payment right.
"""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field

from payments.domain.payment import Payment, PaymentStatus
from shared.errors import TransientError

_MAX_ORDER_ID = 255
_Id = Annotated[str, Field(min_length=1, max_length=255)]


class ObservationContended(TransientError):
    """Another event of the same intent was recorded at the same moment; trying again works."""


class ProviderStatus(StrEnum):
    """What became of an intent, in the order in which it can happen."""

    FAILED = "requires_payment_method"
    HELD = "requires_capture"
    TAKEN = "succeeded"
    PARTIALLY_REFUNDED = "partially_refunded"
    REFUNDED = "refunded"
    CANCELED = "canceled"


_OWES_NOTHING = {ProviderStatus.FAILED, ProviderStatus.REFUNDED, ProviderStatus.CANCELED}

# What the provider may say while a payment has a status.
_FITS: dict[PaymentStatus, set[ProviderStatus]] = {
    PaymentStatus.AUTHORIZING: {ProviderStatus.FAILED, ProviderStatus.HELD},
    PaymentStatus.AUTHORIZED: {ProviderStatus.HELD},
    PaymentStatus.DECLINED: {ProviderStatus.FAILED, ProviderStatus.CANCELED},
    PaymentStatus.CAPTURING: {ProviderStatus.HELD, ProviderStatus.TAKEN},
    PaymentStatus.CAPTURED: {ProviderStatus.TAKEN},
    # Taken by hand at the provider, it differs: the order's capture has to be tried again.
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
# What it may have said on the way there, in an event from before the payment's last change.
_PASSED: dict[PaymentStatus, set[ProviderStatus]] = {
    PaymentStatus.CAPTURED: {ProviderStatus.HELD},
    PaymentStatus.VOIDED: {ProviderStatus.FAILED, ProviderStatus.HELD},
    PaymentStatus.REFUNDING: {ProviderStatus.HELD},
    PaymentStatus.REFUNDED: {ProviderStatus.HELD, ProviderStatus.TAKEN, ProviderStatus.PARTIALLY_REFUNDED},
}


class Remedy(StrEnum):
    """What puts an intent right that differs from our payment."""

    NONE = "none"
    CANCEL = "cancel"
    REFUND = "refund"
    OPERATOR = "operator"


# The payments that owe the provider's customer nothing more, so what the provider has of it must go back.
_GONE = {PaymentStatus.VOIDED, PaymentStatus.DECLINED, PaymentStatus.REFUNDED}


class _Lenient(BaseModel):
    """Part of what the provider sends: what is not read here is none of our business, and is never logged."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


class _Data(_Lenient):
    object: dict[str, Any]


class ProviderEvent(_Lenient):
    """A webhook's body; `created` is in Unix seconds (https://docs.stripe.com/api/events/object)."""

    id: _Id
    type: _Id
    created: Annotated[int, Field(ge=0, le=10**12)]
    data: _Data


class _Intent(_Lenient):
    id: _Id
    metadata: dict[str, str] = {}


class _Charge(_Lenient):
    payment_intent: _Id | None = None
    captured: bool
    refunded: bool
    # Stripe copies an intent's metadata to its charges.
    metadata: dict[str, str] = {}

    @property
    def status(self) -> ProviderStatus:
        """What the refund means: the release of a hold that was never captured is told as one too."""
        if not self.captured:
            return ProviderStatus.CANCELED
        return ProviderStatus.REFUNDED if self.refunded else ProviderStatus.PARTIALLY_REFUNDED


_INTENT_EVENTS = {
    "payment_intent.payment_failed": ProviderStatus.FAILED,
    "payment_intent.amount_capturable_updated": ProviderStatus.HELD,
    "payment_intent.succeeded": ProviderStatus.TAKEN,
    "payment_intent.canceled": ProviderStatus.CANCELED,
}


class Observation(BaseModel):
    """What the provider was last heard to say of one intent. `observed_at` is in Unix seconds, by its clock.

    `differs_from` is our payment's status where the two did not fit when this was written, or `none` without a payment.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    reference: str
    order_id: str
    provider_status: ProviderStatus
    observed_at: int
    event_id: str
    differs_from: str | None = None
    version: int = 1

    @classmethod
    def in_event(cls, event: ProviderEvent) -> Self | None:
        """What the event says of an order's payment; None when it is of a kind that says nothing, or no order's.

        Raises pydantic's ValidationError when it should say something and cannot be read.
        """
        reference: str | None
        if event.type in _INTENT_EVENTS:
            intent = _Intent.model_validate(event.data.object)
            reference, metadata, status = intent.id, intent.metadata, _INTENT_EVENTS[event.type]
        elif event.type == "charge.refunded":
            charge = _Charge.model_validate(event.data.object)
            reference, metadata, status = charge.payment_intent, charge.metadata, charge.status
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
        )

    def later_than(self, other: Self) -> bool:
        """Whether this tells of a later state; within a second, by the order in which states can follow."""
        ranks = list(ProviderStatus)
        mine, theirs = ranks.index(self.provider_status), ranks.index(other.provider_status)
        return (self.observed_at, mine) > (other.observed_at, theirs)

    def compared(self, payment: Payment | None) -> Self:
        """The observation with `differs_from` set by how it fits the order's payment."""
        ours = payment.status.value if payment else "none"
        return self.model_copy(update={"differs_from": None if self.fits(payment) else ours})

    def remedy(self, payment: Payment | None) -> Remedy:
        """What is to be done, given that the provider says this now, of the order's payment as it is now.

        Money goes back by itself only where it is this payment's own, and the payment is over. An intent that no
        payment names may be another stage's; and whether an order that is not paid shall stand, somebody must decide.
        """
        if self.fits(payment):
            return Remedy.NONE
        if payment is None or payment.provider_reference != self.reference or payment.status not in _GONE:
            return Remedy.OPERATOR
        if self.provider_status in _OWES_NOTHING:
            return Remedy.NONE
        return Remedy.CANCEL if self.provider_status is ProviderStatus.HELD else Remedy.REFUND

    def fits(self, payment: Payment | None) -> bool:
        """Whether what the provider says may be true beside the order's payment as it is written down."""
        if payment is None or payment.provider_reference != self.reference:
            # Money of a customer's that no payment of ours knows of.
            return self.provider_status in _OWES_NOTHING
        if self.provider_status in _FITS[payment.status]:
            return True
        last_change = datetime.fromisoformat(payment.updated_at).timestamp()
        return self.observed_at <= last_change and self.provider_status in _PASSED.get(payment.status, set())

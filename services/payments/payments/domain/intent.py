"""The payment provider's record of an order's money: one payment intent.

https://docs.stripe.com/payments/paymentintents/lifecycle
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self


class ProviderStatus(StrEnum):
    """The status of an intent, in the order in which they can follow. The values are Stripe's, except the refunds."""

    FAILED = "requires_payment_method"
    HELD = "requires_capture"
    TAKEN = "succeeded"
    PARTIALLY_REFUNDED = "partially_refunded"
    REFUNDED = "refunded"
    CANCELED = "canceled"


# A refund that failed or was cancelled gives nothing back. Any other may still do so, without anybody's action here.
_GAVE_NOTHING_BACK = {"failed", "canceled"}


@dataclass(frozen=True)
class Refund:
    """One refund of an intent, as the provider has it now."""

    status: str
    metadata: Mapping[str, str]

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> Self:
        """The refund in an answer, or in a list."""
        return cls(str(body.get("status") or ""), body.get("metadata") or {})

    @property
    def may_give_back(self) -> bool:
        """Whether the money went back, or still may."""
        return self.status not in _GAVE_NOTHING_BACK


@dataclass(frozen=True)
class Intent:
    """A payment intent as the provider has it now; `status` is Stripe's own. Amounts are in minor units.

    `refunds` are its refunds, if the caller asked for them.
    """

    reference: str
    status: str
    amount: int
    amount_refunded: int
    refunds: tuple[Refund, ...] = ()

    @classmethod
    def of(cls, body: Mapping[str, Any], refunds: tuple[Refund, ...] = ()) -> Self:
        """The intent in an answer that has its latest charge expanded."""
        charge = body.get("latest_charge")
        refunded = charge.get("amount_refunded", 0) if isinstance(charge, dict) else 0
        return cls(str(body["id"]), str(body["status"]), int(body["amount"]), int(refunded), refunds)

    @property
    def holds_money(self) -> bool:
        """Whether the provider holds the money and has not taken it yet."""
        return self.status == ProviderStatus.HELD

    @property
    def partially_refunded(self) -> bool:
        """Whether the provider gave back a part of the money that it took."""
        return self.status == ProviderStatus.TAKEN and 0 < self.amount_refunded < self.amount

    @property
    def refunded(self) -> bool:
        """Whether the provider gave back all of the money that it took."""
        return self.status == ProviderStatus.TAKEN and self.amount_refunded >= self.amount

    def has_refund(self, metadata: Mapping[str, str]) -> bool:
        """Whether a refund with this metadata gave its money back, or still may."""
        return any(
            refund.may_give_back and metadata.items() <= refund.metadata.items() for refund in self.refunds
        )

    @property
    def provider_status(self) -> ProviderStatus:
        """The status, with refunds as statuses of their own; an intent that holds nothing yet counts as failed."""
        if self.refunded:
            return ProviderStatus.REFUNDED
        if self.partially_refunded:
            return ProviderStatus.PARTIALLY_REFUNDED
        if self.status in set(ProviderStatus):
            return ProviderStatus(self.status)
        return ProviderStatus.FAILED

"""Putting right what differs at the provider: asks it, compares anew, and gives back money that nobody is owed."""

from collections.abc import Callable
from datetime import datetime

from payments.adapters.payment_store import ObservationStore, PaymentStore
from payments.adapters.provider import Intent, Provider
from payments.domain.observation import Observation, ProviderStatus, Remedy


class Reconciler:
    """Looks at intents whose last observation differs. It changes no payment: what it undoes is over by our records."""

    def __init__(
        self,
        payments: PaymentStore,
        observations: ObservationStore,
        provider: Provider,
        now: Callable[[], datetime],
    ) -> None:
        self._payments = payments
        self._observations = observations
        self._provider = provider
        self._now = now

    def differing(self, limit: int) -> list[str]:
        """The references of up to `limit` intents that differ."""
        return self._observations.differing(limit)

    def reconcile(self, reference: str) -> Remedy:
        """Does what puts the intent right, and takes its mark away once it fits; a repeat does no more.

        OPERATOR leaves the mark. Raises ProviderUnavailable and ObservationContended, which the next run makes up for,
        and PaymentRefused when the provider will not give the money back.
        """
        last = self._observations.last(reference)
        if last is None or last.differs_from is None:
            return Remedy.NONE
        payment = self._payments.find(last.order_id)
        seen = self._asked(last)
        remedy = seen.remedy(payment)
        if remedy is Remedy.CANCEL:
            self._provider.cancel(reference, idempotency_key=f"{reference}:reconcile-cancel")
            seen = self._asked(last)
        elif remedy is Remedy.REFUND:
            self._provider.refund(reference, idempotency_key=f"{reference}:reconcile-refund")
            seen = self._asked(last)
        if seen.remedy(payment) is Remedy.NONE:
            # By the provider's clock what it was last heard to say stays the last, so that later word of it counts.
            settled = {"differs_from": None, "observed_at": last.observed_at}
            self._observations.amend(seen.model_copy(update=settled))
        return remedy

    def _asked(self, last: Observation) -> Observation:
        """What the provider says now, as the next version of what it was last heard to say."""
        return last.model_copy(
            update={
                "provider_status": _status_of(self._provider.retrieve(last.reference)),
                "observed_at": int(self._now().timestamp()),
                "version": last.version + 1,
            }
        )


def _status_of(intent: Intent) -> ProviderStatus:
    if intent.refunded:
        return ProviderStatus.REFUNDED
    if intent.partially_refunded:
        return ProviderStatus.PARTIALLY_REFUNDED
    if intent.status in set(ProviderStatus):
        return ProviderStatus(intent.status)
    # Not confirmed, or being confirmed: nothing is held.
    return ProviderStatus.FAILED

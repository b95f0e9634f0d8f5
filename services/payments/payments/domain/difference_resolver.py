"""Resolves differences between the provider's intents and our payments: money of a payment that is over goes back."""

from collections.abc import Callable
from datetime import datetime

from payments.domain.observation import Observation, Remedy
from payments.domain.ports import ObservationRepository, PaymentProvider, PaymentRepository


class DifferenceResolver:
    """Resolves the intents whose last observation differs from our payment. It changes no payment."""

    def __init__(
        self,
        payments: PaymentRepository,
        observations: ObservationRepository,
        provider: PaymentProvider,
        now: Callable[[], datetime],
    ) -> None:
        self._payments = payments
        self._observations = observations
        self._provider = provider
        self._now = now

    def differing(self, limit: int) -> list[str]:
        """The references of up to `limit` intents that differ from our payments."""
        return self._observations.differing(limit)

    def resolve(self, reference: str) -> Remedy:
        """Asks the provider about the intent, gives back its money if its payment is over, and removes its mark.

        The mark stays on an intent that is left to an operator (Remedy.OPERATOR). A repeat has no second effect.
        Raises ProviderUnavailable and WriteConflict, after which the next run tries again, and PaymentRefused if the
        provider does not give the money back.
        """
        last = self._observations.last(reference)
        if last is None or last.differs_from is None:
            return Remedy.NONE
        payment = self._payments.find(last.order_id)
        current = self._observe(last)
        remedy = current.remedy(payment)
        if remedy is Remedy.CANCEL:
            self._provider.cancel(reference, idempotency_key=f"{reference}:reconcile-cancel")
            current = self._observe(last)
        elif remedy is Remedy.REFUND:
            self._provider.refund(
                reference,
                idempotency_key=f"{reference}:reconcile-refund",
                metadata={"order_id": last.order_id},
            )
            current = self._observe(last)
        if current.remedy(payment) is Remedy.NONE:
            # The time of the provider's last event stays, so that a later event still counts as later.
            resolved = {"differs_from": None, "observed_at": last.observed_at}
            self._observations.save(current.model_copy(update=resolved))
        return remedy

    def _observe(self, last: Observation) -> Observation:
        """The provider's present statement on the intent, as the version after `last`."""
        intent = self._provider.retrieve(last.reference)
        return last.model_copy(
            update={
                "provider_status": intent.provider_status,
                "amount_refunded": intent.amount_refunded,
                "observed_at": int(self._now().timestamp()),
                "version": last.version + 1,
            }
        )

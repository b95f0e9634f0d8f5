"""Records the provider's events: each event once, and the latest statement on each intent, apart from our payments."""

from enum import StrEnum

from payments.domain.observation import Observation, ProviderEvent
from payments.domain.ports import ObservationRepository, PaymentRepository
from shared.versioned_table import retry_on_conflict


class Recorded(StrEnum):
    """The outcome of recording an event."""

    FITS = "fits"
    DIFFERS = "differs"
    LATE = "late"
    REPEATED = "repeated"


class ProviderEventRecorder:
    """Records the events that the provider sends. It changes no payment."""

    def __init__(self, payments: PaymentRepository, observations: ObservationRepository) -> None:
        self._payments = payments
        self._observations = observations

    def record(self, event: ProviderEvent, observation: Observation, now: int) -> Recorded:
        """Stores the event's observation, unless a later one is stored already; `now` is in Unix seconds.

        Raises WriteConflict if other events of the intent keep coming first: the provider sends this one again.
        """
        return retry_on_conflict(self._record, event, observation, now)

    def _record(self, event: ProviderEvent, observation: Observation, now: int) -> Recorded:
        last = self._observations.last(observation.reference)
        if last is not None and not observation.later_than(last):
            is_new = self._observations.record(event.id, None, now)
            return Recorded.LATE if is_new else Recorded.REPEATED
        compared = observation.compared(self._payments.find(observation.order_id))
        latest = compared.model_copy(update={"version": last.version + 1 if last else 1})
        if not self._observations.record(event.id, latest, now):
            return Recorded.REPEATED
        return Recorded.DIFFERS if latest.differs_from else Recorded.FITS

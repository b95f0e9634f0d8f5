"""Recording what the provider says: once for each event, the latest word for each intent, beside our own records."""

from enum import StrEnum

from tenacity import Retrying, retry_if_exception_type, stop_after_attempt

from payments.adapters.payment_store import ObservationStore, PaymentStore
from payments.domain.observation import Observation, ObservationContended, ProviderEvent

_RACES = 5


class Noted(StrEnum):
    """What became of an event."""

    FITS = "fits"
    DIFFERS = "differs"
    LATECOMER = "latecomer"
    REPEATED = "repeated"


class Observer:
    """Hears the provider's events. It changes no payment."""

    def __init__(self, payments: PaymentStore, observations: ObservationStore) -> None:
        self._payments = payments
        self._observations = observations

    def note(self, event: ProviderEvent, seen: Observation, now: int) -> Noted:
        """Records what was `seen` in the event, unless something later is known; `now` is in Unix seconds.

        Raises ObservationContended when others kept being faster: the provider sends the event again.
        """
        races = Retrying(
            retry=retry_if_exception_type(ObservationContended),
            stop=stop_after_attempt(_RACES),
            reraise=True,
        )
        return races(self._note, event, seen, now)

    def _note(self, event: ProviderEvent, seen: Observation, now: int) -> Noted:
        last = self._observations.last(seen.reference)
        if last is not None and not seen.later_than(last):
            return Noted.LATECOMER if self._observations.record(event.id, None, now) else Noted.REPEATED
        compared = seen.compared(self._payments.find(seen.order_id))
        latest = compared.model_copy(update={"version": last.version + 1 if last else 1})
        if not self._observations.record(event.id, latest, now):
            return Noted.REPEATED
        return Noted.DIFFERS if latest.differs_from else Noted.FITS

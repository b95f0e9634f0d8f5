"""Records the provider's events: the latest statement on each intent, on each refund and on each dispute.

A statement on an intent is stored apart from our payment. A report on a refund or a dispute belongs to the payment.
"""

from collections.abc import Callable
from datetime import datetime
from enum import StrEnum

from payments.domain.observation import Observation
from payments.domain.ports import ObservationRepository, PaymentRepository
from payments.domain.provider_event import ProviderEvent
from payments.domain.provider_report import ProviderReport
from shared.versioned_table import retry_on_conflict


class Recorded(StrEnum):
    """The outcome of recording an event."""

    FITS = "fits"
    DIFFERS = "differs"
    LATE = "late"
    REPEATED = "repeated"


class ProviderEventRecorder:
    """Records the events that the provider sends. No event changes the status of a payment."""

    def __init__(
        self,
        payments: PaymentRepository,
        observations: ObservationRepository,
        now: Callable[[], datetime],
    ) -> None:
        self._payments = payments
        self._observations = observations
        self._now = now

    def record(self, event: ProviderEvent, observation: Observation, now: int) -> Recorded:
        """Stores the event's observation, unless a later one is stored already; `now` is in Unix seconds.

        Raises WriteConflict if other events of the intent keep coming first: the provider sends this one again.
        """
        return retry_on_conflict(self._record, event, observation, now)

    def report(self, report: ProviderReport) -> Recorded:
        """Adds the report to its order's payment, unless a later one on the same refund or dispute is known.

        Recorded.DIFFERS means that a person has to see to the payment, or that no payment of ours names the intent.
        Raises WriteConflict if other writers keep changing the payment: the provider sends the event again.
        """
        return retry_on_conflict(self._report, report)

    def _report(self, report: ProviderReport) -> Recorded:
        observed = None if report.order_id else self._observations.last(report.reference)
        order_id = observed.order_id if observed else report.order_id
        payment = self._payments.find(order_id) if order_id else None
        if payment is None or payment.provider_reference != report.reference:
            return Recorded.DIFFERS
        if payment.reports.get(report.subject) == report.report:
            return Recorded.REPEATED
        reported, events = payment.report(report.subject, report.report, self._now())
        if reported is payment:
            return Recorded.LATE
        self._payments.save(reported, events)
        return Recorded.DIFFERS if events and reported.issues else Recorded.FITS

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

"""Authorizing and voiding: the order of writes and provider calls that keeps both right under retries and races.

A write comes before every call that has an effect at the provider, so a crash between the two leaves a record of what
may have happened. Every write is conditional on the version that was read; whoever loses a race starts over from what
the winner wrote.
"""

from collections.abc import Callable
from datetime import datetime

from tenacity import Retrying, retry_if_exception_type, stop_after_attempt

from payments.domain import CardDeclined, Payment, PaymentRefused, PaymentStatus, PaymentVoided
from payments.provider import Provider
from payments.store import PaymentContended, PaymentStore
from shared.saga import SagaOrder

# Each lost race means that another writer moved the payment forward, which it does at most four times.
_RACES = 5
_GIVEN_UP = (PaymentStatus.VOIDING, PaymentStatus.VOIDED)


class Cashier:
    """Holds and releases the money of orders."""

    def __init__(self, payments: PaymentStore, provider: Provider, now: Callable[[], datetime]) -> None:
        self._payments = payments
        self._provider = provider
        self._now = now

    def authorize(self, order: SagaOrder) -> Payment:
        """Holds the order's total; a retry answers as the first time did.

        Raises CardDeclined; PaymentVoided when the order's payment was voided, before or meanwhile;
        ProviderUnavailable when the provider gave no answer (worth another try); PaymentRefused.
        """
        return _start_over_after_lost_races()(self._authorize, order)

    def void(self, order: SagaOrder) -> Payment:
        """Releases what is held for the order, and rules out that it is held later; a retry answers the same.

        The answer's status is `voided`, or `declined` where nothing was ever held. Right also when the payment was
        never begun, and when the answer to its authorization was lost. Raises ProviderUnavailable (worth another
        try); PaymentRefused when the provider will not release the money, which needs a human.
        """
        return _start_over_after_lost_races()(self._void, order)

    def _authorize(self, order: SagaOrder) -> Payment:
        payment = self._payments.find(order.order_id) or self._payments.add(Payment.begun(order, self._now()))
        match payment.status:
            case PaymentStatus.AUTHORIZED:
                return payment
            case PaymentStatus.DECLINED:
                raise CardDeclined(payment.reason or "declined")
            case PaymentStatus.VOIDING | PaymentStatus.VOIDED:
                raise PaymentVoided(payment.payment_id)
        try:
            reference = payment.provider_reference
            if reference is None:
                reference = self._open(payment, order)
                payment = self._payments.save(payment.opened(reference, self._now()))
            self._provider.confirm(reference, idempotency_key=f"{order.order_id}:authorize")
        except CardDeclined as declined:
            self._payments.save(*payment.decline(str(declined), self._now()))
            raise
        except PaymentRefused as refused:
            # A void that overtook us has cancelled the intent: that is no fault of the provider's.
            current = self._payments.find(order.order_id)
            if current is not None and current.status in _GIVEN_UP:
                raise PaymentVoided(payment.payment_id) from refused
            raise
        return self._payments.save(*payment.authorize(self._now()))

    def _open(self, payment: Payment, order: SagaOrder) -> str:
        return self._provider.open(
            payment.amount,
            payment_method=order.payment_token,
            metadata={"order_id": order.order_id, "correlation_id": order.correlation_id},
            idempotency_key=f"{order.order_id}:open",
        )

    def _void(self, order: SagaOrder) -> Payment:
        payment = self._payments.find(order.order_id)
        if payment is None:
            return self._payments.add(Payment.tombstone(order, self._now()))
        if payment.status in (PaymentStatus.VOIDED, PaymentStatus.DECLINED):
            return payment
        reference = payment.provider_reference
        if reference is not None:
            if payment.status is not PaymentStatus.VOIDING:
                payment = self._payments.save(payment.begin_void(self._now()))
            self._provider.cancel(reference, idempotency_key=f"{order.order_id}:void")
        return self._payments.save(*payment.void(self._now()))


def _start_over_after_lost_races() -> Retrying:
    return Retrying(
        retry=retry_if_exception_type(PaymentContended), stop=stop_after_attempt(_RACES), reraise=True
    )

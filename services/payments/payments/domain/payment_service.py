"""Authorizing, capturing, voiding and refunding: the order of writes and provider calls that keeps them right under
retries and races.

A write comes before every call that has an effect at the provider, so a crash between the two leaves a record of what
may have happened. Every write is conditional on the version that was read; whoever loses a race starts over from what
the winner wrote.
"""

from collections.abc import Callable
from datetime import datetime

from tenacity import Retrying, retry_if_exception_type, stop_after_attempt

from payments.adapters.payment_store import PaymentContended, PaymentStore
from payments.adapters.provider import CANCELED, UNPAID, Provider
from payments.domain.payment import (
    AlreadyCaptured,
    CaptureFailed,
    CardDeclined,
    Payment,
    PaymentNotAuthorized,
    PaymentNotCaptured,
    PaymentRefused,
    PaymentStatus,
    PaymentVoided,
)
from shared.saga import SagaOrder

# Each lost race means that another writer moved the payment forward, which it does at most six times.
_RACES = 7

# An intent that was refused in one of these holds nothing (any more). A refusal in any other status, or of who asks
# (a key that is wrong, an account that is closed), says nothing of the customer's money, and may be mended.
_HOLD_IS_GONE = {CANCELED, UNPAID}


class Cashier:
    """Holds, takes and gives back the money of orders. Every operation may be repeated, and answers alike."""

    def __init__(self, payments: PaymentStore, provider: Provider, now: Callable[[], datetime]) -> None:
        self._payments = payments
        self._provider = provider
        self._now = now

    def authorize(self, order: SagaOrder) -> Payment:
        """Holds the order's total; a retry answers as the first time did, also once the money was captured.

        Raises CardDeclined; PaymentVoided when the order's payment was voided or refunded, before or meanwhile;
        ProviderUnavailable when the provider gave no answer (worth another try); PaymentRefused.
        """
        return _start_over_after_lost_races()(self._authorize, order)

    def capture(
        self, order_id: str, *, despite_failure: int | None = None, tell_again: bool = False
    ) -> Payment:
        """Takes the money that is held for the order.

        A capture that failed for good stays failed, unless the payment's version is `despite_failure`: then it is
        tried once more. `tell_again` has what came of an earlier capture told once more, by the same event.

        Raises CaptureFailed when the hold is gone at the provider or the card's bank refuses;
        PaymentNotAuthorized when nothing is held; PaymentVoided when it was given up, before or meanwhile;
        ProviderUnavailable (worth another try); PaymentRefused when the provider refuses for what an operator can mend.
        """
        return _start_over_after_lost_races()(self._capture, order_id, despite_failure, tell_again)

    def void(self, order: SagaOrder) -> Payment:
        """Leaves the order without any of the customer's money, whatever came before, and rules out later holds.

        What is held is released, what was captured is refunded in full. The answer's status is `voided`, `refunded`,
        or `declined` where nothing was ever held. Right also when the payment was never begun, and when the answer to
        its authorization or capture was lost. Raises ProviderUnavailable (worth another try); PaymentRefused when
        the provider will not give the money back, which needs a human.
        """
        return _start_over_after_lost_races()(self._void, order)

    def refund(self, order_id: str) -> Payment:
        """Gives the captured money back in full.

        Raises PaymentNotCaptured when it was not taken: then a void is due. ProviderUnavailable (worth another try);
        PaymentRefused.
        """
        return _start_over_after_lost_races()(self._refund, order_id)

    def complete(self, order_id: str) -> Payment | None:
        """Finishes what an operation that was cut short has begun at the provider; the payment as it is then.

        An authorization is finished only where the provider holds the money: where it does not, nothing is held for
        nobody, and the order's compensation ends it. Raises CaptureFailed, which is told by then;
        ProviderUnavailable; PaymentRefused.
        """
        return _start_over_after_lost_races()(self._complete, order_id)

    def _complete(self, order_id: str) -> Payment | None:
        payment = self._payments.find(order_id)
        match payment:
            case Payment(status=PaymentStatus.CAPTURING):
                return self._capture(order_id)
            case Payment(status=PaymentStatus.VOIDING):
                return self._release(payment)
            case Payment(status=PaymentStatus.REFUNDING):
                return self._give_back(payment)
            case Payment(status=PaymentStatus.AUTHORIZING, provider_reference=str(reference)):
                if self._provider.retrieve(reference).holds_money:
                    return self._payments.save(*payment.authorize(self._now()))
        return payment

    def _authorize(self, order: SagaOrder) -> Payment:
        payment = self._payments.find(order.order_id) or self._payments.add(Payment.begun(order, self._now()))
        match payment.status:
            case status if status.was_authorized:
                return payment
            case PaymentStatus.DECLINED:
                raise CardDeclined(payment.reason or "declined")
            case status if status.given_up:
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
            self._raise_if_given_up(payment, refused)
            raise
        return self._payments.save(*payment.authorize(self._now()))

    def _open(self, payment: Payment, order: SagaOrder) -> str:
        return self._provider.open(
            payment.amount,
            payment_method=order.payment_token,
            metadata={"order_id": order.order_id, "correlation_id": order.correlation_id},
            idempotency_key=f"{order.order_id}:open",
        )

    def _capture(
        self, order_id: str, despite_failure: int | None = None, tell_again: bool = False
    ) -> Payment:
        payment = self._payments.find(order_id)
        if payment is None or payment.status in (PaymentStatus.AUTHORIZING, PaymentStatus.DECLINED):
            raise PaymentNotAuthorized(order_id)
        if payment.status.given_up:
            raise PaymentVoided(payment.payment_id)
        failed = payment.status is PaymentStatus.CAPTURE_FAILED and payment.version != despite_failure
        if tell_again and (failed or payment.status is PaymentStatus.CAPTURED):
            self._payments.tell_again(payment, payment.outcome_of_capture())
        if payment.status is PaymentStatus.CAPTURED:
            return payment
        if failed:
            raise CaptureFailed(payment.reason or "refused")
        if payment.status is not PaymentStatus.CAPTURING:
            payment = self._payments.save(payment.begin_capture(self._now()))
        try:
            self._provider.capture(payment.reference, idempotency_key=payment.capture_key)
        except (CardDeclined, PaymentRefused) as refused:
            self._raise_if_given_up(payment, refused)
            if isinstance(refused, PaymentRefused) and refused.intent_status not in _HOLD_IS_GONE:
                raise
            self._payments.save(*payment.fail_capture(str(refused), self._now()))
            raise CaptureFailed(str(refused)) from refused
        return self._payments.save(*payment.capture(self._now()))

    def _void(self, order: SagaOrder) -> Payment:
        payment = self._payments.find(order.order_id)
        if payment is None:
            return self._payments.add(Payment.tombstone(order, self._now()))
        match payment.status:
            case PaymentStatus.VOIDED | PaymentStatus.DECLINED | PaymentStatus.REFUNDED:
                return payment
            case PaymentStatus.CAPTURED | PaymentStatus.REFUNDING:
                return self._give_back(payment)
        return self._release(payment)

    def _release(self, payment: Payment) -> Payment:
        if payment.provider_reference is not None:
            if payment.status is not PaymentStatus.VOIDING:
                payment = self._payments.save(payment.begin_void(self._now()))
            try:
                self._provider.cancel(payment.reference, idempotency_key=f"{payment.order_id}:void")
            except AlreadyCaptured:
                # A capture was faster, or its answer was lost.
                return self._give_back(payment)
        return self._payments.save(*payment.void(self._now()))

    def _refund(self, order_id: str) -> Payment:
        payment = self._payments.find(order_id)
        if payment is not None and payment.status is PaymentStatus.REFUNDED:
            return payment
        if payment is None or payment.status not in (PaymentStatus.CAPTURED, PaymentStatus.REFUNDING):
            raise PaymentNotCaptured(order_id)
        return self._give_back(payment)

    def _give_back(self, payment: Payment) -> Payment:
        if payment.status is not PaymentStatus.REFUNDING:
            payment = self._payments.save(payment.begin_refund(self._now()))
        self._provider.refund(payment.reference, idempotency_key=f"{payment.order_id}:refund")
        return self._payments.save(*payment.refund(self._now()))

    def _raise_if_given_up(self, payment: Payment, refused: CardDeclined | PaymentRefused) -> None:
        """Raises PaymentVoided when a void overtook us: that the provider refuses is then no fault of its own."""
        current = self._payments.find(payment.order_id)
        if current is not None and current.status.given_up:
            raise PaymentVoided(payment.payment_id) from refused


def _start_over_after_lost_races() -> Retrying:
    return Retrying(
        retry=retry_if_exception_type(PaymentContended), stop=stop_after_attempt(_RACES), reraise=True
    )

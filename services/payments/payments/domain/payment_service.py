"""The payment service: authorizes, captures, voids and refunds the money of orders, and refunds returns.

Any operation may be repeated, or overtaken by another one.

Each operation stores the payment before every call that has an effect at the provider. If the function dies between
the two, the stored payment says what may have happened. Every write is conditional on the version that was read; an
operation that loses a race starts over from the winner's version.
"""

from collections.abc import Callable
from datetime import datetime

from payments.domain.intent import ProviderStatus
from payments.domain.payment import (
    AlreadyCaptured,
    AlreadyVoided,
    CaptureFailed,
    CardDeclined,
    OrderDecided,
    Payment,
    PaymentNotAuthorized,
    PaymentNotCaptured,
    PaymentRefused,
    PaymentStatus,
)
from payments.domain.ports import PaymentProvider, PaymentRepository
from shared.money import Money
from shared.saga import SagaOrder
from shared.versioned_table import retry_on_conflict

# A refusal in one of these statuses says that the intent holds nothing (any more). A refusal in another status,
# or of the caller (a wrong key, a closed account), says nothing about the customer's money. An operator can mend it.
_HOLD_IS_GONE = {ProviderStatus.CANCELED, ProviderStatus.FAILED}


class PaymentService:
    """Holds, takes and gives back the money of orders. Every operation may be repeated, and answers alike.

    Every operation may raise ProviderUnavailable and WriteConflict, which are worth another try. It raises
    PaymentRefused if the provider refuses for a reason that an operator has to mend.
    """

    def __init__(
        self, payments: PaymentRepository, provider: PaymentProvider, now: Callable[[], datetime]
    ) -> None:
        self._payments = payments
        self._provider = provider
        self._now = now

    def authorize(self, order: SagaOrder, token_of: Callable[[str], str | None]) -> Payment:
        """Holds the order's total. A repeat answers as the first time, also after the capture.

        `token_of` reads the payment token of the order with that id: None if the order is decided. It is asked once,
        before the first request to the provider.

        Raises CardDeclined, and AlreadyVoided if the order's payment was voided or refunded before or meanwhile. Raises
        OrderDecided if the payment has not begun, and the order is decided by now.
        """
        return retry_on_conflict(self._authorize, order, token_of)

    def capture(
        self, order_id: str, *, retry_failed_version: int | None = None, republish_outcome: bool = False
    ) -> Payment:
        """Takes the money that the provider holds for the order.

        A failed capture is tried again only if `retry_failed_version` is the payment's version after that failure.
        `republish_outcome` publishes the event of an earlier capture, or of its failure, once more.

        Raises CaptureFailed if the hold has expired or the card's bank refuses. Raises PaymentNotAuthorized if nothing
        is held, and AlreadyVoided if the payment was given up before or meanwhile.
        """
        return retry_on_conflict(self._capture, order_id, retry_failed_version, republish_outcome)

    def void(self, order: SagaOrder) -> Payment:
        """Leaves the order without any of the customer's money, and rules out later holds.

        The provider releases held money, and refunds captured money in full. This also works if the payment was never
        begun, or if the answer to its authorization or capture was lost. The payment that is returned is `voided` or
        `refunded`, or `declined` if nothing was ever held.
        """
        return retry_on_conflict(self._void, order)

    def refund_return(self, order_id: str, return_id: str, amount: Money) -> Payment:
        """Gives `amount` of the captured money back for a return, once. A repeat answers as the first time.

        Raises PaymentNotCaptured if the provider did not take the money, or gives all of it back. Raises
        RefundNotCovered if the refunds would exceed it, and ReturnRefundDiffers if this return's has another amount.
        """
        return retry_on_conflict(self._refund_return, order_id, return_id, amount)

    def complete(self, order_id: str) -> Payment | None:
        """Finishes an operation that was cut short at the provider, and returns the payment after it.

        An authorization is finished only if the provider holds the money; otherwise the order's compensation ends it.
        Raises CaptureFailed, whose event is published by then.
        """
        return retry_on_conflict(self._complete, order_id)

    def _complete(self, order_id: str) -> Payment | None:
        payment = self._payments.find(order_id)
        match payment:
            case Payment(status=PaymentStatus.CAPTURING):
                return self._capture(order_id)
            case Payment(status=PaymentStatus.VOIDING):
                return self._release(payment)
            case Payment(status=PaymentStatus.REFUNDING):
                return self._give_back(payment)
            case Payment(status=PaymentStatus.CAPTURED):
                for return_id, amount in payment.unanswered_return_refunds.items():
                    payment = self._refund_return(order_id, return_id, amount)
            case Payment(status=PaymentStatus.AUTHORIZING, provider_reference=str(reference)):
                if self._provider.retrieve(reference).holds_money:
                    return self._payments.save(*payment.authorize(self._now()))
        return payment

    def _authorize(self, order: SagaOrder, token_of: Callable[[str], str | None]) -> Payment:
        payment = self._payments.find(order.order_id) or self._payments.add(Payment.begun(order, self._now()))
        match payment.status:
            case status if status.was_authorized:
                return payment
            case PaymentStatus.DECLINED:
                raise CardDeclined(payment.reason or "declined")
            case status if status.given_up:
                raise AlreadyVoided(payment.payment_id)
        try:
            reference = payment.provider_reference
            if reference is None:
                reference = self._open(payment, order, token_of(order.order_id))
                payment = self._payments.save(payment.opened(reference, self._now()))
            self._provider.confirm(reference, idempotency_key=f"{order.order_id}:authorize")
        except CardDeclined as declined:
            self._payments.save(*payment.decline(str(declined), self._now()))
            raise
        except PaymentRefused as refused:
            self._raise_if_given_up(payment, refused)
            raise
        return self._payments.save(*payment.authorize(self._now()))

    def _open(self, payment: Payment, order: SagaOrder, token: str | None) -> str:
        if token is None:
            raise OrderDecided(order.order_id)
        return self._provider.open(
            payment.amount,
            payment_method=token,
            metadata={"order_id": order.order_id, "correlation_id": order.correlation_id},
            idempotency_key=f"{order.order_id}:open",
        )

    def _capture(
        self, order_id: str, retry_failed_version: int | None = None, republish_outcome: bool = False
    ) -> Payment:
        payment = self._payments.find(order_id)
        if payment is None or payment.status in (PaymentStatus.AUTHORIZING, PaymentStatus.DECLINED):
            raise PaymentNotAuthorized(order_id)
        if payment.status.given_up:
            raise AlreadyVoided(payment.payment_id)
        failed = (
            payment.status is PaymentStatus.CAPTURE_FAILED and payment.failure_version != retry_failed_version
        )
        if republish_outcome and (failed or payment.status is PaymentStatus.CAPTURED):
            self._payments.republish(payment, payment.outcome_of_capture())
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

    def _refund_return(self, order_id: str, return_id: str, amount: Money) -> Payment:
        payment = self._payments.find(order_id)
        if payment is None or payment.status is not PaymentStatus.CAPTURED:
            raise PaymentNotCaptured(order_id)
        refund = payment.refund_of(return_id, amount)
        if refund is None:
            payment = self._payments.save(payment.begin_return_refund(return_id, amount, self._now()))
        elif refund.is_made:
            return payment
        self._provider.refund_part(
            payment.reference,
            amount,
            metadata={"order_id": order_id, "return_id": return_id},
            idempotency_key=f"{return_id}:refund",
            asked_before=refund is not None,
        )
        return self._payments.save(*payment.return_refunded(return_id, self._now()))

    def _give_back(self, payment: Payment) -> Payment:
        if payment.status is not PaymentStatus.REFUNDING:
            payment = self._payments.save(payment.begin_refund(self._now()))
        self._provider.refund(
            payment.reference,
            idempotency_key=f"{payment.order_id}:refund",
            metadata={"order_id": payment.order_id},
        )
        return self._payments.save(*payment.refund(self._now()))

    def _raise_if_given_up(self, payment: Payment, refused: CardDeclined | PaymentRefused) -> None:
        """Raises AlreadyVoided if a void came first: the void is then the reason for which the provider refused."""
        current = self._payments.find(payment.order_id)
        if current is not None and current.status.given_up:
            raise AlreadyVoided(payment.payment_id) from refused

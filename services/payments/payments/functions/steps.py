"""The steps of payments in the order saga: `authorize` holds the order's money, `void` gives it back.

The state machine names the step, and retries and catches by the name of the exception's class.
"""

from typing import Any

from payments.dependencies import order_record, payment_service
from payments.domain.payment import CardDeclined, PaymentStatus
from shared.observability import count
from shared.saga import SagaOrder, order_step, steps_handler

_UNDONE = {PaymentStatus.VOIDED: "PaymentsVoided", PaymentStatus.REFUNDED: "PaymentsRefunded"}


def authorize(order: SagaOrder) -> dict[str, Any]:
    """Holds the order's total on the customer's means of payment; raises as PaymentService.authorize."""
    try:
        payment = payment_service().authorize(order, order_record().payment_token)
    except CardDeclined:
        count("PaymentsDeclined")
        raise
    count("PaymentsAuthorized")
    return {"payment_id": payment.payment_id, "provider_reference": payment.provider_reference}


def void(order: SagaOrder) -> dict[str, Any]:
    """Compensates `authorize`: releases the held money, or refunds captured money; `status` says which.

    `voided` is False only if the card was declined and nothing had to be undone.
    """
    status = payment_service().void(order).status
    if status in _UNDONE:
        count(_UNDONE[status])
    return {"voided": status in _UNDONE, "status": status.value}


handler = steps_handler({"authorize": order_step(authorize), "void": order_step(void)})

"""Saga step: the order's total is held on the customer's means of payment."""

from typing import Any

from payments.dependencies import cashier
from payments.domain.payment import CardDeclined
from shared.observability import count
from shared.saga import SagaOrder, step_handler


def authorize(order: SagaOrder) -> dict[str, Any]:
    """Holds the money and says where; raises what Cashier.authorize raises, each class caught by its name."""
    try:
        payment = cashier().authorize(order)
    except CardDeclined:
        count("PaymentsDeclined")
        raise
    count("PaymentsAuthorized")
    return {"payment_id": payment.payment_id, "provider_reference": payment.provider_reference}


handler = step_handler(authorize)

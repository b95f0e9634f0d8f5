"""Saga compensation: nothing is held for the order, and nothing will be."""

from typing import Any

from payments.domain import PaymentStatus
from payments.resources import cashier
from shared.observability import count
from shared.saga import SagaOrder, step_handler


def void(order: SagaOrder) -> dict[str, Any]:
    """Releases the hold; `voided` is False only where the card was declined and nothing had to be undone."""
    voided = cashier().void(order).status is PaymentStatus.VOIDED
    if voided:
        count("PaymentsVoided")
    return {"voided": voided}


handler = step_handler(void)

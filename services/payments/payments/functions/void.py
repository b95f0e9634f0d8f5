"""Saga compensation: the order is left without any of the customer's money, and none will be held for it."""

from typing import Any

from payments.dependencies import cashier
from payments.domain.payment import PaymentStatus
from shared.observability import count
from shared.saga import SagaOrder, step_handler

_UNDONE = {PaymentStatus.VOIDED: "PaymentsVoided", PaymentStatus.REFUNDED: "PaymentsRefunded"}


def void(order: SagaOrder) -> dict[str, Any]:
    """Releases what is held, or refunds what was captured; `status` says which.

    `voided` is False only where the card was declined and nothing had to be undone.
    """
    status = cashier().void(order).status
    if status in _UNDONE:
        count(_UNDONE[status])
    return {"voided": status in _UNDONE, "status": status.value}


handler = step_handler(void)

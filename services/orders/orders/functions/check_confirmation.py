"""Saga step: a confirmation failed or its answer was lost. Finds out which, and rules out that it still happens."""

from typing import Any

from orders.dependencies import order_store
from shared.clock import utc_now
from shared.saga import SagaOrder, step_handler


def check_confirmation(order: SagaOrder) -> dict[str, Any]:
    """Abandons the order unless its confirmation took effect; answers whether it did, and with the order's status.

    An order that was confirmed and is being cancelled since counts as confirmed: its cancellation undoes it.
    """
    checked = order_store().change(order.order_id, lambda current: current.abandon(utc_now()))
    return {"confirmed": checked.was_confirmed, "status": checked.status.value}


handler = step_handler(check_confirmation)

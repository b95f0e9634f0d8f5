"""Cancellation step: everything of the order is undone."""

from typing import Any

from orders.resources import order_store
from shared.clock import utc_now
from shared.observability import count
from shared.saga import SagaOrder, step_handler


def cancel(order: SagaOrder) -> dict[str, Any]:
    """Makes the order cancelled; raises IllegalTransition when nobody asked for that, or it is parked."""
    cancelled = order_store().change(order.order_id, lambda current: current.cancel(utc_now()))
    count("OrdersCancelled")
    return {"status": cancelled.status.value}


handler = step_handler(cancel)

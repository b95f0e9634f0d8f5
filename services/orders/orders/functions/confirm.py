"""Saga step: the order stands."""

from typing import Any

from orders.dependencies import order_store
from shared.clock import utc_now
from shared.observability import count
from shared.saga import SagaOrder, step_handler


def confirm(order: SagaOrder) -> dict[str, Any]:
    """Confirms the order; raises IllegalTransition when it was given up meanwhile."""
    confirmed = order_store().change(order.order_id, lambda current: current.confirm(utc_now()))
    count("OrdersConfirmed")
    return {"status": confirmed.status.value}


handler = step_handler(confirm)

"""Cancellation and resumption step: everything of the order is undone."""

from typing import Any

from orders.dependencies import order_store
from orders.domain.order import OrderStatus
from shared.clock import utc_now
from shared.observability import count
from shared.saga import SagaOrder, step_handler


def cancel(order: SagaOrder) -> dict[str, Any]:
    """Makes the order cancelled, or rejected if it was resumed and nobody asked for its cancellation.

    Raises IllegalTransition when the order is neither to be cancelled nor resumed.
    """
    ended = order_store().change(order.order_id, lambda current: current.cancel(utc_now()))
    count("OrdersCancelled" if ended.status is OrderStatus.CANCELLED else "OrdersRejected")
    return {"status": ended.status.value}


handler = step_handler(cancel)

"""Cancellation step: the parcel is gone, so nothing was undone and the order stands again."""

from typing import Any

from orders.dependencies import order_store
from orders.domain.order import OrderStatus
from shared.clock import utc_now
from shared.observability import count
from shared.saga import SagaOrder, step_handler


def refuse_cancellation(order: SagaOrder) -> dict[str, Any]:
    """Makes the order stand again, and answers with its status; it stays `cancelling` when its money cannot be taken.

    Raises IllegalTransition for an order that was never confirmed, of which no parcel can be gone.
    """
    refused = order_store().change(order.order_id, lambda current: current.refuse_cancellation(utc_now()))
    count("CancellationsRefused")
    if refused.status is OrderStatus.FULFILLED:
        count("OrdersFulfilled")
    return {"status": refused.status.value}


handler = step_handler(refuse_cancellation)

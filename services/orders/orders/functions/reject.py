"""Saga step: the order cannot stand and everything is undone."""

from typing import Any

from orders.dependencies import order_store
from orders.domain.order import OrderStatus, reason_of
from shared.clock import utc_now
from shared.observability import count
from shared.saga import CaughtError, StepInput, input_handler


class RejectInput(StepInput):
    """The order and the error that ended its saga."""

    error: CaughtError


def reject(step_input: RejectInput) -> dict[str, Any]:
    """Rejects the order for the reason that the error stands for; one that was to be cancelled is cancelled."""
    reason = reason_of(step_input.error.name)
    ended = order_store().change(step_input.order.order_id, lambda current: current.reject(reason, utc_now()))
    if ended.status is OrderStatus.CANCELLED:
        count("OrdersCancelled")
        return {"status": ended.status.value}
    count("OrdersRejected")
    return {"status": ended.status.value, "reason": reason.value}


handler = input_handler(RejectInput, reject, name="reject")

"""The executions of an order's two state machines: its saga, and its cancellation or resumption.

A saga's execution bears the order's id, so an order has one ever. A cancellation's bears `Order.cancellation_name`.
"""

from orders.domain.order import Order
from orders.domain.saga_form import for_cancellation
from orders.domain.stuck_orders import ExecutionProgress
from shared.executions import execution_state, start_execution
from shared.saga import SagaOrder


class OrderExecutions:
    """Starts executions of an order, and says how far they are. Starting one again with its name does nothing."""

    def __init__(self, saga_arn: str, cancellation_arn: str) -> None:
        self._saga = saga_arn
        self._cancellation = cancellation_arn

    def start_saga(self, order: SagaOrder) -> None:
        """Starts the order's saga, unless it was started before."""
        _start(self._saga, order.order_id, order)

    def start_cancellation(self, order: Order) -> None:
        """Starts the order's cancellation, or its present resumption, unless that was started before."""
        _start(self._cancellation, order.cancellation_name, for_cancellation(order))

    def progress(self, order: Order) -> ExecutionProgress:
        """How far the execution is that should end the open `order`."""
        if order.is_undone_by_cancellation:
            state = execution_state(self._cancellation, order.cancellation_name)
        else:
            state = execution_state(self._saga, order.order_id)
        return ExecutionProgress(state.value)


def _start(machine: str, name: str, order: SagaOrder) -> None:
    carried = order.model_copy(update={"execution": name})
    start_execution(machine, name, {"order": carried.model_dump(mode="json")}, order_id=order.order_id)

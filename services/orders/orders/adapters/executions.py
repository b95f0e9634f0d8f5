"""The executions of an order's two state machines: the saga that decides it, and the cancellation that undoes it.

A saga is an EXPRESS execution: Step Functions starts one at each request, also under a known name, and never tells how
far it is. Any number of them at once do no more than one. A cancellation is a STANDARD execution. It bears
`Order.cancellation_name` and is started once.
"""

from orders.domain.order import Order
from orders.domain.saga_form import for_saga
from orders.domain.stuck_orders import ExecutionProgress
from shared.executions import execution_state, start_execution
from shared.saga import SagaOrder


class OrderExecutions:
    """Starts executions of an order, and says how far a cancellation is."""

    def __init__(self, saga_arn: str, cancellation_arn: str) -> None:
        self._saga = saga_arn
        self._cancellation = cancellation_arn

    def start_saga(self, order: SagaOrder) -> None:
        """Starts a saga of the order. Its name only tells it from the cancellation, in the logs."""
        _start(self._saga, f"{order.order_id}-saga", order)

    def start_cancellation(self, order: Order) -> None:
        """Starts the order's cancellation, or its present resumption, unless that was started before."""
        _start(
            self._cancellation,
            order.cancellation_name,
            for_saga(order),
            was_confirmed=order.was_confirmed,
            failed_because=order.failed_because,
        )

    def progress(self, order: Order) -> ExecutionProgress:
        """How far the execution is that undoes the `order`."""
        return ExecutionProgress(execution_state(self._cancellation, order.cancellation_name).value)


def _start(machine: str, name: str, order: SagaOrder, **more: bool | str | None) -> None:
    carried = order.model_copy(update={"execution": name})
    given = {"order": carried.model_dump(), **more}
    start_execution(machine, name, given, order_id=order.order_id)

"""Starts what undoes an order: a confirmed one that is to be cancelled, and any one that is resumed."""

from pydantic import BaseModel

from orders.adapters.executions import StateMachine, start_execution
from orders.adapters.order_store import OrderMissing
from orders.dependencies import order_store
from shared.consumer import consumer_handler
from shared.events import Event


class UndoingRequested(BaseModel):
    """What this consumer reads of `order.cancellation_requested` and `order.resumption_requested`."""

    order_id: str


# Refuses to start where nothing names the state machine.
StateMachine.load()


def start(event: Event) -> None:
    """Starts what undoes the order; does nothing when it was started before. Raises OrderMissing."""
    order_id = UndoingRequested.model_validate(event.data).order_id
    order = order_store().find(order_id)
    if order is None:
        raise OrderMissing(order_id)
    start_execution(order.for_cancellation(), order.undoing_name, StateMachine.load().state_machine_arn)


handler = consumer_handler({"order.cancellation_requested": start, "order.resumption_requested": start})

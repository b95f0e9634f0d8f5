"""Starts the order saga for each placed order."""

from pydantic import BaseModel

from orders.adapters.executions import StateMachine, start_execution
from shared.consumer import consumer_handler
from shared.events import Event
from shared.saga import SagaOrder


class OrderPlaced(BaseModel):
    """What `order.placed` carries."""

    order: SagaOrder


# Refuses to start where nothing names the state machine.
StateMachine.load()


def start(event: Event) -> None:
    """Starts the saga of the order that was placed; does nothing when it was started before."""
    order = OrderPlaced.model_validate(event.data).order
    start_execution(order, order.order_id, StateMachine.load().state_machine_arn)


handler = consumer_handler({"order.placed": start})

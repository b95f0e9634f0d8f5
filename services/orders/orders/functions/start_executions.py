"""Starts the state machines of an order: the saga of a placed one, the cancellation of one that is to be undone."""

from pydantic import BaseModel

from orders.adapters.order_store import OrderMissing
from orders.dependencies import StateMachines, executions, order_store
from orders.domain.order import Order
from shared.consumer import consumer_handler
from shared.events import Event
from shared.saga import SagaOrder


class OrderPlaced(BaseModel):
    """The part of `order.placed` that this consumer reads."""

    order: SagaOrder


class UndoingRequested(BaseModel):
    """The part of `order.cancellation_requested` and `order.resumption_requested` that this consumer reads."""

    order_id: str


# A function that lacks the names of its state machines refuses to start.
StateMachines.load()


def start_saga(event: Event) -> None:
    """Starts the saga of the placed order; does nothing if it was started before."""
    executions().start_saga(OrderPlaced.model_validate(event.data).order)


def start_cancellation(event: Event) -> None:
    """Starts the order's cancellation or resumption; does nothing if it was started before. Raises OrderMissing."""
    executions().start_cancellation(_order(UndoingRequested.model_validate(event.data).order_id))


def _order(order_id: str) -> Order:
    order = order_store().find(order_id)
    if order is None:
        raise OrderMissing(order_id)
    return order


handler = consumer_handler(
    {
        "order.placed": start_saga,
        "order.cancellation_requested": start_cancellation,
        "order.resumption_requested": start_cancellation,
    }
)

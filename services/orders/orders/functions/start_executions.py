"""Starts the state machines of an order: the saga of a placed one, the cancellation of one that is to be undone.

Both get the order as it is stored, without its address and its payment token, which this function may not read. A step
that needs one of them reads it by the order's id. An event's `aggregate_id` is that id in every version.
"""

from orders.adapters.order_store import OrderMissing
from orders.dependencies import StateMachines, executions, redacted_orders
from orders.domain.order import Order
from orders.domain.saga_form import for_saga
from shared.consumer import consumer_handler
from shared.events import Event
from shared.observability import logger

# A function that lacks the names of its state machines refuses to start.
StateMachines.load()


def start_saga(event: Event) -> None:
    """Starts the saga of the placed order, again if the event comes again. Raises OrderMissing.

    It starts none for an order that is decided, or that is being undone, as one whose personal data were erased.
    """
    order = _order(event.aggregate_id)
    if not order.awaits_its_saga:
        logger.info("saga not started", status=order.status.value, erased=order.erased_at is not None)
        return
    executions().start_saga(for_saga(order))


def start_cancellation(event: Event) -> None:
    """Starts what undoes the order, or its resumption; does nothing if it was started before. Raises OrderMissing."""
    executions().start_cancellation(_order(event.aggregate_id))


def _order(order_id: str) -> Order:
    order = redacted_orders().find(order_id)
    if order is None:
        raise OrderMissing(order_id)
    return order


handler = consumer_handler(
    {
        # Version 1, which carries the whole order, may still wait in a queue or among the dead letters.
        "order.placed": {1: start_saga, 2: start_saga},
        "order.abandoned": start_cancellation,
        "order.cancellation_requested": start_cancellation,
        "order.resumption_requested": start_cancellation,
    }
)

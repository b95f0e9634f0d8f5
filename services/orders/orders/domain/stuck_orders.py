"""How an order that waits for too long is brought to its end, even if a message or an execution was lost.

A placed order has its saga started again. Nobody can know whether an execution of it runs, and it does no harm if one
does. If that does not decide the order either, it is abandoned.

An order that is being undone is compared with the execution that undoes it:

    running               nothing: the execution retries by itself
    not started           it is started; its event was lost, or still waits
    ended                 the order is taken over: its resumption undoes everything of it
    a resumption's ended  the order is parked, for an operator

A confirmed order waits for the consumers of its confirmation instead. Its fulfilment is requested once more, and again
each time that as long has passed.
"""

import json
from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from orders.domain.order import Order
from orders.domain.saga_form import for_saga
from orders.domain.status import OrderStatus, RejectionReason
from shared.clock import timestamp
from shared.events import Event
from shared.saga import SagaOrder

type Change = Callable[[Order], tuple[Order, list[Event]]]


class Outcome(StrEnum):
    """What the reconciler did about an order."""

    LEFT = "left"
    STARTED = "started"
    TAKEN_OVER = "taken over"
    PARKED = "parked"
    REMINDED = "reminded"


class ExecutionProgress(StrEnum):
    """How far the execution is that undoes an order."""

    UNKNOWN = "unknown"
    """It was not started, or it ended more than 90 days ago."""
    RUNNING = "running"
    ENDED = "ended"


class Orders(Protocol):
    """Changes orders."""

    def change(self, order_id: str, change: Change, /) -> Order:
        """Stores the order as `change` makes it."""


class Executions(Protocol):
    """The executions of an order's saga and of its cancellation."""

    def progress(self, order: Order, /) -> ExecutionProgress:
        """How far the execution is that undoes the `order`."""

    def start_saga(self, order: SagaOrder, /) -> None:
        """Starts the order's saga."""

    def start_cancellation(self, order: Order, /) -> None:
        """Starts the execution that undoes the order, or its resumption."""


def is_stuck(order: Order, before: datetime) -> bool:
    """Whether the order is open, and the reconciler has not acted on it since before that moment."""
    return order.status.is_open and order.waiting_since < timestamp(before)


def is_due_for_reminder(order: Order, before: datetime) -> bool:
    """Whether the order is confirmed, and waits without a reminder since before that moment."""
    return order.status is OrderStatus.CONFIRMED and order.waiting_since < timestamp(before)


def reconcile(order: Order, orders: Orders, executions: Executions, now: datetime) -> Outcome:
    """Brings an order to its end that is open, or confirmed, for too long. A repeat does no more.

    It changes an order only in the version that it looked at; a newer one waits for the next run.
    """

    def change_if_unchanged(change: Change) -> None:
        orders.change(
            order.order_id,
            lambda current: change(current) if current.version == order.version else (current, []),
        )

    match order.status:
        case OrderStatus.CONFIRMED:
            change_if_unchanged(lambda current: current.remind(now))
            return Outcome.REMINDED
        case OrderStatus.PLACED:
            return _decided(order, change_if_unchanged, executions, now)
    return _undone(order, change_if_unchanged, executions, now)


def _decided(
    order: Order, change_if_unchanged: Callable[[Change], None], executions: Executions, now: datetime
) -> Outcome:
    """Has the saga of a placed order started again, or abandons the order."""
    if order.is_reminded or not order.awaits_its_saga:
        change_if_unchanged(lambda current: current.abandon(RejectionReason.TECHNICAL_FAILURE, now))
        return Outcome.TAKEN_OVER
    executions.start_saga(for_saga(order))
    change_if_unchanged(lambda current: current.remind(now))
    return Outcome.STARTED


def _undone(
    order: Order, change_if_unchanged: Callable[[Change], None], executions: Executions, now: datetime
) -> Outcome:
    """Compares an order that is being undone with the execution that undoes it."""
    match executions.progress(order):
        case ExecutionProgress.RUNNING:
            return Outcome.LEFT
        case ExecutionProgress.UNKNOWN:
            executions.start_cancellation(order)
            return Outcome.STARTED
    if order.is_being_resumed:
        state = {
            "order": for_saga(order).model_dump(),
            "ended_execution": order.cancellation_name,
        }
        change_if_unchanged(lambda current: current.park(json.dumps(state), now))
        return Outcome.PARKED
    change_if_unchanged(lambda current: current.take_over(now))
    return Outcome.TAKEN_OVER

"""Scheduled: sees to it that every order comes to its end, whatever got lost on the way.

An order that is under way for too long is compared with the execution that should end it:

    running               nothing: it retries
    there is none         a placed order's saga, or a cancellation, is started; its event was lost, or still waits
    ended, or none that could be started afresh
                          the order is taken over: its resumption undoes everything of it
    a resumption's ended  the order is parked, for an operator

An order that is confirmed and not fulfilled in time waits for no execution but for the consumers of its confirmation.
Its fulfilment is asked for once more, and again each time that as long has passed.

Each run looks at the oldest orders, as many as it has the time for; the next goes on. Those that it leaves alone do not
keep it from the others for long, as an execution ends within half an hour whatever happens in it.
"""

import json
from collections.abc import Callable
from enum import StrEnum
from itertools import chain
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from orders.adapters.attention import late_before, overdue_before, still
from orders.adapters.executions import Progress, progress_of, start_execution
from orders.adapters.order_store import despite_lost_races
from orders.dependencies import order_store
from orders.domain.order import Order, OrderStatus
from shared.cause import caused_by
from shared.clock import timestamp, utc_now
from shared.environment import LambdaEnvironment
from shared.events import Event
from shared.observability import count, logger, metrics, tracer

# More than are ever seen; a run that finds so many is cut short by its time.
_MOST_A_RUN = 200
# What one order may take: three calls, each of which gives up after its retries.
_TIME_FOR_ONE_MS = 10_000


class Environment(LambdaEnvironment):
    """What this function reads from its environment."""

    saga_arn: str
    cancellation_arn: str


class Outcome(StrEnum):
    """What became of an order that was looked at."""

    LEFT = "left"
    STARTED = "started"
    TAKEN_OVER = "taken over"
    PARKED = "parked"
    REMINDED = "reminded"


class ReconciliationFailed(Exception):
    """Some orders could not be looked at; the log says which, and the next run tries again."""


environment = Environment.load()


def reconcile(order: Order) -> Outcome:
    """Does to an order that is under way, or waits, for too long what brings it to its end; a repeat does no more."""
    if order.status is OrderStatus.CONFIRMED:
        _change_unless_it_moved_on(order, lambda current: current.remind(utc_now()))
        return Outcome.REMINDED
    undone = order.is_undone_by_cancellation
    machine = environment.cancellation_arn if undone else environment.saga_arn
    name = order.undoing_name if undone else order.order_id
    match progress_of(name, machine):
        case Progress.RUNNING:
            return Outcome.LEFT
        case Progress.UNKNOWN if undone:
            start_execution(order.for_cancellation(), name, machine)
            return Outcome.STARTED
        case Progress.UNKNOWN if order.status is OrderStatus.PLACED and not order.erased_at:
            start_execution(order.for_saga(), name, machine)
            return Outcome.STARTED
    if order.is_being_resumed:
        state = {"order": order.for_cancellation().model_dump(mode="json"), "ended_execution": name}
        _change_unless_it_moved_on(order, lambda current: current.park(json.dumps(state), utc_now()))
        return Outcome.PARKED
    _change_unless_it_moved_on(order, lambda current: current.take_over(utc_now()))
    return Outcome.TAKEN_OVER


def _change_unless_it_moved_on(order: Order, change: Callable[[Order], tuple[Order, list[Event]]]) -> None:
    """An order that is another version by now is no longer the one whose execution was looked at."""
    despite_lost_races(
        order_store().change,
        order.order_id,
        lambda current: change(current) if current.version == order.version else (current, []),
    )


def reconcile_overdue(context: LambdaContext) -> dict[str, int]:
    """Looks at the overdue orders and then at the late ones, the oldest first, while there is time; how many came to
    which outcome.

    An order that fails stops no other. Raises ReconciliationFailed at the end if any did.
    """
    store, now = order_store(), utc_now()
    unheard_before = late_before(now)
    overdue = store.open_since_before(overdue_before(now), _MOST_A_RUN)
    unheard = store.unheard_since_before(unheard_before, _MOST_A_RUN)
    count("OrdersStuck", len(overdue))
    count("OrdersLate", len(store.late(unheard_before, _MOST_A_RUN)))
    count("OrdersWaitingParked", len(store.parked(_MOST_A_RUN)))

    def is_unheard(order: Order) -> bool:
        waits = order.status is OrderStatus.CONFIRMED
        return waits and order.unheard_since < timestamp(unheard_before)

    outcomes = dict.fromkeys(Outcome, 0)
    failed = []
    for order in chain(
        still(store, overdue, lambda order: order.status.is_open), still(store, unheard, is_unheard)
    ):
        if context.get_remaining_time_in_millis() < _TIME_FOR_ONE_MS:
            logger.warning("out of time; the next run goes on")
            break
        logger.append_keys(order_id=order.order_id, correlation_id=order.correlation_id)
        try:
            outcome = reconcile(order)
        except Exception:  # noqa: BLE001 - whatever it is, it is this order's; see the end of the run
            logger.exception("order could not be reconciled")
            failed.append(order.order_id)
        else:
            outcomes[outcome] += 1
            logger.info("order reconciled", status=order.status.value, outcome=outcome.value)
        finally:
            logger.remove_keys(["order_id", "correlation_id"])
    count("OrdersReconciled", outcomes[Outcome.STARTED] + outcomes[Outcome.TAKEN_OVER])
    count("OrdersParked", outcomes[Outcome.PARKED])
    count("OrdersReminded", outcomes[Outcome.REMINDED])
    if failed:
        raise ReconciliationFailed(", ".join(failed))
    return {outcome.value: number for outcome, number in outcomes.items()}


@metrics.log_metrics
@tracer.capture_lambda_handler(capture_response=False)
@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, int]:
    """The Lambda handler of the schedule's event, of which it needs nothing."""
    with caused_by(context.aws_request_id):
        return reconcile_overdue(context)

"""Scheduled: ends the orders that are open, or confirmed, for too long; see `orders.domain.stuck_orders`.

Each run looks at as many orders as it has the time for, and each begins at another one. So orders that it leaves alone,
or fails at, do not keep it from the others, however many they are.
"""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from orders.dependencies import (
    ReconcileSettings,
    StateMachines,
    attention_index,
    executions,
    order_store,
    reconcile_settings,
)
from orders.domain.order import Order
from orders.domain.stuck_orders import Outcome, is_due_for_reminder, is_stuck, reconcile
from shared.cause import caused_by
from shared.clock import utc_now
from shared.fair_order import from_any_one
from shared.observability import count, entry_point, logger

# More than a run has the time for. The index needs several requests for as many.
_MOST_A_RUN = 10_000
# The time for one order: three calls; each gives up after its retries.
_TIME_FOR_ONE_MS = 10_000


class ReconciliationFailed(Exception):
    """Some orders could not be reconciled; the log names them, and the next run tries again."""


# A function that lacks the names of its state machines, or its settings, refuses to start.
StateMachines.load()
ReconcileSettings.load()


def reconcile_all(context: LambdaContext) -> dict[str, int]:
    """Reconciles the stuck orders and the late ones, while there is time.

    Returns the number of orders for each outcome. An order that fails stops no other; the run raises
    ReconciliationFailed at its end.
    """
    index, store, now = attention_index(), order_store(), utc_now()
    stuck_before = reconcile_settings().stuck_before(now)
    late_before = reconcile_settings().late_before(now)
    stuck = index.open_since_before(stuck_before, _MOST_A_RUN)
    late = index.due_for_reminder(late_before, _MOST_A_RUN)
    count("OrdersStuck", len(stuck))
    count("OrdersLate", len(index.late(late_before, _MOST_A_RUN)))
    count("OrdersParkedNow", len(index.parked(_MOST_A_RUN)))
    outcomes = dict.fromkeys(Outcome, 0)
    failed = []
    for order_id in from_any_one([*stuck, *late], now):
        if context.get_remaining_time_in_millis() < _TIME_FOR_ONE_MS:
            logger.warning("out of time; the next run goes on")
            break
        order = store.find(order_id)
        # The index lags behind the table, and does not know when the reconciler acted on an order.
        if order is None or not (is_stuck(order, stuck_before) or is_due_for_reminder(order, late_before)):
            continue
        outcome = _reconciled(order)
        if outcome is None:
            failed.append(order.order_id)
        else:
            outcomes[outcome] += 1
    count("OrdersReconciled", outcomes[Outcome.STARTED] + outcomes[Outcome.TAKEN_OVER])
    count("OrdersParked", outcomes[Outcome.PARKED])
    count("OrdersReminded", outcomes[Outcome.REMINDED])
    if failed:
        raise ReconciliationFailed(", ".join(failed))
    return {outcome.value: number for outcome, number in outcomes.items()}


def _reconciled(order: Order) -> Outcome | None:
    """The outcome for the order, or None if it failed."""
    logger.append_keys(order_id=order.order_id, correlation_id=order.correlation_id)
    try:
        outcome = reconcile(order, order_store(), executions(), utc_now())
    except Exception:  # noqa: BLE001 - any error concerns this order alone; the run fails at its end
        logger.exception("order could not be reconciled")
        return None
    else:
        logger.info("order reconciled", status=order.status.value, outcome=outcome.value)
        return outcome
    finally:
        logger.remove_keys(["order_id", "correlation_id"])


@entry_point
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, int]:
    """The Lambda handler of the schedule's event; it ignores the event's content."""
    with caused_by(context.aws_request_id):
        return reconcile_all(context)

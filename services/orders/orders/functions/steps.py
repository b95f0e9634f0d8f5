"""The orders' own steps of the saga and of the cancellation; the state machine names the one that it wants."""

import json
from datetime import datetime
from typing import Any

from aws_lambda_powertools.metrics import MetricUnit

from orders.dependencies import order_store
from orders.domain.status import OrderStatus, RejectionReason, reason_of
from shared.clock import timestamp, utc_now
from shared.observability import count, measure
from shared.saga import CaughtError, SagaOrder, Step, StepInput, order_step, steps_handler


class AbandonInput(StepInput):
    """The order and the error that ended its saga."""

    error: CaughtError | None = None


class ParkInput(StepInput):
    """The order, and the cancellation's whole state, which is stored with it: each compensation's own error, too."""

    state: dict[str, Any]


def confirm(order: SagaOrder) -> dict[str, Any]:
    """Confirms the order; raises IllegalTransition if it was given up or cancelled meanwhile.

    A repeat changes and counts nothing. Revenue is counted in minor units, each currency by itself.
    """
    now = utc_now()
    confirmed = order_store().change(order.order_id, lambda current: current.confirm(now))
    if confirmed.confirmed_at == timestamp(now):
        count("OrdersConfirmed")
        measure(f"RevenueConfirmed{confirmed.total.currency}", confirmed.total.amount)
        seconds = (now - datetime.fromisoformat(confirmed.placed_at)).total_seconds()
        measure("SecondsToConfirm", seconds, MetricUnit.Seconds)
    return {"status": confirmed.status.value}


def abandon(given: AbandonInput) -> dict[str, Any]:
    """Gives the order up for the reason that the error stands for, so that it is undone.

    A declined payment counts against its customer, also if the order was cancelled meanwhile.
    `confirmed` is true if its confirmation took effect first, and only the answer was lost: then the order stands.
    """
    reason, now = reason_of(given.error.name if given.error else ""), utc_now()
    order = order_store().change(given.order.order_id, lambda current: current.abandon(reason, now))
    if reason is RejectionReason.PAYMENT_DECLINED:
        order_store().change_declines(order.customer_id, lambda account: account.decline(order.order_id, now))
    return {"confirmed": order.was_confirmed, "status": order.status.value}


def cancel(order: SagaOrder) -> dict[str, Any]:
    """Ends the order that is undone: cancels it if that was requested, and rejects it if it was abandoned.

    Raises IllegalTransition if the order is not being undone.
    """
    ended = order_store().change(order.order_id, lambda current: current.cancel(utc_now()))
    count("OrdersCancelled" if ended.status is OrderStatus.CANCELLED else "OrdersRejected")
    return {"status": ended.status.value}


def refuse_cancellation(order: SagaOrder) -> dict[str, Any]:
    """Makes the order stand again; it stays `cancelling` if its money cannot be taken.

    Raises IllegalTransition if the order was never confirmed: no parcel of it can have left.
    """
    refused = order_store().change(order.order_id, lambda current: current.refuse_cancellation(utc_now()))
    count("CancellationsRefused")
    if refused.status is OrderStatus.FULFILLED:
        count("OrdersFulfilled")
    return {"status": refused.status.value}


def park(given: ParkInput) -> dict[str, Any]:
    """Parks the order with the machine's state, unless it has ended."""
    state = json.dumps(given.state, ensure_ascii=False, separators=(",", ":"))
    parked = order_store().change(given.order.order_id, lambda current: current.park(state, utc_now()))
    if parked.status is OrderStatus.PARKED:
        count("OrdersParked")
    return {"status": parked.status.value}


handler = steps_handler(
    {
        "confirm": order_step(confirm),
        "abandon": Step(AbandonInput, abandon),
        "cancel": order_step(cancel),
        "refuse_cancellation": order_step(refuse_cancellation),
        "park": Step(ParkInput, park),
        # Sagas that an earlier release started name the abandonment so (docs/deployment.md).
        "check_confirmation": Step(AbandonInput, abandon),
        "reject": Step(AbandonInput, abandon),
    }
)

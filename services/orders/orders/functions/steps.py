"""The orders' own steps of the saga and of the cancellation; the state machine names the one that it wants."""

from typing import Any

from pydantic import ConfigDict

from orders.dependencies import order_store
from orders.domain.status import OrderStatus, reason_of
from shared.clock import utc_now
from shared.observability import count
from shared.saga import CaughtError, SagaModel, SagaOrder, Step, StepInput, order_step, steps_handler


class RejectInput(StepInput):
    """The order and the error that ended its saga."""

    error: CaughtError


class MachineState(SagaModel):
    """The state machine's whole state: the order, and each compensation's own error. `error` is what ended a saga.

    A cancellation, which undoes an order that stood, has none.
    """

    model_config = ConfigDict(frozen=True, extra="allow")

    order: SagaOrder
    error: CaughtError | None = None


class ParkInput(StepInput):
    """The order and the state that is stored with it."""

    state: MachineState


def confirm(order: SagaOrder) -> dict[str, Any]:
    """Confirms the order; raises IllegalTransition if it was given up or cancelled meanwhile."""
    confirmed = order_store().change(order.order_id, lambda current: current.confirm(utc_now()))
    count("OrdersConfirmed")
    return {"status": confirmed.status.value}


def check_confirmation(order: SagaOrder) -> dict[str, Any]:
    """Finds out whether a failed confirmation took effect; abandons the order if not, so that it no longer can.

    An order that was confirmed and is being cancelled since counts as confirmed: its cancellation undoes it.
    """
    checked = order_store().change(order.order_id, lambda current: current.abandon(utc_now()))
    return {"confirmed": checked.was_confirmed, "status": checked.status.value}


def reject(given: RejectInput) -> dict[str, Any]:
    """Rejects the order for the reason that the error stands for, or cancels it if that was requested."""
    reason = reason_of(given.error.name)
    ended = order_store().change(given.order.order_id, lambda current: current.reject(reason, utc_now()))
    if ended.status is OrderStatus.CANCELLED:
        count("OrdersCancelled")
        return {"status": ended.status.value}
    count("OrdersRejected")
    return {"status": ended.status.value, "reason": reason.value}


def cancel(order: SagaOrder) -> dict[str, Any]:
    """Cancels the order, or rejects it if it was resumed without a requested cancellation.

    Raises IllegalTransition if the order is neither being cancelled nor resumed.
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
    """Parks the order with the machine's state, unless it has ended or another machine undoes it by now."""
    state = given.state.model_dump_json(by_alias=True, exclude_unset=True)
    failed = reason_of(given.state.error.name) if given.state.error else None
    parked = order_store().change(
        given.order.order_id, lambda current: current.park(state, utc_now(), saga_failed=failed)
    )
    if parked.status is OrderStatus.PARKED:
        count("OrdersParked")
    return {"status": parked.status.value}


handler = steps_handler(
    {
        "confirm": order_step(confirm),
        "check_confirmation": order_step(check_confirmation),
        "reject": Step(RejectInput, reject),
        "cancel": order_step(cancel),
        "refuse_cancellation": order_step(refuse_cancellation),
        "park": Step(ParkInput, park),
    }
)

"""Saga and cancellation step: something could not be undone. Keeps everything that whoever resumes the order needs."""

from typing import Any

from pydantic import ConfigDict

from orders.dependencies import order_store
from orders.domain.order import OrderStatus, reason_of
from shared.clock import utc_now
from shared.observability import count
from shared.saga import CaughtError, StepInput, input_handler


class ParkInput(StepInput):
    """The state machine's whole state: the order, and each compensation's own error; `error` is what ended a saga.

    A cancellation, which undoes what was well, has none.
    """

    model_config = ConfigDict(frozen=True, extra="allow")

    error: CaughtError | None = None


def park(step_input: ParkInput) -> dict[str, Any]:
    """Parks the order with the machine's state, unless it is final or another's by now; answers with its status."""
    state = step_input.model_dump_json(by_alias=True, exclude_unset=True)
    failed = reason_of(step_input.error.name) if step_input.error else None
    parked = order_store().change(
        step_input.order.order_id, lambda current: current.park(state, utc_now(), saga_failed=failed)
    )
    if parked.status is OrderStatus.PARKED:
        count("OrdersParked")
    return {"status": parked.status.value}


handler = input_handler(ParkInput, park, name="park")

"""Saga step: something could not be undone. Keeps everything that whoever resumes the order needs."""

from typing import Any

from pydantic import ConfigDict

from orders.domain import OrderStatus
from orders.resources import order_store
from shared.clock import utc_now
from shared.observability import count
from shared.saga import StepInput, input_handler


class ParkInput(StepInput):
    """The saga's whole state: the order, the error, and each compensation's own error."""

    model_config = ConfigDict(frozen=True, extra="allow")


def park(step_input: ParkInput) -> dict[str, Any]:
    """Parks the order with the saga's state, unless it reached a final status after all; answers with its status."""
    state = step_input.model_dump_json(by_alias=True)
    parked = order_store().change(step_input.order.order_id, lambda current: current.park(state, utc_now()))
    if parked.status is OrderStatus.PARKED:
        count("OrdersParked")
    return {"status": parked.status.value}


handler = input_handler(ParkInput, park, name="park")

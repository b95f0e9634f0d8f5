"""Cleanup step: which of the orders whose stock waits for a decision are given up, stand, or are still open."""

from enum import StrEnum
from typing import Annotated, Any

from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import BaseModel, ConfigDict, Field

from orders.dependencies import order_store
from orders.domain.status import OrderStatus
from shared.observability import logger, metrics, tracer


class Verdict(StrEnum):
    """What may be concluded of an order's reservations and payments: that nobody needs them, or that somebody does."""

    GIVEN_UP = "given_up"
    STANDS = "stands"
    OPEN = "open"
    UNKNOWN = "unknown"


class Question(BaseModel):
    """The step's input."""

    model_config = ConfigDict(frozen=True)

    order_ids: Annotated[list[str], Field(max_length=500)]


def verdict_on(status: OrderStatus | None) -> Verdict:
    """The verdict on an order in `status`; None is an order that there is not.

    A parked order is open: an operator decides, and resuming it undoes what is left.
    """
    match status:
        case None:
            return Verdict.UNKNOWN
        case OrderStatus.REJECTED | OrderStatus.CANCELLED:
            return Verdict.GIVEN_UP
        case OrderStatus.PARKED:
            return Verdict.OPEN
        case _:
            return Verdict.OPEN if status.is_open else Verdict.STANDS


@metrics.log_metrics
@tracer.capture_lambda_handler(capture_response=False)
@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """The Lambda handler of the step; it changes nothing."""
    order_ids = Question.model_validate(event).order_ids
    statuses = order_store().statuses_of(order_ids)
    return {"verdicts": {order_id: verdict_on(statuses.get(order_id)).value for order_id in order_ids}}

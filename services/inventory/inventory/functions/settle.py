"""Cleanup step: does with overdue reservations what the orders service says of their orders."""

from enum import StrEnum
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import BaseModel, ConfigDict

from inventory.dependencies import stock_store
from inventory.domain.reservation import Reservation, ReservationCommitted, StockContended
from shared.cause import caused_by
from shared.clock import utc_now
from shared.observability import logger, metrics, tracer

# What one reservation may take with all of its retries. Past this the rest is left to the next run.
_TIME_FOR_ONE_MS = 8_000


class Verdict(StrEnum):
    """What the orders service says of an order whose reservation is overdue."""

    GIVEN_UP = "given_up"
    STANDS = "stands"
    OPEN = "open"
    UNKNOWN = "unknown"


class Outcome(StrEnum):
    """What became of a reservation."""

    RELEASED = "released"
    KEPT = "kept"
    LEFT = "left"
    UNKNOWN = "unknown"


class Settlement(BaseModel):
    """The step's input: what is said of each order, by its id, and whether only to count."""

    model_config = ConfigDict(frozen=True)

    verdicts: dict[str, Verdict]
    dry_run: bool


# Of an order that is open, and one that nobody knows, nothing may be concluded: its stock stays.
_WOULD = {
    Verdict.GIVEN_UP: Outcome.RELEASED,
    Verdict.STANDS: Outcome.KEPT,
    Verdict.OPEN: Outcome.LEFT,
    Verdict.UNKNOWN: Outcome.UNKNOWN,
}


def settle(order_id: str, verdict: Verdict) -> Outcome:
    """Releases the reservation of an order that is given up, and takes the expiry from that of one that stands.

    A repeat changes nothing. Raises ReservationInconsistent; someone has to look.
    """
    store = stock_store()
    reservation: Reservation | None = store.reservation_of(order_id)
    if reservation is None or verdict not in {Verdict.GIVEN_UP, Verdict.STANDS}:
        return _WOULD[verdict]
    with caused_by(f"cleanup/{order_id}", order_id=order_id, correlation_id=reservation.correlation_id):
        try:
            if verdict is Verdict.GIVEN_UP:
                store.release(order_id, reservation.correlation_id, utc_now())
            else:
                store.keep(order_id)
        except (ReservationCommitted, StockContended) as error:
            logger.warning("reservation left as it is", reason=type(error).__name__)
            return Outcome.LEFT
        outcome = _WOULD[verdict]
        logger.info("overdue reservation settled", outcome=outcome.value)
        return outcome


@metrics.log_metrics
@tracer.capture_lambda_handler(capture_response=False)
@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, int]:
    """The Lambda handler of the step: how many reservations came to which outcome; those without time count as left."""
    settlement = Settlement.model_validate(event)
    outcomes = dict.fromkeys((outcome.value for outcome in Outcome), 0)
    for order_id, verdict in settlement.verdicts.items():
        if settlement.dry_run:
            outcome = _WOULD[verdict]
        elif context.get_remaining_time_in_millis() < _TIME_FOR_ONE_MS:
            outcome = Outcome.LEFT
        else:
            outcome = settle(order_id, verdict)
        outcomes[outcome.value] += 1
    return outcomes

"""Cleanup step: which orders should have been decided by now, as far as their reservations tell."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import BaseModel, ConfigDict

from inventory.adapters.stock_store import Overdue
from inventory.dependencies import stock_store
from shared.clock import utc_now
from shared.observability import count, logger, metrics, tracer

MOST_A_RUN = 500
"""So many at a time; those behind them come with the next run. Their ids are 20 KB of a state's 256."""


class Request(BaseModel):
    """The step's input: the place to go on after, as a run before answered it as `next`."""

    model_config = ConfigDict(frozen=True)

    after: str | None = None

    @property
    def place(self) -> Overdue | None:
        """The last reservation that the run before named."""
        if self.after is None:
            return None
        expires_at, _, order_id = self.after.partition(" ")
        return Overdue(expires_at, order_id)


@metrics.log_metrics
@tracer.capture_lambda_handler(capture_response=False)
@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """The Lambda handler of the step; it changes nothing. Those first that have been overdue the longest.

    `next` is where the next run goes on, so that reservations of which nothing can be decided hide none behind them.
    """
    overdue = stock_store().expired(utc_now(), MOST_A_RUN, Request.model_validate(event).place)
    count("ReservationsOverdue", len(overdue))
    more = len(overdue) == MOST_A_RUN
    return {
        "order_ids": [entry.order_id for entry in overdue],
        "next": " ".join(overdue[-1]) if more else None,
    }

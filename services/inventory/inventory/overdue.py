"""Cleanup step: which orders should have been decided by now, as far as their reservations tell."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from inventory.resources import stock_store
from shared.clock import utc_now
from shared.observability import count, logger, metrics, tracer

MOST_A_RUN = 500
"""So many at a time; those behind them come with the next run. Their ids are 20 KB of a state's 256."""


@metrics.log_metrics
@tracer.capture_lambda_handler(capture_response=False)
@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """The Lambda handler of the step; it changes nothing. Those first that have been overdue the longest."""
    order_ids = stock_store().expired(utc_now(), MOST_A_RUN)
    count("ReservationsOverdue", len(order_ids))
    return {"order_ids": order_ids}

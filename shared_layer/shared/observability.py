"""The logger, tracer and metrics of a function, made once per execution environment.

Service name, namespace and level come from the environment variables that the template sets
(`POWERTOOLS_SERVICE_NAME`, `POWERTOOLS_METRICS_NAMESPACE`, `POWERTOOLS_LOG_LEVEL`).
"""

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from shared.validation import hiding_values, without_values

__all__ = ["count", "entry_point", "logger", "metrics"]

type Handler[Answer] = Callable[[dict[str, Any], LambdaContext], Answer]

logger = Logger(utc=True)
metrics = Metrics()
_tracer = Tracer()


def entry_point[Answer](handler: Handler[Answer]) -> Handler[Answer]:
    """The Lambda handler with its log, its trace and its metrics.

    Lambda logs an exception that leaves it, and gives it to the state machine. So a ValidationError leaves it without
    the values.
    """

    @metrics.log_metrics
    @_tracer.capture_lambda_handler(capture_response=False)
    @logger.inject_lambda_context(clear_state=True)
    @hiding_values
    @wraps(handler)
    def entered(event: dict[str, Any], context: LambdaContext) -> Answer:
        return handler(event, context)

    return entered


def count(name: str, value: int = 1) -> None:
    """Adds `value` to the counter metric `name` of this invocation."""
    metrics.add_metric(name=name, unit=MetricUnit.Count, value=value)


def _hide_values(record: logging.LogRecord) -> bool:
    """Takes the values out of the logged exception; every line is logged."""
    if record.exc_info and record.exc_info[1]:
        error = without_values(record.exc_info[1])
        record.exc_info = (type(error), error, error.__traceback__)
    return True


logger.addFilter(_hide_values)

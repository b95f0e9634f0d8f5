"""The logger and metrics of a function, made once per execution environment.

Service name, namespace and level come from the environment variables that the template sets
(`POWERTOOLS_SERVICE_NAME`, `POWERTOOLS_METRICS_NAMESPACE`, `POWERTOOLS_LOG_LEVEL`).

Logs are billed by the byte. So each piece of work logs one line at INFO, which `make trace` reads. Its parts are lines
at DEBUG, which a share of the invocations (`LOG_SAMPLE_RATE`) logs as well.

Lambda itself traces each invocation. With `TRACE_CALLS` (the template's parameter TraceCalls) the X-Ray SDK adds the
function's calls of AWS and of other servers to the trace. It is not even imported without, because it starts slowly.
"""

import gc
import logging
import os
import random
from collections.abc import Callable
from functools import wraps
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from shared.validation import hiding_values, without_values

__all__ = ["count", "entry_point", "logger", "measure", "metrics"]

type Handler[Answer] = Callable[[dict[str, Any], LambdaContext], Answer]

# A line needs no place in the code: its message is unique. An exception needs no second stack trace beside its text.
# Lambda reads the level of a line only beside such a time.
logger = Logger(utc=True, use_rfc3339=True, serialize_stacktrace=False, location=None, xray_trace_id=None)
metrics = Metrics()
_lines = logging.getLogger(logger.service)
_first_invocation = iter([True])

# The template has Lambda pass every line on, since a metric is a line at INFO and alarms need it. Powertools would take
# that for this logger's level.
_lines.setLevel(os.environ.get("POWERTOOLS_LOG_LEVEL", "INFO"))

# Python's own: so many new objects start a collection.
_USUAL_THRESHOLD = 2_000


def entry_point[Answer](handler: Handler[Answer]) -> Handler[Answer]:
    """The Lambda handler with its log, its trace and its metrics. A module makes it last, when all else is ready.

    Lambda logs an exception that leaves it, and gives it to the state machine. So a ValidationError leaves it without
    the values.
    """

    @_traced
    @hiding_values
    @wraps(handler)
    def entered(event: dict[str, Any], context: LambdaContext) -> Answer:
        _begin_log(context)
        try:
            return handler(event, context)
        finally:
            if metrics.metric_set:
                metrics.flush_metrics()

    _keep_what_is_there()
    traced: Handler[Answer] = entered
    return traced


def _begin_log(context: LambdaContext) -> None:
    """Drops the keys of the invocation before, and decides whether this one logs its details."""
    logger.structure_logs(
        function_request_id=context.aws_request_id, cold_start=next(_first_invocation, None)
    )
    sampled = random.random() < float(os.environ.get("LOG_SAMPLE_RATE", "0"))  # noqa: S311 # nosec B311 - no secret
    _lines.setLevel(logging.DEBUG if sampled else os.environ.get("POWERTOOLS_LOG_LEVEL", "INFO"))


def count(name: str, value: int = 1) -> None:
    """Adds `value` to the counter metric `name` of this invocation; nothing if it is zero, since each metric costs."""
    if value:
        metrics.add_metric(name=name, unit=MetricUnit.Count, value=value)


def measure(name: str, value: float, unit: MetricUnit = MetricUnit.NoUnit) -> None:
    """Adds `value` to the metric `name` of this invocation. CloudWatch has its sum, average and percentiles."""
    metrics.add_metric(name=name, unit=unit, value=value)


def _keep_what_is_there() -> None:
    """Takes the objects that live as long as the function out of garbage collection, which is usual from now on."""
    if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
        gc.freeze()
        gc.set_threshold(_USUAL_THRESHOLD)


def _traced[Answer](handler: Handler[Answer]) -> Handler[Answer]:
    """The handler, whose calls of others are in its trace if TRACE_CALLS says so."""
    if os.environ.get("TRACE_CALLS") != "true":
        return handler
    from aws_lambda_powertools import Tracer  # noqa: PLC0415 - the X-Ray SDK starts slowly

    traced: Handler[Answer] = Tracer().capture_lambda_handler(handler, capture_response=False)
    return traced


def _hide_values(record: logging.LogRecord) -> bool:
    """Takes the values out of the logged exception; every line is logged."""
    if record.exc_info and record.exc_info[1]:
        error = without_values(record.exc_info[1])
        record.exc_info = (type(error), error, error.__traceback__)
    return True


logger.addFilter(_hide_values)

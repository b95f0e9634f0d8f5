"""The logger, tracer and metrics of a function, made once per execution environment.

Service name, namespace and level come from the environment variables that the template sets
(`POWERTOOLS_SERVICE_NAME`, `POWERTOOLS_METRICS_NAMESPACE`, `POWERTOOLS_LOG_LEVEL`).
"""

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit

__all__ = ["count", "logger", "metrics", "tracer"]

logger = Logger(utc=True)
tracer = Tracer()
metrics = Metrics()


def count(name: str, value: int = 1) -> None:
    """Adds `value` to the counter metric `name` of this invocation."""
    metrics.add_metric(name=name, unit=MetricUnit.Count, value=value)

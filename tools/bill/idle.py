"""What a month costs without any order: polling, schedules, alarms, keys, secrets; and what a month with orders adds.

Lambda polls an idle queue with two connections, each with the longest wait, 20 seconds. So an empty queue sees six
requests a minute. AWS says that Lambda can go down to two, not that it always does; it begins with five. For a queue
with a maximum concurrency it stays at five. Polling of a stream is free.

- Connections: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html
- Empty receives, as counted by a user: https://github.com/getlift/lift/issues/132
- Streams: https://aws.amazon.com/dynamodb/pricing/on-demand/

An alarm costs as much as the metrics that it looks at (https://aws.amazon.com/cloudwatch/pricing/). A query
(`SELECT ...`) looks at every metric that it finds. Here it finds one for each queue or function of the stack.

A custom metric costs for the hours in which something writes it (the same page).

SNS asks KMS for a new data key every five minutes for each publisher, by two requests:
https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from tools.bill.declared import Declared, is_true, target
from tools.bill.usage import Usage

_MONTH_HOURS = 730
MONTH_SECONDS = _MONTH_HOURS * 3600
"""A month as AWS's own examples have it."""

LEAST_POLLERS, USUAL_POLLERS = 2, 5
POLL_SECONDS = 20
_FREE_DASHBOARDS = 3
_FAST_PERIOD = 60
_SECONDS = {"minute": 60, "hour": 3600, "day": 86400}
_RATE = re.compile(r"rate\((\d+) (minute|hour|day)s?\)")
_WEEKDAYS = 5
_QUERIED = {"AWS/SQS": "AWS::SQS::Queue", "AWS/Lambda": "AWS::Lambda::Function"}
# The metrics of a method: Count, 4XXError, 5XXError, Latency and IntegrationLatency.
# https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-metrics-and-dimensions.html
_METRICS_OF_A_METHOD = 5
_DATA_KEY_SECONDS, _REQUESTS_OF_A_DATA_KEY = 300, 2


def standing(declared: Declared, pollers: int = LEAST_POLLERS) -> list[Usage]:
    """What a month costs because it is there, if Lambda polls a queue without a limit by so many `pollers`."""
    return [*_polling(declared, pollers), *_alarms(declared), *_kept(declared)]


def scheduled_metrics(written: int, runs: float) -> Usage:
    """The custom metrics that a schedule writes at each of its `runs` a month: each is an hour of that metric."""
    return Usage("Metrics", "of schedules", "cloudwatch.metrics", written * min(1.0, runs / _MONTH_HOURS))


def runs_a_month(expression: str) -> float:
    """How often a schedule's expression fires in a month; raises ValueError for one that this does not know."""
    if rate := _RATE.fullmatch(expression):
        return MONTH_SECONDS / (int(rate[1]) * _SECONDS[rate[2]])
    fields = expression.removeprefix("cron(").removesuffix(")").split()
    if len(fields) != 6:
        raise ValueError(f"no schedule: {expression}")
    minute, hour, day, _, weekday, _ = fields
    days = MONTH_SECONDS / 86400
    if weekday not in "*?":
        days *= (_WEEKDAYS if "-" in weekday else len(weekday.split(","))) / 7
    elif day not in "*?":
        days = len(day.split(","))
    return days * _times(hour, 24) * _times(minute, 60)


def metrics_of_methods(declared: Declared, methods: Mapping[str, set[tuple[str, str]]]) -> list[Usage]:
    """The metrics of methods of a REST API, if its stage has them in detail: `methods` by API, as method and path."""
    return [
        Usage("Metrics", f"{api} in detail", "cloudwatch.metrics", _METRICS_OF_A_METHOD * len(called))
        for api, called in methods.items()
        if any(
            is_true(setting.get("MetricsEnabled"))
            for setting in declared.stages[api].get("MethodSettings", [])
        )
    ]


def keys_of_topics(declared: Declared) -> list[Usage]:
    """What SNS asks KMS for its encrypted topics in a month in which every role that may publish there always does."""
    publishing = [
        target(statement["Resource"])
        for role in declared.of_type("AWS::IAM::Role").values()
        for policy in role.get("Policies", [])
        for statement in policy["PolicyDocument"]["Statement"]
        if statement["Effect"] == "Allow" and "sns:Publish" in statement["Action"]
    ]
    data_keys = MONTH_SECONDS / _DATA_KEY_SECONDS
    return [
        Usage(
            "KMS",
            f"key of {name}",
            "kms.requests",
            _REQUESTS_OF_A_DATA_KEY * data_keys * publishing.count(name),
        )
        for name, topic in declared.of_type("AWS::SNS::Topic").items()
        if "KmsMasterKeyId" in topic and name in publishing
    ]


def _polling(declared: Declared, pollers: int) -> Iterator[Usage]:
    for queue, source in declared.queues_read.items():
        number = USUAL_POLLERS if "MaximumConcurrency" in source.get("ScalingConfig", {}) else pollers
        number = source.get("ProvisionedPollerConfig", {}).get("MinimumPollers", number)
        yield Usage("SQS polling", queue, "sqs.requests", number * MONTH_SECONDS / POLL_SECONDS)


def _alarms(declared: Declared) -> Iterator[Usage]:
    for name, alarm in declared.of_type("AWS::CloudWatch::Alarm").items():
        period = int(alarm.get("Period", _FAST_PERIOD))
        fast = "fast_" if period < _FAST_PERIOD else ""
        yield Usage("Alarms", name, f"cloudwatch.{fast}alarm_metrics", _looked_at(alarm, declared))
    for name in declared.of_type("AWS::CloudWatch::CompositeAlarm"):
        yield Usage("Alarms", name, "cloudwatch.composite_alarms", 1)


def _looked_at(alarm: Mapping[str, Any], declared: Declared) -> int:
    if "Metrics" not in alarm:
        return 1
    metrics = sum("MetricStat" in entry for entry in alarm["Metrics"])
    for entry in alarm["Metrics"]:
        expression = str(entry.get("Expression", ""))
        if expression.lstrip().upper().startswith("SELECT"):
            found = [kind for namespace, kind in _QUERIED.items() if namespace in expression]
            metrics += len(declared.of_type(found[0])) if found else 1
    return metrics


def _kept(declared: Declared) -> Iterator[Usage]:
    for name, key in declared.of_type("AWS::KMS::Key").items():
        if is_true(key.get("Enabled", True)):
            yield Usage("KMS", name, "kms.keys", 1)
    for name in declared.of_type("AWS::SecretsManager::Secret"):
        yield Usage("Secrets Manager", name, "secrets.secrets", 1)
    dashboards = len(declared.of_type("AWS::CloudWatch::Dashboard"))
    if dashboards > _FREE_DASHBOARDS:
        yield Usage("Dashboards", "all", "cloudwatch.dashboards", dashboards - _FREE_DASHBOARDS)


def _times(field: str, whole: int) -> float:
    if field == "*":
        return whole
    start, _, step = field.partition("/")
    return whole / int(step) if step else len(start.split(","))

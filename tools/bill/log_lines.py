"""How many bytes of logs AWS takes in: our own lines, and the lines of Lambda, API Gateway and Step Functions."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tools.bill.declared import is_true

_REQUEST_ID = "8f507cfc-xmpl-4697-b07a-ac58fc914c95"
_TRACE_ID = "1-5e34a614-10bdxmplf1fb44f07bc535a1"
_TIME = "2026-03-01T12:00:00.123Z"
_STATE_MACHINE_ARN = "arn:aws:states:us-east-1:123456789012:execution:{machine}:{execution}"

# https://docs.aws.amazon.com/lambda/latest/dg/python-logging.html shows these lines.
_PLAIN = (
    f"START RequestId: {_REQUEST_ID} Version: $LATEST\n",
    f"END RequestId: {_REQUEST_ID}\n",
    f"REPORT RequestId: {_REQUEST_ID}\tDuration: 15.74 ms\tBilled Duration: 16 ms\tMemory Size: 512 MB\t"
    "Max Memory Used: 96 MB\t\n",
)
_PLAIN_TRACE = f"XRAY TraceId: {_TRACE_ID}\tSegmentId: 07f5xmpl2d1f6f85\tSampled: true\t\n"

# https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html has their schema; both are of level INFO:
# https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html
_JSON: tuple[dict[str, Any], ...] = (
    {"time": _TIME, "type": "platform.start", "record": {"requestId": _REQUEST_ID, "version": "$LATEST"}},
    {
        "time": _TIME,
        "type": "platform.report",
        "record": {
            "requestId": _REQUEST_ID,
            "metrics": {
                "durationMs": 15.741,
                "billedDurationMs": 16,
                "memorySizeMB": 512,
                "maxMemoryUsedMB": 96,
            },
            "status": "success",
        },
    },
)
_JSON_TRACE = {
    "spanId": "07f5xmpl2d1f6f85",
    "type": "X-Amzn-Trace-Id",
    "value": f"Root={_TRACE_ID};Sampled=1",
}

# What a variable of an access log usually is, by its length.
_CONTEXT_LENGTHS = {
    "requestId": 36,
    "requestTime": 26,
    "httpMethod": 4,
    "status": 3,
    "responseLatency": 3,
    "integrationLatency": 3,
    "responseLength": 4,
    "authorizer.claims.sub": 36,
    "error.responseType": 1,
    "xrayTraceId": 35,
}
_OTHER_CONTEXT_LENGTH = 20
_LEVELS = ("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL")
_CONTEXT = re.compile(r"\$context\.([a-zA-Z]+(?:\.[a-zA-Z]+)*)")

# https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html: which events each level logs.
_MACHINE_LEVELS = {
    "OFF": re.compile(r"(?!)"),
    "FATAL": re.compile(r"Execution(Aborted|Failed|TimedOut)"),
    "ERROR": re.compile(r".*(Aborted|Failed|TimedOut)|FailStateEntered|\w+(Schedule|Start|Submit)Failed"),
    "ALL": re.compile(r".*"),
}


def own_lines(log: str, logging: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    """The bytes of each line that a function printed, with its kind: a metric, or a line for readers.

    Lambda drops a line of JSON below the ApplicationLogLevel of the function's LoggingConfig; the default is INFO.
    """
    is_filtered = logging.get("LogFormat") == "JSON"
    least = _LEVELS.index(logging.get("ApplicationLogLevel", "INFO")) if is_filtered else 0
    for line in log.splitlines():
        if line.strip() and _level(line) >= least:
            yield ("metric lines" if '"_aws"' in line else "our own lines"), len(line.encode())


def platform_bytes(logging: Mapping[str, Any], *, is_traced: bool) -> int:
    """The bytes that Lambda logs of one warm invocation, by the function's LoggingConfig."""
    if logging.get("LogFormat") != "JSON":
        return sum(map(len, _PLAIN)) + (len(_PLAIN_TRACE) if is_traced else 0)
    if logging.get("SystemLogLevel", "INFO") not in {"DEBUG", "INFO"}:
        return 0
    start, report = _JSON
    if is_traced:
        start, report = (
            {**line, "record": {**line["record"], "tracing": _JSON_TRACE}} for line in (start, report)
        )
    return sum(len(json.dumps(line, separators=(",", ":"))) for line in (start, report))


def access_bytes(format_: str, path: str) -> int:
    """The bytes of the line that API Gateway logs of a request to `path`, by the stage's format."""

    def shown(variable: re.Match[str]) -> str:
        if variable[1] == "resourcePath":
            return path
        return "x" * _CONTEXT_LENGTHS.get(variable[1], _OTHER_CONTEXT_LENGTH)

    return len(_CONTEXT.sub(shown, format_))


def machine_bytes(
    machine: str, execution: str, events: Sequence[tuple[str, str]], logging: Mapping[str, Any], data: int = 0
) -> int:
    """The bytes that Step Functions logs of an execution with these `events` (type and name), by its configuration.

    `data` is how many bytes of input and output an event carries, which count if the configuration includes them.
    """
    wanted = _MACHINE_LEVELS[logging.get("Level", "OFF")]
    arn = _STATE_MACHINE_ARN.format(machine=machine, execution=execution)
    lines = [
        {
            "id": str(number),
            "type": kind,
            "details": {"name": name} if name else {},
            "previous_event_id": str(number - 1),
            "event_timestamp": "1796050332425",
            "execution_arn": arn,
            "redrive_count": "0",
        }
        for number, (kind, name) in enumerate(_as_on_aws(events), start=1)
        if wanted.fullmatch(kind)
    ]
    carried = data if is_true(logging.get("IncludeExecutionData")) else 0
    return sum(len(json.dumps(line, separators=(",", ":"))) + carried for line in lines)


def _level(line: str) -> int:
    try:
        found = json.loads(line)
    except ValueError:
        return len(_LEVELS)
    level = str(found.get("level", "INFO") if isinstance(found, dict) else "INFO").upper()
    level = {"WARNING": "WARN", "CRITICAL": "FATAL"}.get(level, level)
    return _LEVELS.index(level) if level in _LEVELS else _LEVELS.index("INFO")


def _as_on_aws(events: Sequence[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """The embedded cloud omits that a task started."""
    for kind, name in events:
        yield kind, name
        if kind == "TaskScheduled":
            yield "TaskStarted", name

"""Finding log lines of the functions by a text that they contain, on AWS and in the embedded cloud alike."""

import json
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tools.stack import Stack

# CloudWatch Logs lets an account ask a few times a second; the client waits and tries again beyond that.
_AT_ONCE = 4


@dataclass(frozen=True)
class LogLine:
    """A JSON line that a function logged."""

    at: datetime
    function: str
    """The function's physical name."""
    fields: dict[str, Any]


def search(stack: Stack, functions: Iterable[str], text: str, *, since: datetime) -> list[LogLine]:
    """The lines with `text` that functions (physical names) logged after `since`, oldest first."""
    client = stack.client("logs")

    def in_function(function: str) -> list[LogLine]:
        pages = client.get_paginator("filter_log_events").paginate(
            logGroupName=f"/aws/lambda/{function}",
            startTime=int(since.timestamp() * 1000),
            filterPattern=json.dumps(text),
        )
        try:
            events = [event for page in pages for event in page["events"]]
        except client.exceptions.ResourceNotFoundException:
            return []  # it has never run
        return [line for event in events if (line := _line(function, event, text))]

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        found = [line for lines in pool.map(in_function, functions) for line in lines]
    return sorted(found, key=lambda line: line.at)


def _line(function: str, event: dict[str, Any], text: str) -> LogLine | None:
    message = event["message"].strip()
    if text not in message or not message.startswith("{"):
        return None
    try:
        fields = json.loads(message)
    except ValueError:
        return None
    if "message" not in fields:
        return None
    return LogLine(_time(fields, event), function, fields)


def _time(fields: dict[str, Any], event: dict[str, Any]) -> datetime:
    """When the line was logged, by its own timestamp, to the millisecond; by CloudWatch's where it has none."""
    try:
        return datetime.strptime(str(fields["timestamp"]), "%Y-%m-%d %H:%M:%S,%f%z").astimezone(UTC)
    except (KeyError, ValueError):
        return datetime.fromtimestamp(event["timestamp"] / 1000, UTC)

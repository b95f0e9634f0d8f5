"""Finds log lines of the functions by a text in them, on AWS and in the embedded cloud alike."""

import json
import re
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tools.console import StepError
from tools.stack import Stack

# Lambda's name of a stream in a group that several functions share:
# https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-loggroups.html
_STREAM = re.compile(r"\d{4}/\d\d/\d\d/(?P<function>[\w-]+)\[")
# CloudWatch Logs limits how often an account may ask; the client waits and tries again beyond that.
_AT_ONCE = 4


@dataclass(frozen=True)
class Entry:
    """A line in the log of a function, or of the platform about the function."""

    at: datetime
    """When it was logged, by CloudWatch's clock."""
    function: str
    """The function's physical name."""
    stream: str
    message: str


@dataclass(frozen=True)
class LogLine:
    """A JSON line that a function logged."""

    at: datetime
    function: str
    """The function's physical name."""
    fields: dict[str, Any]


def search(stack: Stack, functions: Iterable[str], text: str, *, since: datetime) -> list[LogLine]:
    """The JSON lines with `text` that functions (physical names) logged after `since`, oldest first."""
    found = [line for entry in entries(stack, functions, text, since=since) if (line := _line(entry))]
    return sorted(found, key=lambda line: line.at)


def entries(stack: Stack, functions: Iterable[str], text: str, *, since: datetime) -> list[Entry]:
    """The log lines with `text` of functions (physical names) after `since`, oldest first."""
    client = stack.client("logs")
    wanted = set(functions)
    # CloudWatch searches for a phrase in quotes. A text that has quotes itself is searched for here alone.
    pattern = {"filterPattern": f'"{text}"'} if text and not set(text) & set('"\\') else {}

    def of_group(group: str) -> list[Entry]:
        pages = client.get_paginator("filter_log_events").paginate(
            logGroupName=group, startTime=int(since.timestamp() * 1000), **pattern
        )
        return [
            Entry(_from_epoch(event["timestamp"]), function, event["logStreamName"], event["message"])
            for page in pages
            for event in page["events"]
            if text in event["message"] and (function := _function(event["logStreamName"])) in wanted
        ]

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        found = [entry for each in pool.map(of_group, _groups(stack, wanted)) for entry in each]
    return sorted(found, key=lambda entry: entry.at)


def _groups(stack: Stack, functions: set[str]) -> set[str]:
    """The log groups of functions (physical names): each logs to the group of its service."""
    groups = {
        name.removesuffix("LogGroup"): group
        for name, group in stack.resources.items()
        if name.endswith("LogGroup")
    }
    names = [name for name, function in stack.resources.items() if function in functions]
    services = {
        max((each for each in groups if name.startswith(each)), key=len, default="") for name in names
    }
    if "" in services:
        raise StepError(
            f"The stack {stack.name} has no log groups for its services.",
            "It was deployed from another version of the template: deploy this one, or use that version's tools.",
        )
    return {groups[service] for service in services}


def _function(stream: str) -> str:
    """The function (physical name) whose lines a log stream has; empty if its name has none."""
    found = _STREAM.match(stream)
    return found["function"] if found else ""


def _line(entry: Entry) -> LogLine | None:
    message = entry.message.strip()
    if not message.startswith("{"):
        return None
    try:
        fields = json.loads(message)
    except ValueError:
        return None
    return LogLine(_logged_at(fields, entry), entry.function, fields) if "message" in fields else None


def _logged_at(fields: dict[str, Any], entry: Entry) -> datetime:
    """When the line was logged, to the millisecond: by its own timestamp, or by CloudWatch's if it has none."""
    try:
        return datetime.fromisoformat(str(fields["timestamp"])).astimezone(UTC)
    except (KeyError, ValueError):
        return entry.at


def _from_epoch(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)

"""Shows what the functions logged, oldest first, from all log groups of the stack."""

import time
from typing import NamedTuple

from tools.stack import Stack

_PLATFORM_LINES = ("START RequestId", "END RequestId", "REPORT RequestId")
_PAUSE = 1.0


class Line(NamedTuple):
    """One line that a function logged."""

    at: int
    stream: str
    text: str


def show(stack: Stack, *, minutes: int, containing: str, follow: bool) -> None:
    """Prints the log lines of the last `minutes` that contain the text; with `follow` goes on until interrupted."""
    since = int((time.time() - minutes * 60) * 1000)
    shown: set[Line] = set()
    while True:
        for line in _lines(stack, since):
            if line not in shown and containing in line.text:
                print(line.text)
            shown.add(line)
        if not follow:
            return
        time.sleep(_PAUSE)


def _lines(stack: Stack, since: int) -> list[Line]:
    client = stack.client("logs")
    found: list[Line] = []
    for groups in client.get_paginator("describe_log_groups").paginate(logGroupNamePrefix="/aws/lambda/"):
        for group in groups["logGroups"]:
            name = group["logGroupName"]
            function = name.removeprefix(f"/aws/lambda/{stack.name}-").rpartition("-")[0]
            for page in client.get_paginator("filter_log_events").paginate(
                logGroupName=name, startTime=since
            ):
                found += [
                    Line(
                        event["timestamp"], event["logStreamName"], f"{function}  {event['message'].rstrip()}"
                    )
                    for event in page["events"]
                    if not event["message"].startswith(_PLATFORM_LINES)
                ]
    return sorted(found, key=lambda line: line.at)

"""Shows what the functions logged, oldest first, from all log groups of the stack."""

import time
from collections.abc import Iterator

from local.stack import Stack

_PLATFORM_LINES = ("START RequestId", "END RequestId", "REPORT RequestId")
_PAUSE = 1.0


def show(stack: Stack, *, minutes: int, containing: str, follow: bool) -> None:
    """Prints the log lines of the last `minutes` that contain the text; with `follow` goes on until interrupted."""
    since = int((time.time() - minutes * 60) * 1000)
    shown: set[str] = set()
    while True:
        for identity, line in _lines(stack, since):
            if identity not in shown:
                shown.add(identity)
                if containing in line:
                    print(line)
        if not follow:
            return
        time.sleep(_PAUSE)


def _lines(stack: Stack, since: int) -> Iterator[tuple[str, str]]:
    client = stack.client("logs")
    found: list[tuple[int, str, str]] = []
    for groups in client.get_paginator("describe_log_groups").paginate(logGroupNamePrefix="/aws/lambda/"):
        for group in groups["logGroups"]:
            name = group["logGroupName"]
            function = name.removeprefix(f"/aws/lambda/{stack.name}-").rpartition("-")[0]
            for page in client.get_paginator("filter_log_events").paginate(
                logGroupName=name, startTime=since
            ):
                found += [
                    (event["timestamp"], event["eventId"], f"{function}  {event['message'].rstrip()}")
                    for event in page["events"]
                    if not event["message"].startswith(_PLATFORM_LINES)
                ]
    for _, identity, line in sorted(found):
        yield identity, line

"""`make logs`: the log lines of all functions of the stack, oldest first, one readable line each."""

import argparse
import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from tools.command_line import Subcommands, add_command, add_stack_option
from tools.log_search import Entry, entries
from tools.stack import Stack

_PLATFORM_LINES = ("INIT_START", "START RequestId", "END RequestId", "REPORT RequestId")
_PAUSE_SECONDS = 2.0
# CloudWatch may show a line some seconds after it was logged.
_LATE = timedelta(seconds=60)
# What a readable line leaves out, or has at its start.
_UNSHOWN = frozenset({"level", "message", "timestamp", "service", "function_request_id", "exception_name"})
# A traceback that is no part of a JSON line: its last line says enough.
_OF_A_TRACEBACK = ("Traceback (", " ", ")", "During handling", "The above exception")


def register(subcommands: Subcommands) -> None:
    """Registers `logs`."""
    parser = add_command(subcommands, "logs", _logs, description="show the log lines of the functions")
    parser.add_argument("--minutes", type=int, default=15, help="how far to look back (default: 15)")
    parser.add_argument(
        "--grep", default="", metavar="TEXT", help="only lines that contain this text, e.g. an order id"
    )
    parser.add_argument("--follow", action="store_true", help="go on until interrupted")
    parser.add_argument("--raw", action="store_true", help="whole lines as they were logged, with tracebacks")
    add_stack_option(parser)


def _logs(arguments: argparse.Namespace) -> None:
    show(
        Stack.named(arguments.stack, arguments.region),
        minutes=arguments.minutes,
        containing=arguments.grep,
        follow=arguments.follow,
        raw=arguments.raw,
    )


def show(stack: Stack, *, minutes: int, containing: str, follow: bool, raw: bool = False) -> None:
    """Prints the log lines of the last `minutes` that contain the text; with `follow` goes on until interrupted."""
    functions = stack.functions
    width = max(map(len, functions.values()))
    since = datetime.now(UTC) - timedelta(minutes=minutes)
    shown: set[Entry] = set()
    while True:
        asked_at = datetime.now(UTC)
        found = entries(stack, functions, containing, since=since)
        for entry in found:
            if entry in shown or entry.message.startswith(_PLATFORM_LINES):
                continue
            if raw:
                print(f"{functions[entry.function]}  {entry.message.rstrip()}", flush=True)
            elif line := readable(entry, functions[entry.function].ljust(width)):
                print(line, flush=True)
        if not follow:
            return
        since = max(since, asked_at - _LATE)
        shown = set(found)
        time.sleep(_PAUSE_SECONDS)


def readable(entry: Entry, function: str) -> str:
    """The entry as one line: time of day in UTC, level, function, message, and the other fields by name.

    Of a traceback only its last line is left; a line of one that has several entries is empty.
    """
    message = entry.message.rstrip()
    at = f"{entry.at:%H:%M:%S}.{entry.at.microsecond // 1000:03}"
    fields = _fields(message)
    if fields is None:
        text = (
            "" if message.startswith(_OF_A_TRACEBACK) and "\n" not in message else message.splitlines()[-1:]
        )
        return f"{at} {'':<7} {function}  {text[0]}" if text else ""
    level, said = (fields.get("level", ""), fields["message"]) if "message" in fields else ("METRIC", "")
    named = [f"{name}={_short(value)}" for name, value in fields.items() if name not in _UNSHOWN]
    return "  ".join([f"{at} {level:<7} {function}", *([said] if said else []), " ".join(named)]).rstrip()


def _fields(message: str) -> dict[str, Any] | None:
    """The fields of a JSON line, without what describes a metric to CloudWatch; None for any other text."""
    try:
        fields = json.loads(message)
    except ValueError:
        return None
    if not isinstance(fields, dict):
        return None
    fields.pop("_aws", None)
    if isinstance(trace := fields.get("exception"), str) and trace.strip():
        fields["exception"] = trace.strip().splitlines()[-1]
    return fields


def _short(value: Any) -> str:
    """A value as it stands in a line: a text as it is, a list of one metric's value as that value."""
    if isinstance(value, list) and len(value) == 1:
        [value] = value
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return json.dumps(text, ensure_ascii=False) if " " in text and isinstance(value, str) else text

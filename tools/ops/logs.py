"""`make logs`: the log lines of all functions of the stack, oldest first."""

import argparse
import time
from datetime import UTC, datetime, timedelta

from tools.command_line import Subcommands, add_command, add_stack_option
from tools.log_search import Entry, entries
from tools.stack import Stack

_PLATFORM_LINES = ("INIT_START", "START RequestId", "END RequestId", "REPORT RequestId")
_PAUSE_SECONDS = 2.0
# CloudWatch may show a line some seconds after it was logged.
_LATE = timedelta(seconds=60)


def register(subcommands: Subcommands) -> None:
    """Registers `logs`."""
    parser = add_command(subcommands, "logs", _logs, description="show the log lines of the functions")
    parser.add_argument("--minutes", type=int, default=15, help="how far to look back (default: 15)")
    parser.add_argument(
        "--grep", default="", metavar="TEXT", help="only lines that contain this text, e.g. an order id"
    )
    parser.add_argument("--follow", action="store_true", help="go on until interrupted")
    add_stack_option(parser)


def _logs(arguments: argparse.Namespace) -> None:
    show(
        Stack.named(arguments.stack, arguments.region),
        minutes=arguments.minutes,
        containing=arguments.grep,
        follow=arguments.follow,
    )


def show(stack: Stack, *, minutes: int, containing: str, follow: bool) -> None:
    """Prints the log lines of the last `minutes` that contain the text; with `follow` goes on until interrupted."""
    functions = stack.functions
    since = datetime.now(UTC) - timedelta(minutes=minutes)
    shown: set[Entry] = set()
    while True:
        asked_at = datetime.now(UTC)
        found = entries(stack, functions, containing, since=since)
        for entry in found:
            if entry not in shown and not entry.message.startswith(_PLATFORM_LINES):
                print(f"{functions[entry.function]}  {entry.message.rstrip()}", flush=True)
        if not follow:
            return
        since = max(since, asked_at - _LATE)
        shown = set(found)
        time.sleep(_PAUSE_SECONDS)

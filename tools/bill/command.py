"""`make bill`: places orders on the embedded stack, counts what AWS would bill of them, and prices it."""

import argparse
import json
import sys
import time

from tools.bill import report
from tools.bill.measuring import measure
from tools.command_line import Subcommands, add_command, at_least
from tools.stack import Stack

_ORDERS = 20
# A million orders a month, if all come in ten hours of each day.
_A_SECOND = 1.0


def register(subcommands: Subcommands) -> None:
    """Registers `bill`."""
    parser = add_command(
        subcommands,
        "bill",
        _bill,
        description="count and price what orders cost on AWS; exit code 1 above the budget",
    )
    parser.add_argument(
        "--orders", type=at_least(1), default=_ORDERS, help="how many orders to place of the first kind"
    )
    parser.add_argument(
        "--per-second",
        type=at_least(0.001),
        default=_A_SECOND,
        help="orders a second that the shop gets, for traces and batches",
    )
    parser.add_argument("--json", action="store_true", help="print the bill as JSON, with every cause")


def _bill(arguments: argparse.Namespace) -> int:
    started = time.monotonic()

    def say(what: str) -> None:
        print(f"[{time.monotonic() - started:5.1f} s] {what}", file=sys.stderr, flush=True)

    measured = measure(Stack.current(), orders=arguments.orders, per_second=arguments.per_second, say=say)
    if arguments.json:
        print(json.dumps(report.as_json(measured), indent=2))
    else:
        print("\n".join(report.lines(measured)))
    return 0 if report.is_within_budget(measured) else 1

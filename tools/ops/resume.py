"""`make resume ORDER=ord_...`: undoes everything of a parked order again, or captures its money again.

It asks the API for that, and waits for the end.
"""

import argparse
from typing import Any

from tools.api import FINAL
from tools.command_line import Subcommands, add_command
from tools.console import StepError, step
from tools.ops.operator_api import OperatorApi, add_operator_options, operator_api
from tools.waiting import wait_for

# An execution that tries everything as often as it may and then parks the order.
_LONGEST_SECONDS = 300
_SEE_ATTENTION = "`make attention` lists the parked orders."


def register(subcommands: Subcommands) -> None:
    """Registers `resume`."""
    parser = add_command(
        subcommands,
        "resume",
        _resume,
        description="undo everything of a parked order again, or capture its money again, and wait for its end",
    )
    parser.add_argument("order", metavar="ORDER", help="the order's id, ord_...")
    add_operator_options(parser)


def _resume(arguments: argparse.Namespace) -> None:
    resume(operator_api(arguments), arguments.order)


def resume(api: OperatorApi, order_id: str) -> None:
    """Resumes the order and waits for its end; raises StepError if it cannot be resumed, or is parked again."""
    with step(f"Resuming {order_id}") as resuming:
        resumed = api.call("POST", f"/orders/{order_id}/resume", advice=_SEE_ATTENTION)
        # An order that is confirmed at once has its payment captured again, which is not its end yet.
        ends = FINAL - {"confirmed"} if resumed["status"] == "confirmed" else FINAL

        def ended() -> dict[str, Any] | None:
            order = api.call("GET", f"/orders/{order_id}", advice=_SEE_ATTENTION)
            return order if order["status"] in ends else None

        order = wait_for(ended, f"the end of {order_id}", seconds=_LONGEST_SECONDS)
        resuming.note(order["status"])
    if order["status"] == "parked":
        raise StepError(
            f"{order_id} is parked again: something could still not be undone, or not be paid.",
            "docs/operations.md, Parked orders, says how to find out what.",
        )
    print(f"{order_id} is {order['status']}.")

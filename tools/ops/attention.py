"""`make attention`: the orders that need an operator, as the API lists them."""

import argparse

from tools.command_line import Subcommands, add_command
from tools.ops.operator_api import OperatorApi, add_operator_options, operator_api


def register(subcommands: Subcommands) -> None:
    """Registers `attention`."""
    parser = add_command(
        subcommands, "attention", _attention, description="list parked, stuck, late and unsettled orders"
    )
    add_operator_options(parser)


def _attention(arguments: argparse.Namespace) -> None:
    show_attention(operator_api(arguments))


def show_attention(api: OperatorApi) -> None:
    """Prints the parked, the stuck, the late and the unsettled orders, one line for each."""
    found = api.call("GET", "/orders/attention?limit=100", advice="`make logs` shows the log of the API.")
    for kind in ("parked", "stuck", "late", "unsettled"):
        print(f"{len(found[kind])} {kind}")
        for entry in found[kind]:
            why = (
                "; the parcel has left, and the payment could not be captured" if entry["uncollected"] else ""
            )
            # An earlier release's API gives no reasons.
            details = "".join(f"; {each}" for each in [*entry.get("reasons", []), *entry["payment_issues"]])
            print(f"  {entry['order_id']}  {entry['status']} since {entry['since']}{details}{why}")

"""`python -m tools leaks`: searches the running embedded cloud for personal data and secrets out of place."""

import argparse

from tools.command_line import Subcommands, add_command
from tools.console import StepError
from tools.leaks.record import load
from tools.leaks.search import findings, misdirected, overdue
from tools.leaks.sources import account_ids, pieces
from tools.stack import Stack


def register(subcommands: Subcommands) -> None:
    """Registers `leaks`."""
    add_command(
        subcommands,
        "leaks",
        _leaks,
        description="search the embedded cloud for personal data and secrets where the data map allows none",
    )


def _leaks(_: argparse.Namespace) -> None:
    stack = Stack.current()
    searched = list(pieces(stack))
    found = findings(searched, account_ids(stack), origins=load()) | misdirected(searched) | overdue(searched)
    print(f"{len(searched)} pieces searched, {len(found)} findings")
    if found:
        listed = "".join(f"\n  {finding}" for finding in sorted(found))
        raise StepError(
            f"{len(found)} values are out of place:{listed}",
            "Mend what put them there, or mark the field and say in tools/data_map/stores.py how long they stay.",
        )

"""`python -m tools permissions`: the rights of each function and state machine, and their use by the system's tests."""

import argparse
from collections import Counter
from itertools import groupby

from tools.command_line import Subcommands, add_command
from tools.console import StepError
from tools.permissions.exceptions import EXPECTED as EXCEPTIONS
from tools.permissions.record import load
from tools.permissions.table import DENIED, STATES, UNUSED, Row


def register(subcommands: Subcommands) -> None:
    """Registers `permissions`."""
    add_command(
        subcommands,
        "permissions",
        _permissions,
        description="compare what each function and state machine may do with what the system's tests needed",
    )


def _permissions(_: argparse.Namespace) -> None:
    rows = load()
    if rows is None:
        raise StepError("The system's tests have not run here.", "Run `make system` or `make test`.")
    print(f"{'':<40}" + "".join(f"{state:>9}" for state in STATES))
    for part, of_part in groupby(rows, key=lambda row: row.part):
        _show(part, list(of_part))
    _show("together", rows)
    print("\nExpected to be unused:")
    for expected in EXCEPTIONS:
        print(
            f"  {expected.part} {expected.action} on {expected.resource}: {expected.reason} ({expected.test})"
        )
    if wrong := [row for row in rows if row.state in (UNUSED, DENIED)]:
        listed = "".join(f"\n  {row.state}: {row.part} {row.action} on {row.resource}" for row in wrong)
        raise StepError(
            f"{len(wrong)} permissions are unused or missing:{listed}",
            "Change the policy in template.yaml, have a test need it, or add it to tools/permissions/exceptions.py.",
        )


def _show(name: str, rows: list[Row]) -> None:
    counted = Counter(row.state for row in rows)
    print(f"{name:<40}" + "".join(f"{counted[state]:>9}" for state in STATES))

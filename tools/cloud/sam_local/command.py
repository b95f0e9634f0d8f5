"""`python -m tools sam-local <command>`: runs `sam local <command>` against the running embedded cloud.

For example `python -m tools sam-local start-api` or
`python -m tools sam-local invoke OrdersApiFunction --event events/orders_api.json`.
"""

import argparse
import os
import sys

from tools.cloud.sam_local.emulator import run
from tools.cloud.sam_local.engine import EngineUnavailable
from tools.command_line import Subcommands, add_command
from tools.stack import Stack


def register(subcommands: Subcommands) -> None:
    """Registers `sam-local`."""
    parser = add_command(
        subcommands,
        "sam-local",
        _sam_local,
        description="run the functions in Lambda's own image, with Docker (docs/sam-local.md)",
    )
    parser.add_argument("command", help="the command of `sam local`: start-api or invoke")
    parser.add_argument("options", nargs=argparse.REMAINDER, help="its options, as `sam local` takes them")


def _sam_local(arguments: argparse.Namespace) -> int:
    """Returns the exit code of sam, or EX_UNAVAILABLE (69) if Docker cannot run."""
    try:
        return run(Stack.current(), [arguments.command, *arguments.options])
    except EngineUnavailable as reason:
        print(f"\n`sam local` cannot run here. {reason}", file=sys.stderr)
        return os.EX_UNAVAILABLE

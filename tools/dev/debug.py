"""`make debug`: a debugger may attach to one function of the embedded cloud, until Ctrl-C."""

import argparse
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import requests

from tools.command_line import Subcommands, add_command, at_least
from tools.console import StepError
from tools.dev.embedded import refuse_aws
from tools.settings import HOST
from tools.stack import Stack

# As in tools/cloud/debugger.py, which only the embedded cloud's own Python can import.
_PATH = "/_cartwright/debugger"
_SECONDS = 30

PORT = 5678
"""Where debugpy listens unless the command says otherwise."""


def register(subcommands: Subcommands) -> None:
    """Registers `debug`."""
    parser = add_command(
        subcommands, "debug", _debug, description="let a debugger attach to a function of the embedded cloud"
    )
    parser.add_argument("function", help="its name, as `make logs` shows it: OrdersApi")
    parser.add_argument(
        "--port", type=at_least(1024), default=PORT, help=f"where debugpy listens (default: {PORT})"
    )


@contextmanager
def debugged(stack: Stack, function: str, port: int) -> Iterator[None]:
    """Until the end of the block, debugpy listens on this port in the function of this short name.

    Raises StepError if the stack has no such function, or another program uses the port.
    """
    physical = {short: name for name, short in stack.functions.items()}
    if function not in physical:
        close = sorted(name for name in physical if function.lower() in name.lower()) or sorted(physical)
        raise StepError(f"No function is named {function!r}.", f"Name one of these: {', '.join(close)}.")
    address = stack.endpoint + _PATH
    answer = requests.put(address, json={"function": physical[function], "port": port}, timeout=_SECONDS)
    if not answer.ok:
        raise StepError(
            f"The debugger cannot start: {answer.json()['error']}.", "Choose another one: DEBUG_PORT=5679."
        )
    try:
        yield
    finally:
        requests.delete(address, timeout=_SECONDS).raise_for_status()


def _debug(arguments: argparse.Namespace) -> int:
    refuse_aws("debug")
    with debugged(Stack.current(), arguments.function, arguments.port):
        print(
            f"{arguments.function} waits for a debugger at {HOST}:{arguments.port}, and answers meanwhile.\n"
            'VS Code: run "Attach to a function". PyCharm: "Attach to DAP". docs/development.md has the steps.\n'
            "It runs your working tree. Ctrl-C ends it, and the function runs as deployed again.",
            flush=True,
        )
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            print("\nEnded. The function runs as deployed again.")
    return 0

"""`make up` and `make down`: starts the embedded cloud with the deployed system in it, and stops it."""

import argparse

from tools.cloud import deployment, server, strict
from tools.command_line import Subcommands, add_command
from tools.console import step
from tools.settings import CLOUD
from tools.stack import Stack


def register(subcommands: Subcommands) -> None:
    """Registers `up` and `down`."""
    add_command(
        subcommands,
        "up",
        up,
        description="start the embedded cloud, build and deploy (PORT=... chooses the port, STRICT=... its strictness)",
    )
    add_command(subcommands, "down", down, description="stop the embedded cloud and forget its data")


def up(_: argparse.Namespace) -> None:
    """Starts the embedded cloud unless it runs, and deploys the working tree to it."""
    with server.exclusively():
        with step(f"Starting the {CLOUD or 'embedded'} cloud") as starting:
            started, remark = server.ensure_started()
            stack = Stack(started.endpoint)
            if stack.status() != "NONE" and not stack.is_complete():
                remark = f"started afresh: an earlier deployment ended as {stack.status()}"
                started = server.restart(started)
            if are_on := _shown(strict.change(started.endpoint, strict.requested())):
                remark += f"; strict: {are_on}"
            starting.note(remark)
        deployment.build(started)
        deployment.deploy(started)
    if CLOUD:
        return
    stack = Stack.current()
    print(f"\nThe API answers at {stack.api_url}\nThe AWS APIs answer at {stack.endpoint}")
    print("`make demo` places orders; `make logs` shows the logs; `make down` stops everything.")


def _shown(settings: dict[str, float]) -> str:
    return ", ".join(f"{name} {number:g}" for name, number in settings.items() if number)


def down(_: argparse.Namespace) -> None:
    """Stops the embedded cloud and forgets its data."""
    with server.exclusively(), step(f"Stopping the {CLOUD or 'embedded'} cloud") as stopping:
        stopped = server.stop()
        stopping.note(f"process {stopped.pid}" if stopped else "it was not running")

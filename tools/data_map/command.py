"""`python -m tools data-map`: checks or renews docs/data-map.md."""

import argparse

from tools.command_line import Subcommands, add_command
from tools.console import StepError
from tools.data_map.page import PAGE, page
from tools.settings import REPOSITORY


def register(subcommands: Subcommands) -> None:
    """Registers `data-map`."""
    parser = add_command(
        subcommands, "data-map", _data_map, description="check the map of all personal data, or renew it"
    )
    parser.add_argument("action", nargs="?", choices=("write",), help="renew docs/data-map.md")


def _data_map(arguments: argparse.Namespace) -> None:
    name = PAGE.relative_to(REPOSITORY)
    if arguments.action == "write":
        PAGE.write_text(page(), encoding="utf-8")
        print(name)
    elif not PAGE.exists() or PAGE.read_text(encoding="utf-8") != page():
        raise StepError(f"{name} is out of date.", "`.venv/bin/python -m tools data-map write` renews it.")

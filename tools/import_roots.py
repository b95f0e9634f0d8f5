"""`make services`: pyproject.toml names each service to pytest, mypy and the import linter, which read no pattern.

A comment in the file stands above each list of services, and has the form of an entry. This module writes the lines
between the comment and the end of the list.
"""

import argparse
import re
from textwrap import fill

from tools.command_line import Subcommands, add_command
from tools.console import StepError
from tools.services import services
from tools.settings import REPOSITORY

PYPROJECT = REPOSITORY / "pyproject.toml"

_LIST = re.compile(r"^( *)# each service \(`make services`\): (.+)\n(?:(?! *\]).*\n)*", re.MULTILINE)
_WIDTH = 120


def register(subcommands: Subcommands) -> None:
    """Registers `services`."""
    parser = add_command(
        subcommands,
        "services",
        _services,
        description="check pyproject.toml's lists of the services, or renew them",
    )
    parser.add_argument("action", nargs="?", choices=("write",), help="renew pyproject.toml")


def with_all_services(text: str) -> str:
    """pyproject.toml's `text`, in which each list names all services."""
    return _LIST.sub(_renewed, text)


def _services(arguments: argparse.Namespace) -> None:
    text = PYPROJECT.read_text(encoding="utf-8")
    renewed = with_all_services(text)
    if arguments.action == "write":
        PYPROJECT.write_text(renewed, encoding="utf-8")
        print(PYPROJECT.name)
    elif renewed != text:
        raise StepError(f"{PYPROJECT.name} does not name all services.", "`make services` renews its lists.")


def _renewed(found: re.Match[str]) -> str:
    margin, entry = found.groups()
    comment = found[0].partition("\n")[0]
    entries = " ".join(f"{entry.replace('{name}', name)}," for name in services())
    return f"{comment}\n{fill(entries, _WIDTH, initial_indent=margin, subsequent_indent=margin)}\n"

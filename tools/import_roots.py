"""`make services`: pyproject.toml names each service to pytest, mypy and the import linter, which read no pattern.

A comment in the file stands above each list of services, and has the form of an entry. This module writes the lines
between the comment and the end of the list. VS Code gets the folders that pytest has.
"""

import argparse
import json
import re
import tomllib
from textwrap import fill

from tools.command_line import Subcommands, add_command
from tools.console import StepError
from tools.services import services
from tools.settings import REPOSITORY

PYPROJECT = REPOSITORY / "pyproject.toml"
EDITOR = REPOSITORY / ".vscode" / "settings.json"

_LIST = re.compile(r"^( *)# each service \(`make services`\): (.+)\n(?:(?! *\]).*\n)*", re.MULTILINE)
_FOLDERS = re.compile(r'(?<="python\.analysis\.extraPaths": )\[[^\]]*\]')
_WIDTH = 120


def register(subcommands: Subcommands) -> None:
    """Registers `services`."""
    parser = add_command(
        subcommands,
        "services",
        _services,
        description="check the lists of the services in pyproject.toml and .vscode/settings.json, or renew them",
    )
    parser.add_argument("action", nargs="?", choices=("write",), help="renew both files")


def with_all_services(text: str) -> str:
    """pyproject.toml's `text`, in which each list names all services."""
    return _LIST.sub(_renewed, text)


def with_folders_of(text: str, pyproject: str) -> str:
    """The editor's settings `text`, with the folders in which pytest finds packages, by pyproject.toml's text."""
    folders = tomllib.loads(pyproject)["tool"]["pytest"]["ini_options"]["pythonpath"]
    written = json.dumps([folder for folder in folders if folder != "."], indent=4)
    return _FOLDERS.sub(written.replace("\n]", "\n  ]"), text)


def _services(arguments: argparse.Namespace) -> None:
    text, settings = PYPROJECT.read_text(encoding="utf-8"), EDITOR.read_text(encoding="utf-8")
    renewed = with_all_services(text)
    for path, before, after in (
        (PYPROJECT, text, renewed),
        (EDITOR, settings, with_folders_of(settings, renewed)),
    ):
        if arguments.action == "write":
            path.write_text(after, encoding="utf-8")
            print(path.relative_to(REPOSITORY))
        elif after != before:
            raise StepError(f"{path.name} does not name all services.", "`make services` renews its lists.")


def _renewed(found: re.Match[str]) -> str:
    margin, entry = found.groups()
    comment = found[0].partition("\n")[0]
    entries = " ".join(f"{entry.replace('{name}', name)}," for name in services())
    return f"{comment}\n{fill(entries, _WIDTH, initial_indent=margin, subsequent_indent=margin)}\n"

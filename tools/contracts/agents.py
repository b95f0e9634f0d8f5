"""`make agents`: AGENTS.md, which tells coding assistants (https://agents.md) what CONTRIBUTING.md tells people.

It is cut out of CONTRIBUTING.md and the Makefile, so each rule has one place. A test compares the page.
"""

import argparse
import re
from collections.abc import Iterator

from tools.command_line import Subcommands, add_command
from tools.console import StepError
from tools.settings import REPOSITORY

PAGE = REPOSITORY / "AGENTS.md"

_GUIDE = "CONTRIBUTING.md"
_LAYOUT, _RULES = "The layout of a service", "Rules that the checks hold"
_COMMANDS = (
    "setup", "format", "lint", "types", "unit", "component", "contracts", "singles", "template", "scan", "checks",
    "system", "fuzz", "test", "openapi", "asyncapi", "events", "data-map", "budgets", "agents", "lock", "up", "demo",
    "logs", "down",
)  # fmt: skip
_HELP = re.compile(r"^(?P<name>[a-z-]+):.*## (?P<what>.*)$", re.MULTILINE)
_SECTION = re.compile(r"^## (?P<title>.*)\n(?P<text>(?:(?!## ).*\n?)*)", re.MULTILINE)
_ANCHOR = re.compile(r"\]\(#")

_HEAD = """\
# Cartwright, for coding assistants

{description}. `make agents` makes this page from [{guide}]({guide}) and
the Makefile: change those, not this page.

- [The architecture]({architecture}) says which service does what. The services are
  {services}.
- One file of tests: `.venv/bin/python -m pytest tests/unit/test_layout.py`. Those of `tests/system` need the embedded
  cloud, which `make up` starts.
- A change comes with a test that fails without it. Before you finish, run `make checks`. Run `make test` as well if the
  change concerns the deployed system.
- Change no generated file by hand: its first lines, or its test, name the command that renews it.
"""


def register(subcommands: Subcommands) -> None:
    """Registers `agents`."""
    add_command(
        subcommands, "agents", _agents, description="renew AGENTS.md from CONTRIBUTING.md and the Makefile"
    )


def _agents(_: argparse.Namespace) -> None:
    PAGE.write_text(page(), encoding="utf-8")
    print(PAGE.relative_to(REPOSITORY))


def page() -> str:
    """The page; raises StepError if CONTRIBUTING.md or the Makefile lacks a part of it."""
    parts = {found["title"]: found["text"] for found in _SECTION.finditer(_text(_GUIDE))}
    return "\n".join(
        [
            _head(),
            "## Commands\n",
            *_commands(),
            "",
            _section(parts, _LAYOUT),
            _section(parts, _RULES),
            "## Guides\n",
            *(
                f"- [{title}]({_GUIDE}#{re.sub(r'[^a-z -]', '', title.lower()).replace(' ', '-')})"
                for title in parts
                if title not in (_LAYOUT, _RULES)
            ),
            "",
        ]
    )


def _head() -> str:
    [description] = re.findall(r'^description = "(.*)"$', _text("pyproject.toml"), re.MULTILINE)
    services = sorted(path.name for path in (REPOSITORY / "services").iterdir() if path.is_dir())
    return _HEAD.format(
        description=description,
        guide=_GUIDE,
        architecture="docs/architecture.md",
        services=", ".join(f"`{service}`" for service in services),
    )


def _commands() -> Iterator[str]:
    helps = {found["name"]: found["what"] for found in _HELP.finditer(_text("Makefile"))}
    if missing := [name for name in _COMMANDS if name not in helps]:
        raise StepError(f"The Makefile has no help for {', '.join(missing)}.", f"Correct {__name__}.")
    return (f"- `make {name}`: {helps[name]}" for name in _COMMANDS)


def _section(parts: dict[str, str], title: str) -> str:
    if title not in parts:
        raise StepError(f"{_GUIDE} has no section “{title}”.", f"Correct {__name__}.")
    return f"## {title}\n{_ANCHOR.sub(f']({_GUIDE}#', parts[title])}".rstrip() + "\n"


def _text(name: str) -> str:
    return (REPOSITORY / name).read_text(encoding="utf-8")

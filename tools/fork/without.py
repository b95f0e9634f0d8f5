"""`make without SERVICE=live`: takes a service out of the tree, with everything that refers to it.

The command derives its folder, tests and examples, its section of the template, and each line there that names a part
of it. It also derives rows of tables in the docs, and makes generated files again. The service's recipe has the rest
(`tools.fork.recipe`).
"""

import argparse
import json
import re
import shutil
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tools.command_line import Subcommands, add_command
from tools.fork.recipe import Edit, Recipe, matching, recipes
from tools.fork.template_parts import without_service
from tools.fork.tree import require_clean, run_all, take_back, texts
from tools.new.template_text import TEMPLATE
from tools.settings import REPOSITORY

_PYTHON = (sys.executable, "-W", "ignore", "-m")
_BUDGETS = REPOSITORY / "tests" / "budgets" / "budgets.json"
_RELEASED = ("tests/contracts/openapi.released.json", "tests/contracts/events.released.json")


def register(subcommands: Subcommands) -> None:
    """Registers `without`."""
    parser = add_command(subcommands, "without", _without, description="take a service out of the tree")
    parser.add_argument("service", choices=sorted(recipes()))


def _without(arguments: argparse.Namespace) -> None:
    require_clean()
    recipe = recipes()[arguments.service]
    try:
        gone = leave_out(arguments.service, recipe)
    except BaseException:
        take_back()
        raise
    print(f"{arguments.service} is left out, with {len(gone)} names of the template. {recipe.loses}")
    print(
        "`make test` says whether all else holds. `git diff` shows what changed; docs/fork.md what to do next."
    )


def leave_out(service: str, recipe: Recipe) -> set[str]:
    """Changes the files; returns the template's names that are gone. The caller takes all back if it raises."""
    text, gone = without_service(
        (REPOSITORY / TEMPLATE).read_text(encoding="utf-8"),
        service,
        also=recipe.resources,
        paths=recipe.paths,
    )
    (REPOSITORY / TEMPLATE).write_text(text, encoding="utf-8")
    routes = _routes_of(recipe)
    _remove(service, recipe)
    for page, content in texts(["*.md"]):
        if (changed := _without_rows(content, service, gone)) != content:
            page.write_text(changed, encoding="utf-8")
    _prune_budgets(gone)
    edited = [path for edit in recipe.edits for path in _edit(edit)]
    for name in _RELEASED:
        _prune_released(REPOSITORY / name, routes)
    _renew([path for path in edited if path.suffix == ".py"])
    return gone


def _remove(service: str, recipe: Recipe) -> None:
    for folder in (f"services/{service}", f"tests/component/{service}"):
        shutil.rmtree(REPOSITORY / folder)
    derived = [
        pattern
        for pattern in (f"events/{service}_*.json", f"tests/unit/test_{service}_*.py")
        if any(REPOSITORY.glob(pattern))
    ]
    own = f"recipes/without/{service}.toml"
    for path in [*matching(REPOSITORY, [own, *derived, *recipe.files])]:
        path.unlink(missing_ok=True)


def _without_rows(text: str, service: str, gone: Iterable[str]) -> str:
    """A page without the rows that begin with a part of the service, or with a link to it."""
    names = "|".join(
        sorted({*gone, *(name.removesuffix("Queue") for name in gone if name.endswith("Queue"))})
    )
    row = re.compile(
        rf"^\| (?:`?(?:{names})`?|`{service}`|\[[^]]*\]\([^)]*services/{service}/[^)]*\)) \|.*\n",
        re.MULTILINE,
    )
    return row.sub("", text)


def _edit(edit: Edit) -> Iterable[Path]:
    for path in matching(REPOSITORY, [edit.file]):
        path.write_text(edit.applied(path.read_text(encoding="utf-8")), encoding="utf-8")
        yield path


def _routes_of(recipe: Recipe) -> set[str]:
    """The API's paths that go: the recipe's, and those below them."""
    document = json.loads((REPOSITORY / _RELEASED[0]).read_text(encoding="utf-8"))
    return {
        path
        for path in document["paths"]
        if any(path == gone or path.startswith(f"{gone}/") for gone in recipe.paths)
    }


def _prune_released(path: Path, routes: set[str]) -> None:
    """Takes the routes, or the events that nobody publishes any more, out of a released contract."""
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    if "paths" in document:
        document["paths"] = {name: entry for name, entry in document["paths"].items() if name not in routes}
    else:
        current = _published()
        document["events"] = {name: entry for name, entry in document["events"].items() if name in current}
    path.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _prune_budgets(gone: set[str]) -> None:
    """Takes the parts that are gone out of the budgets; `make budgets` measures the others anew."""

    def left(value: Any) -> Any:
        match value:
            case dict():
                # A key may be a word and a name: "read OrdersTable".
                return {name: left(entry) for name, entry in value.items() if not gone & {*name.split()}}
            case list():
                return [entry for entry in value if entry not in gone]
            case _:
                return value

    document = json.loads(_BUDGETS.read_text(encoding="utf-8"))
    _BUDGETS.write_text(json.dumps(left(document), indent=2) + "\n", encoding="utf-8")


def _published() -> Mapping[str, Any]:
    return {
        path.name.removesuffix(".json"): path for path in (REPOSITORY / "events" / "schemas").glob("*.json")
    }


def _renew(code: Iterable[Path]) -> None:
    ruff = str(REPOSITORY / ".venv/bin/ruff")
    edited = [str(path) for path in code]
    run_all(
        (
            ruff,
            "check",
            "--no-cache",
            "--quiet",
            "--select",
            "I,F401",
            "--fix",
            "tests",
            "tools",
            "services",
            *edited,
        ),
        (ruff, "format", "--no-cache", "--quiet", "tests", "tools", "services", *edited),
        (*_PYTHON, "tools", "services", "write"),
        (*_PYTHON, "tools", "events", "write"),
        (*_PYTHON, "tools", "openapi", "write"),
        (*_PYTHON, "tools", "data-map", "write"),
        (*_PYTHON, "tools", "agents"),
    )

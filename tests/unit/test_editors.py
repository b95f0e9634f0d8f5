"""The settings for editors name what the repository has."""

import json
import re
import tomllib
from typing import Any

import pytest

from tests.template import functions
from tools.dev.debug import PORT
from tools.settings import DEFAULT_PORT, REPOSITORY

VSCODE = REPOSITORY / ".vscode"
CONTAINER = REPOSITORY / ".devcontainer" / "devcontainer.json"
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())


def read(name: str) -> Any:
    """A file of VS Code, which may have whole lines of comments."""
    text = (VSCODE / name).read_text()
    return json.loads(re.sub(r"^\s*//.*$", "", text, flags=re.MULTILINE))


def test_an_editor_finds_the_packages_that_pytest_finds() -> None:
    wanted = [path for path in PROJECT["tool"]["pytest"]["ini_options"]["pythonpath"] if path != "."]
    present = read("settings.json")["python.analysis.extraPaths"]
    assert sorted(present) == sorted(wanted), (
        "list the same folders in .vscode/settings.json and pyproject.toml"
    )


def test_the_container_has_the_recommended_extensions_and_the_runtimes_python() -> None:
    container = json.loads(CONTAINER.read_text())
    assert container["customizations"]["vscode"]["extensions"] == read("extensions.json")["recommendations"]
    version = (REPOSITORY / ".python-version").read_text().strip()
    assert container["image"].split(":")[1].startswith(f"{version}-")
    assert container["forwardPorts"] == [DEFAULT_PORT, PORT]
    # The editor looks for the interpreter of `.vscode/settings.json` as it starts.
    assert container["waitFor"] == "postCreateCommand"


def test_the_debugger_is_where_make_debug_says() -> None:
    (attach,) = (one for one in read("launch.json")["configurations"] if one["request"] == "attach")
    assert attach["connect"] == {"host": "127.0.0.1", "port": PORT}
    (function,) = read("tasks.json")["inputs"]
    assert f"{function['default']}Function" in {one.name for one in functions()}


def test_each_task_is_a_target() -> None:
    makefile = (REPOSITORY / "Makefile").read_text()
    for task in read("tasks.json")["tasks"]:
        target = task["command"].split()[1]
        assert task["command"].startswith("make ") and re.search(f"^{target}:", makefile, re.MULTILINE), (
            target
        )


@pytest.mark.parametrize(
    ("line", "found"),
    [
        (
            "01:16:20  services/a/a/b.py:31: SyntaxError: '(' was never closed",
            ("services/a/a/b.py", "31", "SyntaxError: '(' was never closed"),
        ),
        (
            "          shared_layer/shared/api.py:7: ImportError: no",
            ("shared_layer/shared/api.py", "7", "ImportError: no"),
        ),
        ("01:15:52  services/a/a/b.py", None),
        ("01:16:01  tests: 214 passed in 6.21s (14 files)", None),
    ],
)
def test_the_list_of_problems_takes_an_error_from_make_dev(
    line: str, found: tuple[str, str, str] | None
) -> None:
    (task,) = (one for one in read("tasks.json")["tasks"] if one["label"] == "make dev")
    pattern = task["problemMatcher"]["pattern"]
    match = re.search(pattern["regexp"], line)
    assert (match and tuple(match[pattern[name]] for name in ("file", "line", "message"))) == found
    begins = re.search(task["problemMatcher"]["background"]["beginsPattern"], line)
    assert bool(begins) == (line == "01:15:52  services/a/a/b.py")

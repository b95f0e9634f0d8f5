"""`make sync` and `make dev` give the functions in the embedded cloud the code of the working tree, without sam.

They run in a scratch copy of the repository, since other tests read the tree meanwhile. At the end the functions have
what sam deployed.
"""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

from tools.cloud import deployed, sync
from tools.server_record import Server, running
from tools.settings import LOCAL, REPOSITORY, STATE
from tools.stack import Stack
from tools.waiting import wait_for

pytestmark = pytest.mark.embedded_only("changes the code of functions past CloudFormation")

API = "services/gateway/gateway/functions/api.py"
SHARED_API = "shared_layer/shared/api.py"
OF_THE_SERVICE = ("version=running.version", 'version="changed"')
OF_SHARED = ('"X-Content-Type-Options": "nosniff"', '"X-Content-Type-Options": "changed"')
# For a machine with much else to do; docs/development.md has the figures.
SECONDS = 60

_COPIED = ("services", "shared_layer", "statemachines", "tools", "tests", "requirements")
_FILES = ("template.yaml", "samconfig.toml", "build.mk", "pyproject.toml")


class Scratch:
    """A copy of the repository that works with the same embedded cloud."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for name in _COPIED:
            ignore = shutil.ignore_patterns("__pycache__")
            shutil.copytree(REPOSITORY / name, root / name, symlinks=True, ignore=ignore)
        for name in _FILES:
            shutil.copy2(REPOSITORY / name, root / name)
        for name in (".venv", ".venv-cloud", ".aws-sam", LOCAL.name):
            (root / name).symlink_to(REPOSITORY / name)

    def change(self, file: str, change: tuple[str, str]) -> None:
        """Replaces a text that the file has once."""
        before, after = change
        text = (self.root / file).read_text()
        assert text.count(before) == 1
        (self.root / file).write_text(text.replace(before, after))

    def command(self, *arguments: str) -> list[str]:
        """`python -m tools` with these arguments."""
        return [str(self.root / ".venv" / "bin" / "python"), "-m", "tools", *arguments]

    def sync(self, *arguments: str) -> str:
        """What `make sync` prints; raises CalledProcessError if it fails."""
        return subprocess.run(  # noqa: S603 - our own command
            self.command("sync", *arguments),
            cwd=self.root,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=True,
            timeout=SECONDS,
        ).stdout

    @contextmanager
    def dev(self, log: Path) -> Iterator["subprocess.Popen[bytes]"]:
        """`make dev`, until the end of the block."""
        with (
            log.open("wb") as output,
            subprocess.Popen(  # noqa: S603 - our own command
                self.command("dev"), cwd=self.root, env=environment(), stdout=output, stderr=subprocess.STDOUT
            ) as process,
        ):
            try:
                yield process
            finally:
                process.terminate()


def environment() -> dict[str, str]:
    """As in a terminal: this process has variables of AWS that lead to the embedded cloud."""
    return {name: value for name, value in os.environ.items() if not name.startswith("AWS_")} | {
        "PYTHONUNBUFFERED": "1"
    }


@pytest.fixture
def scratch(tmp_path: Path) -> Scratch:
    return Scratch(tmp_path / "scratch")


@pytest.fixture
def server() -> Server:
    found = running()
    assert found is not None
    return found


@pytest.fixture
def cloud(server: Server) -> Iterator[Stack]:
    """The stack in the embedded cloud. After the test its functions have what they had, and the record says so."""
    stack, record = Stack.current(), STATE / "deployed.json"
    before, recorded = configurations(stack), record.read_bytes()
    try:
        yield stack
    finally:
        sync.undo(stack, deployed.of(server).synced)
        record.write_bytes(recorded)
    after = configurations(stack)
    assert [one["Layers"] for one in after] == [one["Layers"] for one in before]
    assert health(stack).json()["version"] != "changed"


def configurations(stack: Stack) -> list[dict[str, Any]]:
    pages = stack.client("lambda").get_paginator("list_functions").paginate()
    return sorted(
        (one for page in pages for one in page["Functions"]), key=lambda one: str(one["FunctionName"])
    )


def health(stack: Stack) -> requests.Response:
    return requests.get(f"{stack.api_url}/health", timeout=SECONDS)


def touched(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> list[str]:
    """The functions whose code or layers differ."""
    return [
        one["FunctionName"]
        for one, was in zip(after, before, strict=True)
        if (one["CodeSha256"], one["Layers"]) != (was["CodeSha256"], was["Layers"])
    ]


def test_sync_deploys_what_changed_and_nothing_else(cloud: Stack, scratch: Scratch, server: Server) -> None:
    before = configurations(cloud)
    assert "Nothing has changed" in scratch.sync()

    scratch.change(API, OF_THE_SERVICE)
    assert "gateway: updated 1 function in" in scratch.sync()
    assert health(cloud).json()["version"] == "changed"
    assert touched(before, configurations(cloud)) == [cloud.resource("GatewayApiFunction")]

    scratch.change(SHARED_API, OF_SHARED)
    assert f"shared: updated {len(before)} functions in" in scratch.sync()
    answer = health(cloud)
    assert (answer.headers["X-Content-Type-Options"], answer.json()["version"]) == ("changed", "changed")

    assert "Nothing has changed" in scratch.sync()
    assert deployed.of(server).synced == ["gateway", "shared"]
    # The tree that sam deployed is another one, and so `make up` deploys.
    assert not deployed.of(server).is_of_the_tree()


def test_a_named_service_is_deployed_alone(cloud: Stack, scratch: Scratch) -> None:
    scratch.change(API, OF_THE_SERVICE)
    scratch.change(SHARED_API, OF_SHARED)
    assert "gateway: updated 1 function in" in scratch.sync("gateway")
    answer = health(cloud)
    assert (answer.headers["X-Content-Type-Options"], answer.json()["version"]) == ("nosniff", "changed")
    with pytest.raises(subprocess.CalledProcessError) as refused:
        scratch.sync("gatway")
    assert "No service is named gatway." in refused.value.stdout


def test_code_that_cannot_be_imported_is_shown_with_its_line_and_not_deployed(
    cloud: Stack, scratch: Scratch
) -> None:
    before = configurations(cloud)
    for file, change, problem in (
        (API, ("def read_health()", "def read_health("), "SyntaxError: invalid syntax"),
        (API, ("import base_path", "import no_path"), "ImportError: cannot import name 'no_path'"),
        (SHARED_API, ("import HTTPStatus", "import No"), "ImportError: cannot import name 'No'"),
    ):
        text = (scratch.root / file).read_text()
        line = text.partition(change[0])[0].count("\n") + 1
        scratch.change(file, change)
        with pytest.raises(subprocess.CalledProcessError) as refused:
            scratch.sync()
        assert f"\n{file}:{line}: {problem}" in refused.value.stdout
        (scratch.root / file).write_text(text)
    assert not touched(before, configurations(cloud))


def test_dev_shows_each_saved_change_and_the_verdict_of_its_tests(
    cloud: Stack, scratch: Scratch, tmp_path: Path
) -> None:
    log, before = tmp_path / "dev.log", configurations(cloud)

    def said(text: str) -> None:
        wait_for(lambda: text in log.read_text(), f"`make dev` to say {text!r}", seconds=SECONDS)

    with scratch.dev(log) as process:
        said("  ready")
        assert cloud.api_url in log.read_text()

        scratch.change(API, OF_THE_SERVICE)
        wait_for(lambda: health(cloud).json()["version"] == "changed", "the changed answer", seconds=SECONDS)
        said(f"  {API}\n")
        said("gateway: updated 1 function in ")
        said("  tests: ")

        scratch.change(SHARED_API, OF_SHARED)
        wait_for(
            lambda: health(cloud).headers["X-Content-Type-Options"] == "changed",
            "the changed header",
            seconds=SECONDS,
        )
        said("shared: updated ")
        changed = touched(before, configurations(cloud))
        assert cloud.resource("GatewayApiFunction") in changed
        assert cloud.resource("OrdersRelayFunction") not in changed, "it does not import shared.api"

        scratch.change(API, ("def read_health()", "def read_health("))
        said("SyntaxError: invalid syntax\n          Nothing was deployed")
        assert health(cloud).json()["version"] == "changed"

        process.send_signal(signal.SIGINT)
        assert process.wait(SECONDS) == 0
        said("Stopped watching. The cloud runs on")

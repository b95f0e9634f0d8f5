"""`make fork-tried`: renames a copy of the repository, or leaves a service out of it, and runs its demo and tests."""

import argparse
import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tools.command_line import Subcommands, add_command
from tools.console import StepError, step
from tools.fork.tree import git
from tools.settings import REPOSITORY

_ENVIRONMENTS = (".venv", ".venv-cloud", ".venv-sam", ".venv-scan")
_CHECKS = ("lint", "types", "template", "unit", "component", "demo")
_COMMIT = (
    "git",
    "-c",
    "user.name=fork",
    "-c",
    "user.email=fork@example.com",
    "commit",
    "--quiet",
    "--message",
)


def register(subcommands: Subcommands) -> None:
    """Registers `fork-tried`."""
    parser = add_command(
        subcommands,
        "fork-tried",
        _tried,
        description="rename a copy, or leave a service out of it, and test it",
    )
    change = parser.add_mutually_exclusive_group(required=True)
    change.add_argument("--name", help="rename the copy")
    change.add_argument("--service", help="leave this service out of the copy")
    parser.add_argument(
        "--checks", default=" ".join(_CHECKS), help=f"targets of make (default: {' '.join(_CHECKS)})"
    )


def _tried(arguments: argparse.Namespace) -> None:
    change = f"NAME={arguments.name}" if arguments.name else f"SERVICE={arguments.service}"
    target = "rename" if arguments.name else "without"
    folder = Path(tempfile.mkdtemp(prefix="fork-"))
    copy_to(folder / "shop")
    with step(f"make {target} {change}"):
        _run(folder / "shop", ["make", target, change], folder / "change.log")
    try:
        for check in arguments.checks.split():
            with step(f"make {check}"):
                _run(folder / "shop", ["make", check], folder / f"{check}.log")
    finally:
        subprocess.run(
            ["make", "down"], cwd=folder / "shop", env=_environment(), capture_output=True, check=False
        )
    shutil.rmtree(folder)


def copy_to(root: Path) -> None:
    """Makes a repository at `root` of what this working tree has, with the same installed tools and one commit."""
    for name in git("ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0"):
        if name and (path := REPOSITORY / name).is_file():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, root / name)
    for name in _ENVIRONMENTS:
        if (REPOSITORY / name).exists():
            (root / name).symlink_to((REPOSITORY / name).resolve())
    for command in (("git", "init", "--quiet"), ("git", "add", "--all"), (*_COMMIT, "Begin")):
        subprocess.run(command, cwd=root, check=True, capture_output=True)


def commit(root: Path, message: str) -> None:
    """Commits all changes of a copy."""
    for command in (("git", "add", "--all"), (*_COMMIT, message)):
        subprocess.run(command, cwd=root, check=True, capture_output=True)


def _environment() -> dict[str, str]:
    left_out = ("MAKEFLAGS", "MAKELEVEL", "MFLAGS", "STACK", "NAME", "SERVICE")
    return {name: value for name, value in os.environ.items() if name not in left_out}


def _run(root: Path, command: Sequence[str], log: Path) -> None:
    with log.open("wb") as output:
        done = subprocess.run(
            command, cwd=root, env=_environment(), stdout=output, stderr=subprocess.STDOUT, check=False
        )
    if done.returncode:
        shown = "\n".join(log.read_text(errors="replace").splitlines()[-25:])
        raise StepError(f"{shown}\n`{' '.join(command)}` failed in {root}.", f"{log} has all of its output.")

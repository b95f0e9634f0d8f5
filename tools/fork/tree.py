"""The files that git knows in this repository, for commands that change many of them at once."""

import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from tools.console import StepError
from tools.settings import REPOSITORY


def git(*arguments: str) -> str:
    """What git prints; raises StepError if it refuses."""
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=REPOSITORY, capture_output=True, text=True, check=False
        )
    except FileNotFoundError as missing:
        raise StepError(
            "git is not installed.", "Install it: the command takes its files from it."
        ) from missing
    if done.returncode:
        raise StepError(
            f"`git {arguments[0]}` failed: {done.stderr.strip()}",
            "This folder must be a git repository of its own: `git init && git add . && git commit`.",
        )
    return done.stdout


def require_clean() -> None:
    """Raises StepError with the changed files, unless the working tree is as it was committed."""
    if changed := git("status", "--porcelain").splitlines():
        listed = "\n".join(f"  {line}" for line in changed[:10])
        raise StepError(
            f"The working tree has changes that are not committed:\n{listed}",
            "Commit or stash them first, so that `git restore .` takes back this command alone. Nothing was changed.",
        )


def texts(paths: Sequence[str] = ()) -> Iterator[tuple[Path, str]]:
    """Each tracked text file that fits `paths`, with its text; raises StepError if one is not in UTF-8."""
    for name in git("ls-files", "-z", "--", *paths).split("\0"):
        path = REPOSITORY / name
        if not name or path.is_symlink() or not path.is_file():
            continue
        data = path.read_bytes()
        if b"\0" in data:
            continue
        try:
            yield path, data.decode("utf-8")
        except UnicodeDecodeError as error:
            raise StepError(
                f"{name} is no text in UTF-8.", "Store it as UTF-8. Nothing was changed."
            ) from error


def run_all(*commands: Sequence[str]) -> None:
    """Runs commands one by one; raises StepError with the output of the first that fails."""
    for command in commands:
        done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
        if done.returncode:
            raise StepError(
                f"`{' '.join(command[1:4])}` failed; all changes are taken back:\n{done.stdout}{done.stderr}".rstrip(),
                "The output above says why.",
            )


def take_back() -> None:
    """Restores all tracked files as they were committed. The caller has refused a tree with other changes."""
    git("restore", "--staged", "--worktree", ".")

"""Changes of files that are made together: all of them, or none."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tools.console import StepError
from tools.settings import REPOSITORY

_GENERATED = (
    "pyproject.toml",
    "AGENTS.md",
    ".vscode/settings.json",
    "docs/*.md",
    "docs/*.json",
    "events/schemas/*.json",
    "services/gateway/gateway/openapi.json",
    "tests/budgets/budgets.json",
)
"""Files that the commands renew which run after the changes."""


class Changes:
    """New files and new texts of existing ones. Nothing is written before `make`, which undoes all if a part fails."""

    def __init__(self) -> None:
        self._texts: dict[Path, str] = {}
        self._new: list[Path] = []

    @property
    def files(self) -> list[str]:
        """The changed files, by their path in the repository; the new ones first."""
        changed = [path for path in self._texts if path not in self._new]
        return [str(path.relative_to(REPOSITORY)) for path in (*self._new, *changed)]

    def add(self, name: str, text: str) -> None:
        """Adds a new file; raises StepError if there is one."""
        path = REPOSITORY / name
        if path.exists() or path in self._texts:
            raise StepError(
                f"{name} exists already.", "Choose another name, or remove the file. Nothing was changed."
            )
        self._texts[path] = text
        self._new.append(path)

    def text(self, name: str) -> str:
        """The text of an existing file, with the changes so far; raises StepError if it does not exist."""
        path = REPOSITORY / name
        if path in self._texts:
            return self._texts[path]
        if not path.exists():
            raise StepError(
                f"{name} does not exist.", "`ls services` shows the services. Nothing was changed."
            )
        return path.read_text(encoding="utf-8")

    def replace(self, name: str, text: str) -> None:
        """Gives an existing file another text."""
        self._texts[REPOSITORY / name] = text

    def make(self, *module: str) -> str:
        """Writes all files, formats the Python among them, and runs `python -m` with the module and its arguments.

        Returns what the module prints. Raises StepError if it fails; then every file is as it was.
        """
        before = {path: path.read_bytes() for path in self._generated()}
        before |= {path: path.read_bytes() for path in self._texts if path not in self._new}
        try:
            for path, text in self._texts.items():
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
            code = [str(path) for path in self._texts if path.suffix == ".py"]
            if code:
                _run(
                    [
                        str(REPOSITORY / ".venv/bin/ruff"),
                        "check",
                        "--no-cache",
                        "--quiet",
                        "--select",
                        "I",
                        "--fix",
                        *code,
                    ]
                )
                _run([str(REPOSITORY / ".venv/bin/ruff"), "format", "--no-cache", "--quiet", *code])
            return _run([sys.executable, "-m", *module])
        except BaseException:
            self._undo(before)
            raise

    def _generated(self) -> list[Path]:
        return [path for pattern in _GENERATED for path in REPOSITORY.glob(pattern)]

    def _undo(self, before: dict[Path, bytes]) -> None:
        for path in (*self._new, *self._generated()):
            if path not in before:
                path.unlink(missing_ok=True)
        for path, text in before.items():
            path.write_bytes(text)
        for folder in {
            parent for path in self._new for parent in path.parents if parent.is_relative_to(REPOSITORY)
        }:
            _remove_bytecode(folder)
        for folder in sorted({parent for path in self._new for parent in path.parents}, reverse=True):
            if folder.is_relative_to(REPOSITORY) and folder.exists() and not any(folder.iterdir()):
                folder.rmdir()


def _remove_bytecode(folder: Path) -> None:
    """Removes the bytecode of a folder without sources, which would keep it from being empty."""
    cache = folder / "__pycache__"
    if cache.exists() and not any(folder.glob("*.py")):
        for path in cache.iterdir():
            path.unlink()
        cache.rmdir()


def _run(command: Sequence[str]) -> str:
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    if done.returncode:
        raise StepError(
            f"`{' '.join(command[1:4])}` failed, so nothing was changed:\n{done.stdout}{done.stderr}".rstrip(),
            "The output above says why. Repeat the command after mending it.",
        )
    return done.stdout

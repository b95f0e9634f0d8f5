"""Plants a weakness in the embedded cloud, or in a copy of the repository.

A weakness in a function is a few words of its package, or of its configuration. The changed package goes to the running
cloud, and the one that was built comes back at the end. A weakness of the template is planted in a copy of the
repository, where the check that owns it must fail.
"""

import io
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tools.settings import REPOSITORY
from tools.stack import Stack

_BUILT = REPOSITORY / ".aws-sam" / "build"
_LEFT_OUT = shutil.ignore_patterns(
    ".git", ".venv*", ".aws-sam", ".local", ".*_cache", "__pycache__", ".hypothesis"
)
SCAN = "make scan"


class Plant(Protocol):
    """Somewhere that a weakness is planted."""

    @property
    def place(self) -> str:
        """Where, in words."""

    def planted(self, stack: Stack) -> AbstractContextManager[Path]:
        """Plants it until the end of the block; the value is the folder in which the check runs."""


@dataclass(frozen=True)
class Change:
    """What of a file reads how."""

    file: str
    right: str
    wrong: str

    def applied(self, text: str) -> str:
        """The file's changed text; raises LookupError if it has not exactly one place that reads so."""
        if text.count(self.right) != 1:
            raise LookupError(f"{self.file} has not exactly one place that reads {self.right!r}")
        return text.replace(self.right, self.wrong)


@dataclass(frozen=True)
class Code:
    """A mistake in the package of `function`."""

    function: str
    changes: tuple[Change, ...]

    @property
    def place(self) -> str:
        """See Plant."""
        return f"{self.function}: {', '.join(sorted({change.file for change in self.changes}))}"

    @contextmanager
    def planted(self, stack: Stack) -> Iterator[Path]:
        """See Plant."""
        package = _BUILT / self.function
        try:
            _update(stack, self.function, _packed(package, self.changes))
            yield REPOSITORY
        finally:
            _update(stack, self.function, _packed(package, ()))


@dataclass(frozen=True)
class Setting:
    """A wrong environment variable of `function`: the name of a resource whose id it has."""

    function: str
    variable: str
    resource: str

    @property
    def place(self) -> str:
        """See Plant."""
        return f"{self.function}: {self.variable}={self.resource}"

    @contextmanager
    def planted(self, stack: Stack) -> Iterator[Path]:
        """See Plant."""
        functions, name = stack.client("lambda"), stack.resource(self.function)
        right = functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"]

        def put(variables: dict[str, str]) -> None:
            functions.update_function_configuration(FunctionName=name, Environment={"Variables": variables})
            functions.get_waiter("function_updated_v2").wait(FunctionName=name)

        try:
            put(right | {self.variable: stack.resource(self.resource)})
            yield REPOSITORY
        finally:
            put(right)


@dataclass(frozen=True)
class Copy:
    """A mistake in the repository, which a check finds in a copy without a cloud."""

    change: Change

    @property
    def place(self) -> str:
        """See Plant."""
        return self.change.file

    @contextmanager
    def planted(self, stack: Stack) -> Iterator[Path]:
        """See Plant."""
        with tempfile.TemporaryDirectory(prefix="weakness-") as folder:
            copy = Path(folder)
            shutil.copytree(REPOSITORY, copy, ignore=_LEFT_OUT, dirs_exist_ok=True)
            for environment in (".venv", ".venv-sam", ".venv-scan"):
                (copy / environment).symlink_to(REPOSITORY / environment)
            changed = copy / self.change.file
            changed.write_text(self.change.applied(changed.read_text()))
            yield copy


@dataclass(frozen=True)
class Weakness:
    """A weakness, where it is planted, and the check that must find it: the id of a test, or SCAN."""

    name: str
    plant: Plant
    caught_by: str


def _packed(package: Path, changes: tuple[Change, ...]) -> bytes:
    """The package as Lambda takes it. A changed file comes without its bytecode, which Lambda would run instead."""
    texts = {change.file: (package / change.file).read_text() for change in changes}
    for change in changes:
        texts[change.file] = change.applied(texts[change.file])
    stale = {Path(file).parent / "__pycache__" / f"{Path(file).stem}.cpython-313.pyc" for file in texts}
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for file in sorted(package.rglob("*")):
            name = file.relative_to(package)
            if file.is_file() and name not in stale:
                archive.writestr(str(name), texts.get(str(name)) or file.read_bytes())
    return written.getvalue()


def _update(stack: Stack, function: str, package: bytes) -> None:
    functions, name = stack.client("lambda"), stack.resource(function)
    functions.update_function_code(FunctionName=name, ZipFile=package)
    functions.get_waiter("function_updated_v2").wait(FunctionName=name)

"""Which part of the stack a file belongs to: a service's package, the package `shared`, or the stack as a whole.

The code of a service and of `shared` can be deployed by itself (`tools.cloud.sync`). Everything else takes `sam`.
"""

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePath

from tools.settings import REPOSITORY

SHARED = "shared"
"""The package that all functions share, in the layer."""

STACK = "the stack"
"""The template and all else that `sam build` and `sam deploy` read."""

_FILES = (
    "template.yaml",
    "samconfig.toml",
    "build.mk",
    "requirements/runtime.txt",
    "tools/cloud/workarounds.py",
)
_FOLDERS = ("services", "shared_layer", "statemachines")


def part_of(path: PurePath) -> str | None:
    """The part that a file, named from the repository's root, belongs to; None if no stack is made of it."""
    if "__pycache__" in path.parts or path.suffix == ".md":
        return None
    match path.parts:
        case ("services", service, package, _, *_) if service == package:
            return service
        case ("shared_layer", package, _, *_) if package == SHARED:
            return SHARED
        case (folder, *_) if folder in _FOLDERS:
            return STACK
        case _:
            return STACK if path.as_posix() in _FILES else None


def package_of(part: str) -> Path:
    """The folder of a service's package, or of the package `shared`."""
    return REPOSITORY / "shared_layer" / SHARED if part == SHARED else REPOSITORY / "services" / part / part


def digests() -> dict[str, str]:
    """The digest of each part of the working tree, by its name."""
    of_parts: dict[str, list[Path]] = {}
    for path in sorted({path for name in (*_FOLDERS, *_FILES) for path in files(REPOSITORY / name)}):
        if part := part_of(path.relative_to(REPOSITORY)):
            of_parts.setdefault(part, []).append(path)
    return {part: digest(paths) for part, paths in of_parts.items()}


def digest(paths: Iterable[Path]) -> str:
    """The digest of these files' names and contents."""
    whole = hashlib.sha256()
    for path in paths:
        whole.update(path.relative_to(REPOSITORY).as_posix().encode() + b"\0")
        whole.update(hashlib.sha256(path.read_bytes()).digest())
    return whole.hexdigest()


def files(path: Path) -> Iterator[Path]:
    """The file, or all files of the folder but compiled ones; nothing if there is none."""
    if path.is_file():
        yield path
    elif path.is_dir():
        for found in path.rglob("*"):
            if found.is_file() and "__pycache__" not in found.parts:
                yield found

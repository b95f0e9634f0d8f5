"""Which functions need a change of `shared`: the ones that import a changed module, themselves or through others."""

import hashlib
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from tools.cloud.parts import SHARED, files
from tools.cloud.sync import Function
from tools.dev.imports import Modules

type Contents = Mapping[Path, str]
"""The digest of each file of `shared`, as it was at some time."""


class SharedCode:
    """What each function of the embedded cloud has of `shared`, as far as this process knows.

    A function that does not import a changed module keeps the layer that it has. That one serves it as well, until
    it imports more.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._had: dict[str, Contents] = {}

    def now(self) -> Contents:
        """The files as they are in the tree."""
        return {
            path: hashlib.sha256(path.read_bytes()).hexdigest()
            for path in files(self._root / "shared_layer" / SHARED)
        }

    def lacking(self, functions: Iterable[Function], wanted: Contents) -> list[Function]:
        """The functions that import a file and have it otherwise than `wanted`, and all unknown functions."""
        modules = Modules(self._root)
        return [
            function
            for function in functions
            if (had := self._had.get(function.name)) is None
            or any(had.get(path) != wanted.get(path) for path in modules.run_by(function.module))
        ]

    def have(self, functions: Collection[Function], contents: Contents) -> None:
        """These functions have `contents` from now on."""
        self._had |= dict.fromkeys((function.name for function in functions), contents)

"""What our modules import, found in their source without running it, also within functions."""

import ast
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path, PurePosixPath

_FILES_KEPT = 2048


def imports_of(file: Path) -> frozenset[str]:
    """The names of all modules that the file imports. A file with an error imports none."""
    return _imports_as_of(file, file.stat().st_mtime_ns)


def name_of(module: PurePosixPath) -> str:
    """The module's name in an import, by its path in the repository."""
    match module.with_suffix("").parts:
        case ("services", _, *names) | ("shared_layer", *names) if names:
            pass
        case (*names,):
            pass
    return ".".join(names[:-1] if names[-1] == "__init__" else names)


class Modules:
    """The modules of all services and of `shared`, as they are in the tree at `root` now."""

    def __init__(self, root: Path) -> None:
        self._files = {
            name_of(PurePosixPath(path.relative_to(root).as_posix())): path
            for folder in ("services", "shared_layer")
            for path in (root / folder).rglob("*.py")
        }

    def run_by(self, module: str) -> set[Path]:
        """The files that an import of `module` may run now or later, its own one and packages included."""
        found: set[Path] = set()
        waiting = [module]
        while waiting:
            for path in _found(self._files, waiting.pop()):
                if path not in found:
                    found.add(path)
                    waiting += imports_of(path)
        return found


def _found(files: Mapping[str, Path], name: str) -> Iterator[Path]:
    """The files of the module of that name, and of the packages that it is in."""
    while name:
        if name in files:
            yield files[name]
        name = name.rpartition(".")[0]


@lru_cache(_FILES_KEPT)
def _imports_as_of(file: Path, _changed_at: int) -> frozenset[str]:
    try:
        tree = ast.parse(file.read_bytes())
    except SyntaxError:
        return frozenset()
    return frozenset(_imported(ast.walk(tree)))


def _imported(nodes: Iterable[ast.AST]) -> Iterator[str]:
    for node in nodes:
        match node:
            case ast.Import():
                yield from (alias.name for alias in node.names)
            case ast.ImportFrom(module=str(module)):
                yield module
                yield from (f"{module}.{alias.name}" for alias in node.names)

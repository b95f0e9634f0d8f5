"""Which tests concern a changed file. The rule is short, so that one knows what did not run.

- A test file concerns itself. A `conftest.py` concerns the tests of its folder.
- The code of a service or of `shared` concerns `tests/component/<package>/` and `tests/unit/test_<package>_*.py`.
- Each unit or component test that imports the changed module itself is concerned, too.

Nothing else is: a module that imports the changed one does not have its own tests run. `make test` runs all.
"""

import ast
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path, PurePosixPath

from tools.cloud.parts import STACK, part_of

_FOLDERS = ("tests/unit", "tests/component")
_FILES_KEPT = 2048


def concerned_tests(changed: Iterable[PurePosixPath], root: Path) -> list[str]:
    """The test files that concern these files, all named from `root`, in alphabetical order."""
    paths = [path for path in changed if "__pycache__" not in path.parts]
    imported = {name for path in paths if path.suffix == ".py" for name in _names_of(path)}
    return sorted(
        test.as_posix()
        for test in _tests(root)
        if any(_belongs(test, path) for path in paths) or imported & _imports(root / test)
    )


def _belongs(test: PurePosixPath, changed: PurePosixPath) -> bool:
    """Whether the test is the changed file, or stands where its tests stand."""
    if changed.parts[0] == "tests":
        return test == changed or (changed.name == "conftest.py" and test.is_relative_to(changed.parent))
    package = part_of(changed)
    if package in (None, STACK):
        return False
    return test.is_relative_to(f"tests/component/{package}") or (
        test.is_relative_to("tests/unit") and test.name.startswith(f"test_{package}_")
    )


def _names_of(module: PurePosixPath) -> Iterator[str]:
    """The module's name in an import."""
    match module.with_suffix("").parts:
        case ("services", _, *names) | ("shared_layer", *names) if names:
            pass
        case (*names,):
            pass
    yield ".".join(names[:-1] if names[-1] == "__init__" else names)


def _tests(root: Path) -> Iterator[PurePosixPath]:
    for folder in _FOLDERS:
        for path in (root / folder).rglob("test_*.py"):
            yield PurePosixPath(path.relative_to(root).as_posix())


def _imports(test: Path) -> frozenset[str]:
    return _imports_as_of(test, test.stat().st_mtime_ns)


@lru_cache(_FILES_KEPT)
def _imports_as_of(test: Path, _changed_at: int) -> frozenset[str]:
    """All modules that the file imports, also within functions. A file with an error imports none."""
    try:
        tree = ast.parse(test.read_bytes())
    except SyntaxError:
        return frozenset()
    return frozenset(_imported(tree))


def _imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Import():
                yield from (alias.name for alias in node.names)
            case ast.ImportFrom(module=str(module)):
                yield module
                yield from (f"{module}.{alias.name}" for alias in node.names)

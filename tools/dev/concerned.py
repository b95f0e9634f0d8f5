"""Which tests concern a changed file. The rule is short, so that one knows what did not run.

- A test file concerns itself. A `conftest.py` concerns the tests of its folder.
- The code of a service or of `shared` concerns `tests/component/<package>/` and `tests/unit/test_<package>_*.py`.
- Each unit or component test that imports the changed module itself is concerned, too.

Nothing else is: a module that imports the changed one does not have its own tests run. `make test` runs all.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

from tools.cloud.parts import STACK, part_of
from tools.dev.imports import imports_of, name_of

_FOLDERS = ("tests/unit", "tests/component")


def concerned_tests(changed: Iterable[PurePosixPath], root: Path) -> list[str]:
    """The test files that concern these files, all named from `root`, in alphabetical order."""
    paths = [path for path in changed if "__pycache__" not in path.parts]
    imported = {name_of(path) for path in paths if path.suffix == ".py"}
    return sorted(
        test.as_posix()
        for test in _tests(root)
        if any(_belongs(test, path) for path in paths) or imported & imports_of(root / test)
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


def _tests(root: Path) -> Iterator[PurePosixPath]:
    for folder in _FOLDERS:
        for path in (root / folder).rglob("test_*.py"):
            yield PurePosixPath(path.relative_to(root).as_posix())

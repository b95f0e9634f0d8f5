"""What the locked lists of packages promise to each other."""

import re

import pytest

from tools.scan.lock_files import locked
from tools.settings import REPOSITORY

REQUIREMENTS = REPOSITORY / "requirements"
PINNED_BY_SAM = {"aws-sam-cli", "aws-sam-translator"}


def releases(name: str) -> dict[str, str]:
    return dict(locked([(REQUIREMENTS / name).read_text()]))


@pytest.mark.parametrize("shipped", ["runtime.txt", "live-authorizer.txt", "image-processor.txt"])
def test_the_tests_run_with_the_releases_that_ship(shipped: str) -> None:
    tested = releases("dev.txt")
    assert {name: tested.get(name) for name in releases(shipped)} == releases(shipped)


def test_sam_has_no_say_in_the_releases_that_ship() -> None:
    assert releases("sam.txt").keys() >= PINNED_BY_SAM
    assert not releases("dev.txt").keys() & PINNED_BY_SAM


def test_each_wanted_list_is_locked_and_renewed_by_one_command() -> None:
    wanted = {path.stem for path in REQUIREMENTS.glob("*.in")}
    assert {path.stem for path in REQUIREMENTS.glob("*.txt")} == wanted
    [listed] = re.findall(r"for list in ([\w -]+); do", (REPOSITORY / "Makefile").read_text())
    assert set(listed.split()) == wanted


def test_each_list_says_that_it_holds_on_every_machine() -> None:
    """Dependabot repeats `--universal` only if the list names it."""
    assert all("uv pip compile --universal" in path.read_text() for path in REQUIREMENTS.glob("*.txt"))

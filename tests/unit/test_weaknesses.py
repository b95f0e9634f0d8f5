"""The weaknesses that `make weaknesses` plants fit the code as it is, and the checks that must catch them exist."""

import re

import pytest

from tests.attacks.planting import SCAN, Code, Copy, Weakness
from tests.attacks.weaknesses import WEAKNESSES
from tools.settings import REPOSITORY


@pytest.mark.parametrize("weakness", WEAKNESSES, ids=lambda weakness: weakness.name)
def test_a_weakness_can_be_planted(weakness: Weakness) -> None:
    match weakness.plant:
        case Code(_, changes):
            for change in changes:
                service = change.file.partition("/")[0]
                assert change.applied((REPOSITORY / "services" / service / change.file).read_text())
        case Copy(change):
            assert change.applied((REPOSITORY / change.file).read_text())


@pytest.mark.parametrize("weakness", WEAKNESSES, ids=lambda weakness: weakness.name)
def test_the_check_that_must_catch_a_weakness_exists(weakness: Weakness) -> None:
    if weakness.caught_by == SCAN:
        return
    file, _, name = weakness.caught_by.partition("::")
    assert re.search(rf"^def {name}\(", (REPOSITORY / file).read_text(), re.MULTILINE)


def test_each_weakness_has_a_name_of_its_own() -> None:
    assert len({weakness.name for weakness in WEAKNESSES}) == len(WEAKNESSES)

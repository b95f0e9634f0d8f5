"""The pages on patterns have one form."""

import re
from pathlib import Path

import pytest

from tools.settings import REPOSITORY

FOLDER = REPOSITORY / "docs/patterns"
INDEX = FOLDER / "README.md"
PAGES = sorted(set(FOLDER.glob("*.md")) - {INDEX})

_HEADINGS = [
    "The problem",
    "How it is done here",
    "Where",
    "How it is tested",
    "What it costs",
    "When not to use it",
    "Instead",
]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_has_the_form_of_all(page: Path):
    assert re.findall(r"^## (.*)$", page.read_text(), re.MULTILINE) == _HEADINGS


def test_the_index_lists_each_page_by_its_title():
    listed = dict(re.findall(r"\[([^]]+)\]\(([\w-]+\.md)\)", INDEX.read_text()))
    assert listed == {page.read_text().splitlines()[0].removeprefix("# "): page.name for page in PAGES}

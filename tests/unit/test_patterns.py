"""The pages on patterns have one form, and their excerpts are in the source."""

import re
from pathlib import Path
from textwrap import dedent

import pytest

from tools.settings import REPOSITORY

FOLDER = REPOSITORY / "docs/patterns"
INDEX = FOLDER / "README.md"
PAGES = sorted(set(FOLDER.glob("*.md")) - {INDEX})

_EXCERPT = re.compile(r"<!-- excerpt: (\S+) -->\n```\w*\n(.*?)```", re.DOTALL)
_BLOCK = re.compile(r"^```\w+$", re.MULTILINE)
_HEADINGS = [
    "The problem",
    "How it is done here",
    "Where",
    "How it is tested",
    "What it costs",
    "When not to use it",
    "Instead",
]


def excerpts_of(text: str) -> list[tuple[str, str]]:
    """The excerpts of a page: the file that each is from, and its lines."""
    return [(path, dedent(lines)) for path, lines in _EXCERPT.findall(text)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_has_the_form_of_all(page: Path):
    assert re.findall(r"^## (.*)$", page.read_text(), re.MULTILINE) == _HEADINGS


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_an_excerpt_is_in_the_source_line_by_line(page: Path):
    text = page.read_text()
    found = excerpts_of(text)
    assert len(found) == len(_BLOCK.findall(text)), (
        "a block of code lacks its line `<!-- excerpt: <file> -->`"
    )
    for path, lines in found:
        source = (REPOSITORY / path).read_text().splitlines()
        wanted = lines.splitlines()
        windows = (source[place : place + len(wanted)] for place in range(len(source)))
        assert any(dedent("\n".join(window)).splitlines() == wanted for window in windows), (
            f"{page.name} quotes lines that {path} does not have:\n{lines}"
        )


def test_the_index_lists_each_page_by_its_title():
    listed = dict(re.findall(r"\[([^]]+)\]\(([\w-]+\.md)\)", INDEX.read_text()))
    assert listed == {page.read_text().splitlines()[0].removeprefix("# "): page.name for page in PAGES}

"""The code that a page shows is in the source: a block below `<!-- excerpt: <file> -->` has lines of that file."""

import re
from pathlib import Path
from textwrap import dedent

import pytest

from tests.tutorial import PAGE as TUTORIAL
from tools.settings import REPOSITORY

PAGES = sorted({*(REPOSITORY / "docs/patterns").glob("*.md"), TUTORIAL})

_EXCERPT = re.compile(r"<!-- excerpt: (\S+) -->\n```\w*\n(.*?)```", re.DOTALL)
_CODE = re.compile(r"^```(?:python|json)$", re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_an_excerpt_is_in_the_source_line_by_line(page: Path):
    text = page.read_text()
    found = [(path, dedent(lines)) for path, lines in _EXCERPT.findall(text)]
    assert len(found) == len(_CODE.findall(text)), "a block of code lacks its line `<!-- excerpt: <file> -->`"
    for path, lines in found:
        source = (REPOSITORY / path).read_text().splitlines()
        wanted = lines.splitlines()
        windows = (source[place : place + len(wanted)] for place in range(len(source)))
        assert any(dedent("\n".join(window)).splitlines() == wanted for window in windows), (
            f"{page.name} quotes lines that {path} does not have:\n{lines}"
        )

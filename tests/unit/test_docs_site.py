"""The docs' site has each document in its navigation and a page behind each link; the decisions have their contents."""

import re
import tomllib
from typing import Any

import pytest

from tools.contracts.docs import contents, site
from tools.contracts.docs.contents import TOPICS, decisions, with_contents
from tools.settings import REPOSITORY

PROJECT = tomllib.loads((REPOSITORY / "zensical.toml").read_text())["project"]
DECISIONS = contents.DECISIONS.read_text()
FRAME = f"# Decisions\n\n{contents._BEGIN}old\n{contents._END}\n"
ENTRIES = """\
## 1. Orchestrate the decision

**What.** One.

## 10. `relays` retry

Replaced by 42: a relay sets aside.

## 37. A reservation's expiry

**Replaced by 65** in its first half: no expiry.

## 9999. Something new

**What.** New.
"""


def navigated(entry: Any) -> list[str]:
    if isinstance(entry, str):
        return [entry]
    return [
        name for part in (entry.values() if isinstance(entry, dict) else entry) for name in navigated(part)
    ]


def test_each_document_has_one_place_in_the_navigation() -> None:
    documents = [path.relative_to(REPOSITORY).as_posix() for path in site.documents()]
    assert sorted(navigated(PROJECT["nav"])) == sorted(documents)


def test_the_generator_reads_the_pages_that_are_laid_out() -> None:
    assert REPOSITORY / PROJECT["docs_dir"] == site.PAGES


def test_a_linked_source_is_a_page_with_its_code_and_links_of_documents_stay() -> None:
    made = site.pages()
    source = (REPOSITORY / "tools" / "bill" / "capacity.py").read_text()
    assert source.rstrip() in made["tools/bill/capacity.py.md"]
    assert "](../tools/bill/capacity.py.md)" in made["docs/bill.md"]
    # A host may leave out folders whose names begin with a dot.
    assert "](../github/workflows/test.yml.md)" in made["docs/pipeline.md"]
    assert made["docs/scaling.md"] == (REPOSITORY / "docs" / "scaling.md").read_text()


def test_code_in_a_document_stays_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    document = REPOSITORY / "docs" / "api.md"
    text = (
        "[code](../Makefile#L3)\n\n```md\n[code](../Makefile)\n```\n\n[out](https://example.com/Makefile)\n"
    )
    monkeypatch.setattr(site, "documents", lambda: [document])
    monkeypatch.setattr(type(document), "read_text", lambda *_, **__: text)
    assert site.pages()["docs/api.md"] == text.replace("../Makefile#L3", "../Makefile.md", 1)


def test_the_contents_of_the_decisions_are_current() -> None:
    assert with_contents(DECISIONS) == DECISIONS, "`make decisions` renews them"


def test_the_contents_have_each_entry_once_with_its_status() -> None:
    made = with_contents(FRAME + ENTRIES)
    assert made.endswith(ENTRIES)
    assert [line for line in made.splitlines() if line.startswith(("- ", "**")) and "." in line] == [
        "- [1. Orchestrate the decision](#1-orchestrate-the-decision)",
        "- [10. `relays` retry](#10-relays-retry) (replaced by 42)",
        "- [37. A reservation's expiry](#37-a-reservations-expiry) (replaced by 65, in part)",
        "- [9999. Something new](#9999-something-new)",
        *(line for line in ENTRIES.splitlines() if line.startswith("**")),
    ]
    assert "**Not sorted yet**\n\n- [9999." in made
    assert with_contents(made) == made


def test_each_number_has_one_topic_and_each_entry_that_replaced_another_exists() -> None:
    sorted_ones = [number for numbers in TOPICS.values() for number in numbers]
    assert len(set(sorted_ones)) == len(sorted_ones)
    found = {decision.number: decision for decision in decisions(DECISIONS)}
    assert set(sorted_ones) <= found.keys()
    assert len(found) == len(re.findall(r"^## ", DECISIONS, re.MULTILINE))
    assert {each.replaced_by for each in found.values()} - {None} <= found.keys()

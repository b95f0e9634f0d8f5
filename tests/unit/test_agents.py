"""AGENTS.md says what CONTRIBUTING.md and the Makefile say, and no more than an assistant reads at once."""

import pytest

from tools.console import StepError
from tools.contracts import agents
from tools.settings import REPOSITORY


def test_the_page_is_up_to_date() -> None:
    assert agents.PAGE.read_text() == agents.page(), "`make agents` renews it"


def test_the_page_is_short() -> None:
    assert len(agents.page().splitlines()) < 120


def test_the_page_has_each_rule_and_leads_to_each_guide() -> None:
    guide, page = (REPOSITORY / "CONTRIBUTING.md").read_text(), agents.page()
    rules = guide.split("## Rules that the checks hold\n")[1].split("\n## ")[0]
    assert rules.strip() in page
    headings = [line.removeprefix("## ") for line in guide.splitlines() if line.startswith("## ")]
    assert [heading for heading in headings if heading not in page] == []


def test_a_section_that_was_renamed_is_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agents, "_RULES", "Rules of yesterday")
    with pytest.raises(StepError, match="Rules of yesterday"):
        agents.page()

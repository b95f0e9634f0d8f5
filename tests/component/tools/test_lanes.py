"""Several targets of a Makefile are made side by side, and the end of each is reported."""

from pathlib import Path

import pytest

from tools import lanes
from tools.__main__ import TOOLS
from tools.command_line import run

MAKEFILE = """
meet-a:
\t@touch a; until [ -e b ]; do sleep 0.05; done; echo a met b
meet-b:
\t@touch b; until [ -e a ]; do sleep 0.05; done; echo b met a
good:
\t@echo all is well
bad:
\t@echo the reason; exit 3
"""


@pytest.fixture(autouse=True)
def makefile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A repository with a Makefile of this test's own."""
    (tmp_path / "Makefile").write_text(MAKEFILE)
    monkeypatch.setattr(lanes, "REPOSITORY", tmp_path)


def test_targets_run_at_the_same_time(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["lanes", "meet-a", "meet-b"], TOOLS, description="") == 0
    shown = capsys.readouterr().out
    assert "meet-a   | a met b\n" in shown
    assert "meet-b   | b met a\n" in shown


def test_a_failed_target_fails_the_whole_and_shows_its_lines_last(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["lanes", "bad", "good"], TOOLS, description="") == 2  # make's own code for a failed target
    ending = capsys.readouterr().out.partition("--- last lines of bad ---")[2]
    assert "the reason" in ending
    assert "bad      failed (exit code 2) after 0 min" in ending
    assert "good     passed after 0 min" in ending

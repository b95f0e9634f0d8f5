"""Several targets of a Makefile are made side by side, and the end of each is reported."""

import re
from pathlib import Path

import pytest

from tools import lanes, test_record
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
two-stages:
\t@echo '$$ first command'; echo 'took 2.5 s, and 1.0 + 0.2 s of a core'
\t@echo '$$ second command'; echo 'took 61.0 s, and 0.0 + 0.0 s of a core'
order:
\t@echo in the order of $$SEED
"""


@pytest.fixture(autouse=True)
def makefile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A repository with a Makefile of this test's own."""
    (tmp_path / "Makefile").write_text(MAKEFILE)
    monkeypatch.setattr(lanes, "REPOSITORY", tmp_path)
    monkeypatch.setattr(test_record, "_RECORDS", tmp_path / "times")
    monkeypatch.delenv("SEED", raising=False)


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


def test_the_stages_of_each_target_are_shown_last_and_remembered(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["lanes", "two-stages"], TOOLS, description="") == 0
    ending = capsys.readouterr().out.partition("two-stages passed")[2]
    assert "2.5 s   first command\n" in ending and "61.0 s   second command\n" in ending

    assert run(["slowest"], TOOLS, description="") == 0
    shown = capsys.readouterr().out
    assert re.search(r" 61\.0 +0\.0 +second command\n +2\.5 +1\.2 +first command\n", shown)


def test_one_order_is_chosen_for_all_targets_and_shown(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(["lanes", "order"], TOOLS, description="") == 0
    chosen = re.search(r"in the order of (\d+)\n", shown := capsys.readouterr().out)
    assert chosen and f"SEED={chosen[1]}." in shown

    monkeypatch.setenv("SEED", "4711")
    assert run(["lanes", "order"], TOOLS, description="") == 0
    assert "in the order of 4711\n" in capsys.readouterr().out

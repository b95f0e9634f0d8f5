"""Waits end when the condition holds, or at their deadline, which is later for a stack on AWS."""

import pytest

from tools import waiting
from tools.waiting import NotInTime, be_patient, wait_for


def test_a_wait_returns_the_first_answer_that_is_true() -> None:
    answers = iter([0, 0, 7])
    assert wait_for(lambda: next(answers), "seven", seconds=5) == 7


def test_a_wait_for_a_stack_on_aws_is_four_times_as_long(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr(waiting, "_pace", dict(waiting._pace))
    monkeypatch.setattr("tools.waiting.time.sleep", slept.append)
    monkeypatch.setattr("tools.waiting.time.monotonic", lambda: sum(slept))
    be_patient()

    with pytest.raises(NotInTime, match="waited 20 s in vain for nothing"):
        wait_for(lambda: None, "nothing", seconds=5)
    assert 20 <= sum(slept) <= 22


def test_a_long_wait_asks_less_and_less_often(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr("tools.waiting.time.sleep", slept.append)
    monkeypatch.setattr("tools.waiting.time.monotonic", lambda: sum(slept))

    with pytest.raises(NotInTime):
        wait_for(lambda: None, "nothing", seconds=60)
    assert slept == sorted(slept)
    assert slept[0] == 0.1 and len(slept) < 60
    assert all(pause <= 0.1 + sum(slept[:number]) / 10 for number, pause in enumerate(slept))

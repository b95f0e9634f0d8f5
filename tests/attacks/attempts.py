"""The attacks of a test, and its findings: attacks that got through."""

from collections.abc import Iterable
from random import Random

import requests

FIRST_FINDING = "first finding"
"""The name of the property that a test's report has if the test found something."""

_SHOWN = 300
_MOST_SHOWN = 20


class Attempts:
    """Counts the attacks of a test and collects its findings, so that one finding hides no other.

    In a short run `sampling` chooses among the attacks, and a full run (None) tries all.
    """

    def __init__(self, sampling: Random | None) -> None:
        self._sampling = sampling
        self.tried = 0
        self.findings: list[str] = []

    @property
    def is_short(self) -> bool:
        """Whether the run is a short one."""
        return self._sampling is not None

    def some[Case](self, cases: Iterable[Case], *, short: int) -> list[Case]:
        """All cases; in a short run, a sample of `short` ones."""
        every = list(cases)
        return self._sampling.sample(every, min(short, len(every))) if self._sampling else every

    def check(self, attack: str, *, held: bool, seen: object = "") -> None:
        """Notes an attack; it is a finding unless the shop `held`. `seen` is what it did instead."""
        self.tried += 1
        if not held:
            self.findings.append(f"{attack}: {str(seen)[:_SHOWN]}")

    def refused(self, attack: str, answer: requests.Response, *statuses: int) -> None:
        """Notes an attack that must be answered with one of `statuses`, or with any refusal of the client (4xx)."""
        status = answer.status_code
        held = status in statuses if statuses else 400 <= status < 500
        self.check(attack, held=held, seen=f"answered {status}: {answer.text}")

    def report(self) -> str:
        """The findings in words; empty if there is none. A test that tried nothing has one."""
        if not self.tried:
            return "the test tried no attack"
        return "\n".join(self.findings[:_MOST_SHOWN])

"""`make weaknesses`: plants each weakness, and shows which check caught it, by its first finding."""

import argparse
import re
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from _pytest.runner import runtestprotocol

from tests.attacks.attempts import FIRST_FINDING
from tests.attacks.planting import SCAN, Weakness
from tests.attacks.weaknesses import WEAKNESSES
from tools.stack import Stack

_WIDTH, _LINES_OF_A_MISS = 150, 25
_FOUND_BY_CHECKOV = re.compile(r"^checkov: (.*)", re.MULTILINE)


class Hunt:
    """A plugin of pytest: it plants each weakness, and runs the one test that must catch it.

    The tests share the customers and orders of their session, so that a weakness costs seconds.
    """

    def __init__(self, weaknesses: Iterable[Weakness], stack: Stack) -> None:
        self._weaknesses = list(weaknesses)
        self._stack = stack
        self.caught = 0

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Hunts each weakness, and prints what came of it."""
        for weakness in self._weaknesses:
            started = time.monotonic()
            with weakness.plant.planted(self._stack) as folder:
                if weakness.caught_by == SCAN:
                    finding, output = _scanned(folder)
                else:
                    finding, output = _tested(session, weakness.caught_by)
            self.caught += bool(finding)
            said = [finding] if finding else output.splitlines()[-_LINES_OF_A_MISS:]
            print(
                f"{'caught' if finding else 'MISSED'}  {weakness.name}  ({time.monotonic() - started:.0f} s)",
                f"in {weakness.plant.place}",
                f"by {weakness.caught_by}",
                *(line[:_WIDTH] for line in said),
                sep="\n        ",
                flush=True,
            )
        return True


def _tested(session: pytest.Session, test: str) -> tuple[str, str]:
    """The first finding of a test, or an empty text; and how the test failed otherwise."""
    output = ""
    for item in session.items:
        if item.nodeid.partition("[")[0] != test:
            continue
        item.user_properties.clear()
        # Fixtures of a session stay; the next weakness makes all others anew.
        following: Any = session
        for report in runtestprotocol(item, log=False, nextitem=following):
            output += report.longreprtext
            if finding := dict(report.user_properties).get(FIRST_FINDING):
                return str(finding), output
    return "", output or "No test failed."


def _scanned(folder: Path) -> tuple[str, str]:
    """The first finding of the scanner that reads the template, or an empty text; and all findings."""
    command = [sys.executable, "-m", "tools", "scan", "--warn-of-vulnerabilities"]
    run = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603 - ourselves
    output = run.stdout + run.stderr
    found = _FOUND_BY_CHECKOV.search(output)
    return (found[1] if found else ""), output


def main() -> int:
    """Hunts each weakness in the embedded cloud; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.attacks", description="Weaknesses that the attacks find."
    )
    parser.add_argument("--only", default="", metavar="WORDS", help="those whose names have these words")
    only, began = parser.parse_args().only, time.monotonic()
    chosen = [weakness for weakness in WEAKNESSES if only in weakness.name]
    hunt = Hunt(chosen, Stack.current())
    tests = sorted({weakness.caught_by for weakness in chosen} - {SCAN})
    options = ["-qq", "--no-header", "--no-summary", "--capture=no", "-p", "no:cacheprovider"]
    code = pytest.main([*options, *(tests or ["tests/attacks/test_limits.py"])], plugins=[hunt])
    print(f"{hunt.caught} of {len(chosen)} weaknesses caught; {time.monotonic() - began:.0f} s")
    return int(code) or int(hunt.caught < len(chosen))


if __name__ == "__main__":
    sys.exit(main())

"""After a run of all tests in the embedded cloud, no personal data and no secret is where it may not be.

Each worker of pytest searches its own stack twice. The first search is before the tests clean up, with all dead letters
still there. The second one follows when the account of each made-up person is closed. `make leaks` repeats the first.
"""

from typing import Any

import pytest

from tests.system.clean_up import KIND
from tools.leaks.record import save
from tools.leaks.search import findings, misdirected, overdue, unsearchable
from tools.leaks.sources import account_ids, pieces, waiting_closings
from tools.shop.canaries import made
from tools.stack import Stack
from tools.waiting import wait_for

_WRONG = "leaks"


class LeakSearch:
    """The plugin of pytest that fails a run of all tests if something personal or secret is out of place."""

    def __init__(self) -> None:
        self._wrong: list[str] = []

    def search(self, stack: Stack, config: pytest.Config) -> None:
        """Searches a stack at the end of its tests, before they clean up."""
        save(made())
        searched = list(pieces(stack))
        found = (
            findings(searched, account_ids(stack), origins=made()) | misdirected(searched) | overdue(searched)
        )
        unmade = unsearchable(searched, f"{KIND}.")
        self._take(
            config,
            [
                *(f"out of place: {finding}" for finding in sorted(found)),
                *(f"a test made up data without a canary: {place}" for place in sorted(unmade)),
            ],
        )

    def search_after_closing(self, stack: Stack, config: pytest.Config) -> None:
        """Searches a stack after all accounts of the tests were closed."""
        wait_for(lambda: not waiting_closings(stack), "all services to follow the closings", seconds=120)
        found = findings(pieces(stack), account_ids(stack), origins=made(), closed=True)
        self._take(config, [f"left of a closed account: {finding}" for finding in sorted(found)])

    def _take(self, config: pytest.Config, wrong: list[str]) -> None:
        self._wrong += wrong
        if hasattr(config, "workeroutput"):
            config.workeroutput[_WRONG] = self._wrong

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """A worker has ended."""
        self._wrong += getattr(node, "workeroutput", {}).get(_WRONG, ())

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """All tests have run, in all workers if this is their controller."""
        if self._wrong:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Names what is out of place, and never the value."""
        for wrong in self._wrong:
            terminalreporter.write_line(f"FAILED tests/system - {wrong}", red=True)

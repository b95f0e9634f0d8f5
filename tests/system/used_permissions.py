"""Each permission that a role has is needed by some test, and each that a function asks for is there.

Each worker of pytest looks at the permissions of its own stack. If all tests ran, together they must have used each
permission that is not expected to be unused. `make permissions` shows them.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import astuple
from typing import Any

import pytest

from tests.system.back_doors import watched
from tools.permissions.record import save
from tools.permissions.table import DENIED, UNUSED, Row, joined, rows_of
from tools.permissions.uses import begin_test
from tools.stack import Stack

_ROWS = "permissions"


class UsedPermissions:
    """The plugin of pytest that fails a run of all tests in which a permission was unused or missing."""

    def __init__(self, *, records: bool) -> None:
        self._records = records
        self._stack: Stack | None = None
        self._rows: list[Row] = []
        self._wrong: list[Row] = []

    def watch(self, stack: Stack) -> None:
        """The tests that follow use that stack."""
        self._stack = stack if self._records else None

    @contextmanager
    def used_by(self, test: str) -> Iterator[None]:
        """What functions ask IAM until the end of the block, they ask in the time of that test."""
        self._tell(test)
        try:
            yield
        finally:
            self._tell("")

    def _tell(self, test: str) -> None:
        if self._stack:
            with watched(open_for=True):
                begin_test(self._stack, test)

    def take(self, stack: Stack, config: pytest.Config) -> None:
        """Takes the permissions of a stack at the end of its tests."""
        if not self._records or config.args != ["tests/system"]:
            return
        rows = list(rows_of(stack))
        if hasattr(config, "workeroutput"):
            config.workeroutput[_ROWS] = [astuple(row) for row in rows]
        self._rows += rows

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """A worker has ended."""
        self._rows += [Row(*row) for row in getattr(node, "workeroutput", {}).get(_ROWS, ())]

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """All tests have run, in all workers if this is their controller."""
        config = session.config
        if self._rows and not hasattr(config, "workerinput"):
            rows = joined(self._rows)
            save(rows)
            self._wrong = [row for row in rows if row.state in (UNUSED, DENIED)]
        if self._wrong:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Names the permissions that are unused or missing."""
        for row in self._wrong:
            line = f"FAILED tests/system - {row.state}: {row.part} {row.action} on {row.resource}"
            terminalreporter.write_line(line, red=True)

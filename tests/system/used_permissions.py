"""Each permission that a role has is needed by some test, and each that a function asks for is there.

Each worker of pytest looks at the permissions of its own stack. If all tests ran, together they must have used each
permission that is not expected to be unused. `make permissions` shows them.
"""

from dataclasses import astuple
from typing import Any

import pytest

from tools.permissions.record import save
from tools.permissions.table import DENIED, UNUSED, Row, joined, rows_of
from tools.stack import Stack

_ROWS = "permissions"


class UsedPermissions:
    """The plugin of pytest that fails a run of all tests in which a permission was unused or missing."""

    def __init__(self, *, records: bool) -> None:
        self._records = records
        self._rows: list[Row] = []
        self._wrong: list[Row] = []

    def take(self, stack: Stack, config: pytest.Config) -> None:
        """Takes the permissions of a stack at the end of its tests."""
        if not self._records:
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
        if self._records and config.args == ["tests/system"] and not hasattr(config, "workerinput"):
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

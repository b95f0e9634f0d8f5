"""`make permissions-needed`: each permission is taken out of its deployed role, and a test that needs it then fails.

The last run of all tests left a record: each permission with the tests that needed it. Here each permission has its
turn. The role loses it when the body of such a test begins. The test ends as soon as IAM denies a request, and the role
has the permission back. A permission is shown if IAM denied its own action, which alone fails a run of all tests.

A run ends after some minutes. The next one goes on with the permissions that are left, and tries other tests.
"""

import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from types import FrameType
from typing import Any, cast

import pytest
from _pytest.runner import runtestprotocol
from _pytest.subtests import failed_subtests_key

from tests.system.back_doors import watched
from tools.permissions.record import load, load_shown, load_tried, save_shown, save_tried
from tools.permissions.table import USED, Row, denials_of, granted_as
from tools.permissions.uses import forget_denials
from tools.settings import STACK_NAME
from tools.stack import Stack
from tools.test_record import load as load_times

OPTION = "--without-permissions"
_LONGEST_SECONDS = 60
_LOOKS_EVERY_SECONDS = 0.3
# A request may come from what an earlier test began, so the record may name a test that does not make it.
_TESTS_TO_TRY = 3
_SMALL_FILE = 3
_SHOWN, _ROW = "shown", "permission"

type Plan = dict[str, list[Row]]


class _DeniedAtLast(BaseException):
    """Ends a test: IAM has denied what it should deny, or will not any more. No test catches it."""


def planned(rows: list[Row], seconds: Mapping[str, float]) -> Plan:
    """By test, the permissions to take away in its turn: for each the shortest tests that needed it, in one file.

    A schedule may fire during any test, and the record then names that test. So the chosen file is the one of which the
    largest share of tests needed the permission. Each file counts as larger than it is, since a share of few tests says
    little. Permissions that only fixtures needed are in no test.
    """
    known = {*seconds, *(test for row in rows for test in row.tests)} - {""}
    in_file = Counter(map(_file, known))
    plan: Plan = {}
    for row in rows:
        by_file: dict[str, list[str]] = {}
        for test in sorted(filter(None, row.tests), key=lambda test: seconds.get(test, 0.0)):
            by_file.setdefault(_file(test), []).append(test)
        best = max(by_file, key=lambda name: len(by_file[name]) / (in_file[name] + _SMALL_FILE), default="")
        for test in by_file.get(best, [])[:_TESTS_TO_TRY]:
            plan.setdefault(test, []).append(row)
    return plan


def _file(test: str) -> str:
    return test.partition("::")[0]


class RemovedPermissions:
    """The plugin of pytest that runs tests without permissions, each as often as it has permissions to show."""

    def __init__(self) -> None:
        seconds = {timed.name: timed.seconds for timed in load_times().get("system", ())}
        self._rows = [row for row in load() or () if row.state == USED]
        self._shown = load_shown()
        self._tried = load_tried()
        left = [row for row in self._rows if _name(row) not in self._shown]
        self._plan = planned([self._without_tried(row) for row in left], seconds)
        self._deadline = time.monotonic() + 60 * float(os.environ.get("MINUTES", "18"))
        self._row: Row | None = None
        self._found: dict[Row, str] = {}

    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Keeps the tests that have permissions to show."""
        if not self._rows:
            raise pytest.UsageError("The system's tests have not run here: run `make system` first.")
        config.hook.pytest_deselected(items=[item for item in items if item.nodeid not in self._plan])
        items[:] = [item for item in items if item.nodeid in self._plan]

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> bool:
        """Runs the test once for each of its permissions; reports a failure only of what prepares or cleans up."""
        rows = [row for row in self._plan[item.nodeid] if row not in self._found and not self._is_late]
        if not rows:
            # As after a run: the next test finds what it shares with this one, and nothing else.
            item.session._setupstate.teardown_exact(nextitem)
        for row in rows:
            self._row = row
            is_last = row is rows[-1] or self._is_late
            # Between two runs only the test itself is torn down: what its module and the session share stays.
            following = nextitem if is_last else cast(pytest.Item, item.parent)
            for report in runtestprotocol(item, log=False, nextitem=following):
                if report.failed and report.when != "call":
                    item.ihook.pytest_runtest_logreport(report=report)
            # A failed subtest is what this is about; pytest would count it against the report.
            item.config.stash[failed_subtests_key].clear()
            item.ihook.pytest_runtest_logreport(report=self._report(item, row))
            if is_last:
                break
        return True

    def _without_tried(self, row: Row) -> Row:
        """The row without the tests that an earlier run has tried in vain, unless it has no others."""
        others = tuple(test for test in row.tests if test not in self._tried.get(_name(row), ()))
        return replace(row, tests=others) if any(others) else row

    @property
    def _is_late(self) -> bool:
        return time.monotonic() > self._deadline

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """The body of the test runs without the permission."""
        row, stack = self._row, Stack.named(STACK_NAME, "")
        assert row is not None
        with watched(open_for=True):
            role, grant = granted_as(stack, row.part, row.action, row.resource)
            try:
                with role.deprived_of(grant), _ended_when(lambda: _is_denied(stack, row)):
                    return (yield)
            finally:
                if _is_denied(stack, row):
                    self._found[row] = item.nodeid
                forget_denials(stack, row.part, row.action)

    def _report(self, item: pytest.Item, row: Row) -> pytest.TestReport:
        return pytest.TestReport(
            # A worker may report the test that it was given, and no other.
            nodeid=item.nodeid,
            location=item.location,
            keywords={},
            outcome="passed",
            longrepr=None,
            when="call",
            user_properties=[(_ROW, _name(row)), (_SHOWN, self._found.get(row, ""))],
        )

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Collects what each worker has shown. A subtest reports for itself, and may fail without the permission."""
        told = dict(report.user_properties)
        if report.when == "call" and _ROW not in told:
            report.outcome = "passed"
        if told.get(_SHOWN):
            self._shown[str(told[_ROW])] = str(told[_SHOWN])
        elif _ROW in told:
            self._tried.setdefault(str(told[_ROW]), []).append(report.nodeid)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Prints the permissions, each with the test that failed without it."""
        missed = []
        for row in self._rows:
            name = _name(row)
            test = self._shown.get(name, "")
            terminalreporter.write_line(f"{name:<110} {test.removeprefix('tests/system/') or '-'}")
            missed += [] if test else [name]
        shown = len(self._rows) - len(missed)
        terminalreporter.write_line(f"{shown} of {len(self._rows)} permissions: a test failed without each.")

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Keeps what is shown; fails if a permission was taken away without a denial, or is left for the next run."""
        if hasattr(session.config, "workerinput"):
            return
        save_shown(self._shown)
        save_tried(self._tried)
        is_complete = {_name(row) for row in self._rows} <= self._shown.keys()
        session.exitstatus = pytest.ExitCode.OK if is_complete else pytest.ExitCode.TESTS_FAILED


def _name(row: Row) -> str:
    return f"{row.part} {row.action} on {row.resource}"


def _is_denied(stack: Stack, row: Row) -> bool:
    return any((denied.part, denied.action) == (row.part, row.action) for denied in denials_of(stack))


@contextmanager
def _ended_when(is_over: Callable[[], bool]) -> Iterator[None]:
    """Ends the block as soon as that is so, wherever it waits, and after a minute at the latest."""
    over, main = threading.Event(), threading.get_ident()

    def look() -> None:
        until = time.monotonic() + _LONGEST_SECONDS
        while not over.wait(_LOOKS_EVERY_SECONDS):
            if is_over() or time.monotonic() > until:
                signal.pthread_kill(main, signal.SIGUSR1)
                return

    def end(_: int, __: FrameType | None) -> None:
        if not over.is_set():
            over.set()
            raise _DeniedAtLast

    before, watcher = signal.signal(signal.SIGUSR1, end), threading.Thread(target=look, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()
        signal.signal(signal.SIGUSR1, before)

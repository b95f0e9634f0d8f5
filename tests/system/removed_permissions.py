"""`pytest tests/system --without-permissions`: takes permissions out of deployed roles, and runs tests that need them.

`make permissions-needed` starts one such search for each embedded cloud (`python -m tests.system`). A role loses a
permission when the body of a test begins. It has it back as soon as IAM denied a request for want of it. A denial
alone fails a run of all tests. The test ends once all denials are there, and after its deadline at the latest.
"""

import signal
import threading
import time
from collections.abc import Generator, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from types import FrameType
from typing import Any

import pytest
from _pytest.runner import runtestprotocol
from _pytest.subtests import failed_subtests_key

from tests.system import back_doors, earlier_orders
from tests.system.needed_permissions import Turn, Turns, name_of
from tools.permissions.grants import Grant
from tools.permissions.record import load, shown
from tools.permissions.table import USED, Grants, Row
from tools.permissions.uses import denied_uses_of, forget_denials
from tools.settings import CLOUD, STACK_NAME
from tools.stack import Stack
from tools.test_record import load as load_times

OPTION = "--without-permissions"
_LOOKS_EVERY_SECONDS = 0.2
# A test that lacks a permission waits in vain, so it is given up some time after the time that it takes otherwise.
_TIMES_AS_LONG, _SECONDS_MORE, _LONGEST_SECONDS = 2.0, 6.0, 90.0
# What a test began may ask IAM a moment after its end.
_SECONDS_AFTER = 2.0
# What the fixtures of a test, or the end of its body, may take; then they are interrupted, again and again. The first
# test makes what all share.
_SECONDS_FOR_FIXTURES, _SECONDS_FOR_FIRST_FIXTURES = 45.0, 240.0
_SECONDS_BETWEEN_LOOKS_AT_OTHERS = 1.0


class _Over(BaseException):
    """Ends a test: IAM has denied what it should deny, or time is up. No test catches it."""


class RemovedPermissions:
    """The plugin of pytest that runs the tests which promise to show a permission, each without some."""

    def __init__(self, seconds: float) -> None:
        self._until = time.monotonic() + seconds
        self._seconds = {timed.name: timed.seconds for timed in load_times().get("system", ())}
        self._turns = Turns((row for row in load() or () if row.state == USED), self._seconds)
        self._stack = Stack.named(STACK_NAME, "")
        self._grants = Grants(self._stack)
        self._turn = Turn("", ())
        self._found: set[Row] = set()
        self._seconds_for_fixtures = _SECONDS_FOR_FIRST_FIXTURES
        self._is_broken = False
        # Permissions are taken by a back door during any test. Earlier orders are stuck for want of some.
        back_doors.open_for_good()
        earlier_orders.wait_for_none()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Gives turns to tests until no permission is left, or time is up."""
        items = {item.nodeid: item for item in session.items}
        signal.signal(signal.SIGALRM, _interrupt)
        signal.signal(signal.SIGTERM, self._stop)
        while (turn := self._next_turn()) is not None:
            if turn.test in items:
                self._take(turn, items[turn.test])
            else:
                self._settle(turn, set())
        return True

    def _stop(self, _: int, __: FrameType | None) -> None:
        """Begins no test more, and ends the present one, so that its roles have their permissions back."""
        self._until = 0.0
        raise _Over

    def _next_turn(self) -> Turn | None:
        """The next turn, which no other search takes; waits for one while others may fail to show theirs."""
        while time.monotonic() < self._until and not self._is_broken:
            with shown() as known:
                now = time.time()
                if turn := self._turns.next(known, now):
                    taken = now + _LONGEST_SECONDS + self._seconds_for_fixtures + _SECONDS_FOR_FIXTURES
                    known.taken_until.update(dict.fromkeys(map(name_of, turn.rows), taken))
                    return turn
                if not any(until > now for until in known.taken_until.values()):
                    return None
            time.sleep(_SECONDS_BETWEEN_LOOKS_AT_OTHERS)
        return None

    def _take(self, turn: Turn, item: pytest.Item) -> None:
        """Runs the test without its permissions, and tells what came of it."""
        self._turn, self._found, began = turn, set(), time.monotonic()
        _interrupt_after(self._seconds_for_fixtures)
        # What this test shares with the one before stays, as in any run.
        item.session._setupstate.teardown_exact(item)
        # So the test alone is torn down.
        following: Any = item.parent
        item.ihook.pytest_runtest_protocol(item=item, nextitem=following)
        _interrupt_after(0)
        self._seconds_for_fixtures = _SECONDS_FOR_FIXTURES
        self._settle(turn, self._found)
        print(
            f"{CLOUD or 'first':<7}{time.monotonic() - began:4.1f} s  {len(self._found)} of {len(turn.rows)} shown by",
            turn.test.removeprefix("tests/system/"),
            flush=True,
        )

    def _settle(self, turn: Turn, found: set[Row]) -> None:
        """Tells all searches what the turn showed. Only a turn that showed nothing was in vain for its rows: the first
        denial may have ended the test."""
        with shown() as known:
            for row in turn.rows:
                known.taken_until.pop(name_of(row), None)
                if row in found:
                    known.test[name_of(row)] = turn.test
                elif not found:
                    known.in_vain.setdefault(name_of(row), []).append(turn.test)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> bool:
        """Runs the test. Failures of its body and of subtests are expected."""
        reports = runtestprotocol(item, log=False, nextitem=nextitem)
        item.config.stash[failed_subtests_key].clear()
        broken = [report for report in reports if report.failed and report.when != "call"]
        for report in broken:
            print(f"{report.when} of {item.nodeid} failed: {report.longreprtext[-300:]}", flush=True)
        self._is_broken = bool(broken)
        return True

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Says whether another search shall go on here: pytest makes an interrupted fixture no second time."""
        session.exitstatus = pytest.ExitCode.TESTS_FAILED if self._is_broken else pytest.ExitCode.OK

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_teststatus(self) -> tuple[str, str, str]:
        """A subtest reports for itself; it says nothing here."""
        return "", "", ""

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """The body of the test runs without the permissions."""
        usual = self._seconds.get(item.nodeid, _LONGEST_SECONDS)
        seconds = min(_TIMES_AS_LONG * usual + _SECONDS_MORE, _LONGEST_SECONDS)
        _interrupt_after(0)
        try:
            with _Lacking(self._stack, self._grants, self._turn.rows) as lacking:
                self._found = lacking.denied
                try:
                    with _ended_by(lacking.all_denied, seconds):
                        return (yield)
                finally:
                    lacking.all_denied.wait(_SECONDS_AFTER)
        finally:
            _interrupt_after(_SECONDS_FOR_FIXTURES)


class _Lacking:
    """Roles that lack permissions, one for each part of the system, until IAM denied a request for want of it."""

    def __init__(self, stack: Stack, grants: Grants, rows: tuple[Row, ...]) -> None:
        self._stack = stack
        self._lacking: dict[Row, tuple[Grant, AbstractContextManager[None]]] = {}
        for row in rows:
            role, grant = grants.find(row.part, row.action, row.resource)
            self._lacking[row] = grant, role.deprived_of(grant)
        self._over = threading.Event()
        self._watcher = threading.Thread(target=self._watch, daemon=True)
        self.denied: set[Row] = set()
        self.all_denied = threading.Event()

    def __enter__(self) -> "_Lacking":
        with ExitStack() as taken:
            for _, without in self._lacking.values():
                taken.enter_context(without)
            # All are taken; from now on each is given back by itself.
            taken.pop_all()
        self._watcher.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._watcher.join()
        for row in list(self._lacking):
            self._give_back(row)

    def _watch(self) -> None:
        while self._lacking and not self._over.wait(_LOOKS_EVERY_SECONDS):
            uses = denied_uses_of(self._stack)
            for row, (grant, _) in list(self._lacking.items()):
                asked = (use.resource for use in uses if (use.part, use.action) == (row.part, row.action))
                if any(map(grant.covers, asked)):
                    self.denied.add(row)
                    self._give_back(row)
        if not self._lacking:
            self.all_denied.set()

    def _give_back(self, row: Row) -> None:
        _, without = self._lacking.pop(row)
        without.__exit__(None, None, None)
        forget_denials(self._stack, row.part, row.action)


@contextmanager
def _ended_by(event: threading.Event, seconds: float) -> Iterator[None]:
    """Ends the block wherever it waits, at the event, and after so many seconds at the latest."""
    main, over = threading.get_ident(), threading.Event()

    def end() -> None:
        event.wait(seconds)
        while not over.is_set():
            signal.pthread_kill(main, signal.SIGUSR1)
            # It puts back what it has changed, and waits in vain for that as well.
            over.wait(_SECONDS_FOR_FIXTURES)

    def interrupt(_: int, __: FrameType | None) -> None:
        if not over.is_set():
            raise _Over

    signal.signal(signal.SIGUSR1, interrupt)
    threading.Thread(target=end, daemon=True).start()
    try:
        yield
    finally:
        over.set()


def _interrupt_after(seconds: float) -> None:
    """From now on, what runs is ended after so many seconds, again and again; never if 0."""
    signal.setitimer(signal.ITIMER_REAL, seconds, seconds)


def _interrupt(_: int, __: FrameType | None) -> None:
    raise _Over

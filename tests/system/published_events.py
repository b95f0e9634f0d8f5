"""Each event that a service published during the tests keeps the contract that its readers rely on.

Each worker of pytest looks at the events of its own stack. If all tests ran, some worker must have seen each contract.
"""

from collections.abc import Iterable
from typing import Any

import pytest
from jsonschema_rs import Draft202012Validator

from tools.contracts.events.contracts import Contract, contracts

_SEEN = "published_contracts"


class PublishedEvents:
    """The plugin of pytest that fails a run of all tests in which no test had some event published."""

    def __init__(self, *, expects_all: bool) -> None:
        self._expects_all = expects_all
        self._seen: set[str] = set()
        self._missing: list[str] = []

    def take(self, events: Iterable[dict[str, Any]], config: pytest.Config) -> None:
        """Takes the events of a stack at the end of its tests; raises an error for one that breaks its contract."""
        known = {(contract.event_type, contract.payload.event_version): contract for contract in contracts()}
        seen = {_kept(event, known) for event in events}
        if hasattr(config, "workeroutput"):
            config.workeroutput[_SEEN] = sorted(seen)
        self._seen |= seen

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """A worker has ended."""
        self._seen |= set(getattr(node, "workeroutput", {}).get(_SEEN, ()))

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """All tests have run, in all workers if this is their controller."""
        config = session.config
        runs_all = self._expects_all and config.args == ["tests/system"]
        if runs_all and not hasattr(config, "workerinput"):
            self._missing = sorted({contract.name for contract in contracts()} - self._seen)
        if self._missing:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Says which events no test had published."""
        for name in self._missing:
            terminalreporter.write_line(f"FAILED tests/system - no test had {name} published", red=True)


def _kept(event: dict[str, Any], known: dict[tuple[str, int], Contract]) -> str:
    """The name of the contract that the event keeps."""
    contract = known[event["event_type"], event["event_version"]]
    Draft202012Validator(contract.schema()).validate(event)
    return contract.name

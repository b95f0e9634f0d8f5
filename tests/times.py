"""Each run of a whole folder of tests leaves a record of the time that each test took. `make slowest` shows it."""

import resource
import time
from pathlib import Path
from typing import Any

import pytest

from tools.test_record import Timed, save

_CPU = "cpu_seconds"


class Times:
    """The plugin of pytest that keeps the record."""

    def __init__(self, config: pytest.Config) -> None:
        self._folder = _whole_folder(config)
        self._is_worker = hasattr(config, "workerinput")
        self._used = _cpu_seconds()
        self._tests: dict[str, Timed] = {}

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self) -> Any:
        """Adds to each report what its part of the test used, also for the controller of workers."""
        report: pytest.TestReport = yield
        used, self._used = self._used, _cpu_seconds()
        report.user_properties.append((_CPU, self._used - used))
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Adds up the parts of each test: its fixtures, itself, and what ends them."""
        part = Timed(report.nodeid, report.duration, _cpu_of(report))
        self._tests[part.name] = self._tests[part.name] + part if part.name in self._tests else part

    def pytest_sessionfinish(self) -> None:
        """Writes the record, unless only some of the folder's tests ran."""
        if self._folder and self._tests and not self._is_worker:
            save(self._folder, self._tests.values())


def _whole_folder(config: pytest.Config) -> str | None:
    """The name of the folder of tests that runs without a choice among them, if one does."""
    chosen = config.option.keyword or config.option.markexpr or len(config.args) != 1
    folder = Path(config.args[0])
    return folder.name if not chosen and folder.parent == Path("tests") and folder.is_dir() else None


def _cpu_of(report: pytest.TestReport) -> float:
    # The report on a worker that crashed has none.
    return float(str(dict(report.user_properties).get(_CPU, 0.0)))


def _cpu_seconds() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime

"""The fixtures of the tests of jobs."""

from collections.abc import Iterator

import pytest

from tests.component.jobs.world import JobsWorld, jobs_world


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[JobsWorld]:
    """A simulated account in which jobs run."""
    with jobs_world(monkeypatch) as world:
        yield world

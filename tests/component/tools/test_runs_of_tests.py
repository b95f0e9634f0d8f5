"""A run of tests: the order in which they come, and the record that it leaves of their times."""

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests.longest_first import LONGEST, LongestFirst
from tests.random_order import RandomOrder
from tests.times import Times
from tools import test_record
from tools.settings import REPOSITORY
from tools.test_record import Timed, load

NAMES = [f"tests/unit/test_{letter}.py::test_{number}" for letter in "abc" for number in range(4)]


def config(**worker: Any) -> pytest.Config:
    return cast(pytest.Config, SimpleNamespace(**worker))


def shuffled(order: RandomOrder, names: Sequence[str]) -> list[str]:
    items: Any = [SimpleNamespace(path=Path(name.partition("::")[0]), nodeid=name) for name in names]
    order.pytest_collection_modifyitems(items)
    return [item.nodeid for item in items]


def test_the_order_follows_from_the_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEED", "1")
    first, again = (shuffled(RandomOrder(config()), NAMES) for _ in range(2))
    monkeypatch.setenv("SEED", "2")
    other = shuffled(RandomOrder(config()), NAMES)

    assert first == again != other
    assert sorted(first) == sorted(other) == NAMES


def test_the_tests_of_a_file_stay_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEED", "1")
    files = [name.partition("::")[0] for name in shuffled(RandomOrder(config()), NAMES)]
    assert len([*groupby(files)]) == 3


def test_some_of_the_tests_keep_the_order_that_they_have_among_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEED", "1")
    among = shuffled(RandomOrder(config()), NAMES)
    assert shuffled(RandomOrder(config()), NAMES[2:7]) == [name for name in among if name in NAMES[2:7]]


def test_all_workers_of_a_run_shuffle_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SEED", raising=False)
    controller, node = RandomOrder(config()), SimpleNamespace(workerinput={})
    controller.pytest_configure_node(node)
    worker = RandomOrder(config(workerinput=node.workerinput))

    assert shuffled(worker, NAMES) == shuffled(controller, NAMES)
    assert f"SEED={worker.seed}" in controller.pytest_report_header()


def test_the_files_that_wait_longest_come_first_and_all_keep_their_order_besides() -> None:
    names = ["test_a", "test_rush", "test_b", "test_faults"]
    items: Any = [SimpleNamespace(path=REPOSITORY / "tests" / "system" / f"{name}.py") for name in names]
    LongestFirst().pytest_collection_modifyitems(items)
    assert [item.path.stem for item in items] == ["test_rush", "test_faults", "test_a", "test_b"]


def test_the_files_that_wait_longest_are_there() -> None:
    assert {file.stem for file in (REPOSITORY / "tests" / "system").iterdir()} >= LONGEST


@pytest.fixture
def records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No record but this test's."""
    monkeypatch.setattr(test_record, "_RECORDS", tmp_path)
    monkeypatch.chdir(REPOSITORY)


def run_of(*arguments: str, keyword: str = "") -> None:
    """A run of one test, whose fixture took 2 s and which took 3 s itself, all of them of a core."""
    option = SimpleNamespace(keyword=keyword, markexpr="")
    times = Times(cast(pytest.Config, SimpleNamespace(args=list(arguments), option=option)))
    for when, seconds in (("setup", 2.0), ("call", 3.0), ("teardown", 0.0)):
        report = SimpleNamespace(
            nodeid="a test", when=when, duration=seconds, user_properties=[("cpu_seconds", seconds)]
        )
        times.pytest_runtest_logreport(cast(pytest.TestReport, report))
    times.pytest_sessionfinish()


def test_a_run_of_a_whole_folder_leaves_the_times_of_its_tests(records: None) -> None:
    run_of("tests/unit")
    assert load() == {"unit": [Timed("a test", 5.0, 5.0)]}


def test_a_run_of_some_tests_keeps_the_last_record_of_all(records: None) -> None:
    run_of("tests/unit/test_layout.py")
    run_of("tests/unit", keyword="money")
    run_of("tests/unit", "tests/component")
    assert load() == {}

"""The order in which a scheduled run looks at what waits."""

from datetime import UTC, datetime, timedelta

from shared.fair_order import from_any_one

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
RUNS = [NOW + number * timedelta(minutes=5) for number in range(200)]


def test_a_run_looks_at_each_entry_once_in_their_order_from_the_first_one_on() -> None:
    for now in RUNS:
        order = from_any_one(["a", "b", "c"], now)
        assert order in (["a", "b", "c"], ["b", "c", "a"], ["c", "a", "b"])


def test_every_entry_is_the_first_at_some_run() -> None:
    firsts = [from_any_one(range(5), now)[0] for now in RUNS]
    assert min(map(firsts.count, range(5))) > len(RUNS) / 10


def test_the_same_moment_begins_at_the_same_entry() -> None:
    assert from_any_one(range(1000), NOW) == from_any_one(range(1000), NOW)


def test_nothing_waits() -> None:
    assert from_any_one([], NOW) == []

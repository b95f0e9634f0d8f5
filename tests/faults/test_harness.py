"""The harness itself: that it is repeats itself, leaves nothing out, and reads tables as boto3 does."""

from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from tests.faults.answers import Answer
from tests.faults.cloud import Cloud
from tests.faults.defects import DEFECTS
from tests.faults.explore import Explorer, Schedule, replay, sample
from tests.faults.faults import DELIVERY, Call
from tests.faults.hunting import Defect, hunt
from tests.faults.invariants import settled
from tests.faults.memory import Memory, NotRepeatable
from tests.faults.scenarios import SCENARIOS, begin
from tests.faults.template import ROOT
from tests.faults.world import Work

SCHEDULES = ("good", "out-of-stock", "cancel", "race", "unserved 8:-:deaf", "good 4:3:lost 4:5:late")


@pytest.fixture(scope="module")
def cloud() -> Iterator[Cloud]:
    made = Cloud()
    with made.running():
        yield made


@contextmanager
def nothing_remembered(cloud: Cloud) -> Iterator[None]:
    """Until the end of the block every function really runs, and moto is asked every time."""
    cloud.memory.used = cloud.tables.remembers = False
    try:
        yield
    finally:
        cloud.memory.used = cloud.tables.remembers = True


def ended(cloud: Cloud, schedule: str) -> Hashable:
    replay(cloud, Schedule.read(schedule), more=False)
    return cloud.fingerprint()


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_a_schedule_ends_alike_every_time(cloud: Cloud, schedule: str) -> None:
    assert ended(cloud, schedule) == ended(cloud, schedule)


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_tables_asked_directly_answer_as_they_do_over_http(
    cloud: Cloud, schedule: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    directly = ended(cloud, schedule)
    monkeypatch.setattr(cloud, "over_http", True)
    with nothing_remembered(cloud):
        assert ended(cloud, schedule) == directly


def test_a_moment_that_was_gone_back_to_goes_on_as_before(cloud: Cloud) -> None:
    begin(cloud, SCENARIOS["good"])
    for _ in range(5):
        cloud.step()
    moment, was = cloud.keep(), cloud.fingerprint()
    finish(cloud, "broken")
    cloud.restore(moment)
    assert cloud.fingerprint() == was
    finish(cloud, None)
    assert cloud.fingerprint() == ended(cloud, "good")


def finish(cloud: Cloud, of_tasks: str | None) -> None:
    while not cloud.idle:
        is_task = bool(cloud.world.pending) and cloud.world.pending[0].kind == "task"
        cloud.step([(DELIVERY, of_tasks)] if of_tasks and is_task else [])


def test_an_operators_line_in_the_audit_trail_is_no_part_of_a_moment_and_meets_no_fault(cloud: Cloud) -> None:
    begin(cloud, SCENARIOS["good"])
    points: list[str] = []
    while not cloud.idle:
        is_task = bool(cloud.world.pending) and cloud.world.pending[0].kind == "task"
        points += [point.what for point in cloud.step([(DELIVERY, "broken")] if is_task else []).points]
    assert cloud.world.resumptions
    assert cloud.items("AuditTrailTable") == []
    assert "OrdersApiFunction dynamodb:PutItem" in points
    assert "OrdersApiFunction dynamodb:TransactWriteItems" not in points


def every_first_event(cloud: Cloud, scenario: str) -> list[Schedule]:
    _, steps = replay(cloud, Schedule(scenario))
    return [
        Schedule(scenario, ((number, point.index, what),))
        for number, step in enumerate(steps)
        for point in step.points
        for what in (*point.actions, *point.faults)
    ]


def test_skipping_known_moments_and_invocations_loses_no_schedule_and_no_end(cloud: Cloud) -> None:
    """Runs each schedule of one event from its beginning."""
    explorer = Explorer(cloud, SCENARIOS["out-of-stock"])
    report = explorer.explore(1)
    schedules = [Schedule("out-of-stock"), *every_first_event(cloud, "out-of-stock")]
    assert report.schedules == len(schedules)
    with nothing_remembered(cloud):
        assert {ended(cloud, str(schedule)) for schedule in schedules} == explorer.ended


def test_pairs_run_from_their_beginning_end_where_the_exploration_ends(cloud: Cloud) -> None:
    explorer = Explorer(cloud, SCENARIOS["out-of-stock"])
    explorer.explore(2)
    drawn = [str(schedule) for schedule, _ in sample(cloud, SCENARIOS["out-of-stock"], 20, seed=1)]
    with nothing_remembered(cloud):
        assert {ended(cloud, schedule) for schedule in drawn} <= explorer.ended


def test_a_function_that_does_otherwise_than_before_is_refused() -> None:
    memory, first_calls = Memory(lambda: 0), iter(["GetItem", "GetItem", "Query"])

    def run(ask: Callable[[Call], Answer]) -> Answer:
        ask(Call("f", "dynamodb", next(first_calls), {}))
        return ask(Call("f", "dynamodb", "PutItem", {}))

    for answer, runs in (("found", 1), ("found", 1), ("nothing", 2)):
        memory.invoked("event", lambda _, answer=answer: Answer(answer), run)  # type: ignore[misc]
        assert memory.runs == runs
    with pytest.raises(NotRepeatable):
        memory.invoked("event", lambda _: Answer("gone"), run)


def test_a_dead_letter_that_a_function_wrote_itself_is_not_redriven_and_counts(cloud: Cloud) -> None:
    begin(cloud, SCENARIOS["good"])
    letter = Work("message", {"function": "", "message_id": "hopeless", "body": "{}"})
    cloud.world.dead_letters.append(letter)

    finish(cloud, None)

    assert cloud.world.dead_letters == [letter]
    assert any("dead letter after the last redrive" in problem for problem in settled(cloud))


@pytest.mark.parametrize(
    ("code", "printed", "found"),
    [(1, "schedule 'good'", True), (0, "", False), (1, "", False), (2, "", False)],
)
def test_a_defect_is_found_by_a_schedule_and_not_by_a_harness_that_breaks_off(
    monkeypatch: pytest.MonkeyPatch, code: int, printed: str, found: bool
) -> None:
    run = CompletedProcess([], code, printed, "Traceback")
    monkeypatch.setattr("tests.faults.hunting.subprocess.run", lambda *_, **__: run)
    monkeypatch.setattr("tests.faults.hunting._COPIED", ())
    monkeypatch.setattr(Defect, "plant", lambda *_: None)

    assert hunt(DEFECTS[0]) == (found, printed or "Traceback")


def test_every_defect_can_be_planted(tmp_path: Path) -> None:
    for defect in DEFECTS:
        copy = tmp_path / defect.file
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text((ROOT / defect.file).read_text())
        defect.plant(tmp_path)
    assert len({defect.name for defect in DEFECTS}) == len(DEFECTS) >= 12

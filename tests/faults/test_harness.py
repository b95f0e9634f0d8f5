"""The harness itself: that it is repeats itself, leaves nothing out, and reads tables as boto3 does."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.cloud import Cloud
from tests.faults.defects import DEFECTS
from tests.faults.explore import Explorer, Schedule, replay
from tests.faults.faults import DELIVERY
from tests.faults.scenarios import SCENARIOS, begin
from tests.faults.template import ROOT

SCHEDULES = ("good", "out-of-stock", "cancel", "race", "unserved 8:-:deaf", "good 4:3:lost 4:5:late")


@pytest.fixture(scope="module")
def cloud() -> Iterator[Cloud]:
    made = Cloud()
    with made.running():
        yield made


def ended(cloud: Cloud, schedule: str) -> str:
    replay(cloud, Schedule.read(schedule))
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


def test_skipping_known_moments_loses_no_schedule(cloud: Cloud) -> None:
    """Counts the schedules of one fault by running each of them from its beginning."""
    _, steps = replay(cloud, Schedule("out-of-stock"))
    places = [
        (number, point.index, what)
        for number, step in enumerate(steps)
        for point in step.points
        for what in (*point.actions, *point.faults)
    ]
    report = Explorer(cloud, SCENARIOS["out-of-stock"]).explore(1)
    assert report.schedules == 1 + len(places)


def test_every_defect_can_be_planted(tmp_path: Path) -> None:
    for defect in DEFECTS:
        copy = tmp_path / defect.file
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text((ROOT / defect.file).read_text())
        defect.plant(tmp_path)
    assert len({defect.name for defect in DEFECTS}) == len(DEFECTS) >= 12

"""Schedules from the command line: `python -m tests.faults --help`."""

import argparse
import multiprocessing
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed

from tests.faults.cloud import Cloud
from tests.faults.defects import DEFECTS
from tests.faults.explore import Explorer, Report, Schedule, outcome, replay
from tests.faults.hunting import hunt_all
from tests.faults.invariants import RULES
from tests.faults.memory import NotRepeatable
from tests.faults.scenarios import SCENARIOS

_SECONDS_BETWEEN_LINES = 20
# What the processes of a pool begin with: the shop, which has seen every single fault before.
_shop: Cloud | None = None


def _explored(scenario: str, most: int) -> Report:
    """All schedules of one scenario, with a line now and then."""
    assert _shop is not None
    began = said = time.monotonic()

    def progress(report: Report, first: int, firsts: int) -> None:
        nonlocal said
        if time.monotonic() - said > _SECONDS_BETWEEN_LINES:
            said = time.monotonic()
            print(
                f"    {scenario}, {said - began:.0f} s: {first} of {firsts} first events gone through, "
                f"{report.steps} steps, {len(report.violations)} violations",
                flush=True,
            )

    return Explorer(_shop, SCENARIOS[scenario], most_violations=3, progress=progress).explore(most)


def explore(scenarios: list[str], most: int, workers: int) -> int:
    """All schedules of up to `most` events; prints as it goes on. Returns the exit code."""
    global _shop  # noqa: PLW0603 - what forked processes find is what their parent had
    began = time.monotonic()
    total = Report()

    def show(name: str, report: Report) -> None:
        total.add(report)
        print(
            f"{time.monotonic() - began:6.0f} s  {name}: {report.schedules} schedules, {report.moments} moments, "
            f"{report.steps} steps, {len(report.violations)} violations",
            *report.violations,
            sep="\n",
            flush=True,
        )

    _shop = Cloud()
    with _shop.running():
        # One after the other, since what functions do is learnt once and known to all processes that follow.
        singles = {name: _explored(name, 1) for name in scenarios}
        if most == 1:
            for name, report in singles.items():
                show(name, report)
        else:
            # The longest first, so that no process waits long for the other at the end.
            names = sorted(scenarios, key=lambda name: -singles[name].steps)
            with ProcessPoolExecutor(workers, multiprocessing.get_context("fork")) as pool:
                jobs = {pool.submit(_explored, name, most): name for name in names}
                for job in as_completed(jobs):
                    show(jobs[job], job.result())
    print(
        f"\n{total.schedules} schedules of up to {most} events in {len(scenarios)} scenarios, "
        f"by {total.steps} steps from {total.moments} different moments; "
        f"{len(RULES)} rules on {total.ends} different ends ({total.checked} checks), six of them after every step; "
        f"{len(total.violations)} violations; {time.monotonic() - began:.0f} s"
    )
    for ended in sorted(total.outcomes):
        print(f"    orders may end {', '.join(ended)}")
    return 1 if total.violations else 0


def first(scenarios: list[str], most: int) -> int:
    """The first schedule of up to `most` events that does not hold, if any; 1 then.

    Nor does one hold in which a function does something else with the same input.
    """
    cloud = Cloud()
    with cloud.running():
        for name in scenarios:
            try:
                report = Explorer(cloud, SCENARIOS[name], most_violations=1).explore(most)
            except NotRepeatable as error:
                print(f"schedules {name!r}\n    a function does not repeat itself: {error}")
                return 1
            if report.violations:
                print(report.violations[0])
                return 1
    return 0


def show(text: str) -> int:
    """Replays one schedule and prints every step of it."""
    cloud = Cloud()
    with cloud.running():
        cloud.trace = print
        problems, _ = replay(cloud, Schedule.read(text))
        print(f"orders end {', '.join(outcome(cloud))}")
    for problem in problems:
        print(f"VIOLATION {problem}")
    return 1 if problems else 0


def main() -> int:
    """Runs the command."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description="The shop under every fault.")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, text in (
        ("singles", "every schedule of one event"),
        ("pairs", "every schedule of up to two events"),
        ("first", "the first schedule of up to --events events (1) that does not hold"),
    ):
        command = commands.add_parser(name, help=text)
        command.add_argument(
            "scenarios", nargs="*", choices=[*SCENARIOS, []], help="all, unless some are named"
        )
        command.add_argument("--workers", type=int, default=os.cpu_count() or 2)
    commands.choices["first"].add_argument("--events", type=int, default=1)
    commands.add_parser("replay", help="one schedule again").add_argument("schedule")
    defects = commands.add_parser("defects", help="whether each of the seeded defects is found")
    defects.add_argument("--workers", type=int, default=os.cpu_count() or 2)
    options = parser.parse_args()
    if options.command == "replay":
        return show(options.schedule)
    if options.command == "defects":
        return 1 if hunt_all(DEFECTS, options.workers) else 0
    scenarios = options.scenarios or list(SCENARIOS)
    if options.command == "first":
        return first(scenarios, options.events)
    return explore(scenarios, 1 if options.command == "singles" else 2, options.workers)


if __name__ == "__main__":
    sys.exit(main())

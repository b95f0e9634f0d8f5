"""Schedules from the command line: `python -m tests.faults --help`."""

import argparse
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed

from tests.faults.cloud import Cloud
from tests.faults.defects import hunt_all
from tests.faults.explore import Explorer, Report, Schedule, outcome, replay
from tests.faults.invariants import RULES
from tests.faults.scenarios import SCENARIOS

_SHARES = 8


def _explored(scenario: str, most: int, share: tuple[int, int]) -> Report:
    cloud = Cloud()
    with cloud.running():
        return Explorer(cloud, SCENARIOS[scenario], most_violations=3).explore(most, share)


def explore(scenarios: list[str], most: int, workers: int) -> int:
    """All schedules of up to `most` events, in several processes; prints as it goes on. Returns the exit code."""
    began = time.monotonic()
    total = Report()
    done = 0
    with ProcessPoolExecutor(workers) as pool:
        jobs = {
            pool.submit(_explored, name, most, (share, _SHARES)): (name, share)
            for name in scenarios
            for share in range(_SHARES)
        }
        for job in as_completed(jobs):
            name, share = jobs[job]
            report = job.result()
            # The schedule without events is in every share.
            report.schedules -= share > 0
            total.add(report)
            done += 1
            print(
                f"[{done}/{len(jobs)}] {time.monotonic() - began:6.0f} s  {name} {share + 1}/{_SHARES}: "
                f"{report.schedules} schedules, {report.moments} moments, {report.steps} steps, "
                f"{len(report.violations)} violations",
                flush=True,
            )
            for violation in report.violations:
                print(violation, flush=True)
    print(
        f"\n{total.schedules} schedules of up to {most} events in {len(scenarios)} scenarios, "
        f"by {total.steps} steps from {total.moments} different moments; "
        f"{len(RULES)} rules on {total.ends} different ends ({total.checked} checks), two of them after every step; "
        f"{len(total.violations)} violations; {time.monotonic() - began:.0f} s"
    )
    for ended in sorted(total.outcomes):
        print(f"    orders may end {', '.join(ended)}")
    return 1 if total.violations else 0


def first(scenarios: list[str]) -> int:
    """The first schedule of one event that does not hold, if any; 1 then."""
    cloud = Cloud()
    with cloud.running():
        for name in scenarios:
            report = Explorer(cloud, SCENARIOS[name], most_violations=1).explore(1)
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
        ("first", "the first schedule of one event that does not hold"),
    ):
        command = commands.add_parser(name, help=text)
        command.add_argument(
            "scenarios", nargs="*", choices=[*SCENARIOS, []], help="all, unless some are named"
        )
        command.add_argument("--workers", type=int, default=os.cpu_count() or 2)
    commands.add_parser("replay", help="one schedule again").add_argument("schedule")
    defects = commands.add_parser("defects", help="whether each of the seeded defects is found")
    defects.add_argument("--workers", type=int, default=os.cpu_count() or 2)
    options = parser.parse_args()
    if options.command == "replay":
        return show(options.schedule)
    if options.command == "defects":
        return 1 if hunt_all(options.workers) else 0
    scenarios = options.scenarios or list(SCENARIOS)
    if options.command == "first":
        return first(scenarios)
    return explore(scenarios, 1 if options.command == "singles" else 2, options.workers)


if __name__ == "__main__":
    sys.exit(main())

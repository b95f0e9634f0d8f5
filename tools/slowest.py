"""`python -m tools slowest`: the stages of the last `make test`, and the slowest tests of the last runs."""

import argparse
from collections import defaultdict
from collections.abc import Iterable

from tools.command_line import Subcommands, add_command, at_least
from tools.lanes import RUN
from tools.test_record import Timed, load

_SHOWN = 15


def register(subcommands: Subcommands) -> None:
    """Registers `slowest`."""
    parser = add_command(subcommands, "slowest", _slowest, description="show the slowest stages and tests")
    parser.add_argument(
        "--top", type=at_least(1), default=_SHOWN, metavar="N", help="how many of each to show"
    )


def _slowest(arguments: argparse.Namespace) -> int:
    runs = dict(load())
    if not runs:
        print("No run has left a record yet: `make test` does, and each target that tests a folder.")
        return 1
    print("  seconds   of a core")
    if stages := runs.pop(RUN, []):
        _show("Stages of the last `make test`", stages, len(stages))
    for folder, tests in runs.items():
        files: defaultdict[str, list[Timed]] = defaultdict(list)
        for test in tests:
            files[test.name.partition("::")[0]].append(test)
        _show(f"tests/{folder}: {len(tests)} tests", [_sum(folder, tests)], 1)
        _show("The slowest files", [_sum(file, its) for file, its in files.items()], arguments.top)
        _show("The slowest tests", tests, arguments.top)
    return 0


def _sum(name: str, parts: Iterable[Timed]) -> Timed:
    return sum(parts, Timed(name, 0.0, 0.0))


def _show(title: str, timed: list[Timed], top: int) -> None:
    print(f"\n{title}")
    for one in sorted(timed, key=lambda one: one.seconds, reverse=True)[:top]:
        print(f"{one.seconds:9.1f} {one.cpu_seconds:9.1f}   {one.name}")

"""`python -m tools lanes <target>...`: makes several targets side by side, and says how each ended.

Each line shows behind its target's name as soon as it is printed. The last lines of a target that failed come again at
the end, where one looks for them. Then come the times of all stages, which are the commands that the Makefile prints.
"""

import argparse
import os
import re
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from secrets import randbelow

from tools.command_line import Subcommands, add_command
from tools.settings import REPOSITORY
from tools.test_record import Timed, save

RUN = "lanes"
"""Names the record of the stages."""

_LINES_SHOWN = 60
_SECONDS_TO_END = 20
# They would tie each lane's make to the one that runs this.
_NOT_INHERITED = {"MAKEFLAGS", "MAKELEVEL", "MFLAGS"}
# What the Makefile prints before and after each command. A stage's name lacks the variables before the command.
_COMMAND = re.compile(r"\$ (?:\w+=\S+ )*(?P<command>.+)")
_TOOK = re.compile(r"took (?P<wall>[\d.]+) s, and (?P<user>[\d.]+) \+ (?P<system>[\d.]+) s of a core")


@dataclass
class Lane:
    """A target of the Makefile that is being made, in a process group of its own."""

    target: str
    environment: dict[str, str]
    started: float = field(default_factory=time.monotonic)
    lines: deque[str] = field(default_factory=lambda: deque(maxlen=_LINES_SHOWN))
    stages: list[Timed] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._command = ""
        self._process = subprocess.Popen(
            ["make", self.target],
            cwd=REPOSITORY,
            env={name: value for name, value in os.environ.items() if name not in _NOT_INHERITED}
            | {"PYTHONUNBUFFERED": "1"}
            | self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._show, daemon=True)
        self._reader.start()

    def wait(self) -> int:
        """Waits for its end; returns its exit code."""
        self._reader.join()
        return self._process.wait()

    def end(self) -> None:
        """Ends the target with its child processes, unless it has ended."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGTERM)
            self._process.wait(_SECONDS_TO_END)

    def _show(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.lines.append(line)
            self._note(line)
            print(f"{self.target:<8} | {line}", end="", flush=True)
        self.seconds = time.monotonic() - self.started

    def _note(self, line: str) -> None:
        if printed := _COMMAND.match(line):
            self._command = printed["command"].strip()
        elif took := _TOOK.match(line):
            used = float(took["user"]) + float(took["system"])
            self.stages.append(Timed(self._command, float(took["wall"]), used))


def register(subcommands: Subcommands) -> None:
    """Registers `lanes`."""
    parser = add_command(subcommands, "lanes", _lanes, description="make several targets side by side")
    parser.add_argument("targets", nargs="+", metavar="target", help="a target of the Makefile")


def _lanes(arguments: argparse.Namespace) -> int:
    seed = os.environ.get("SEED") or str(randbelow(100_000))
    lanes = [Lane(target, {"SEED": seed}) for target in arguments.targets]
    try:
        codes = [lane.wait() for lane in lanes]
    finally:
        for lane in lanes:
            lane.end()
    save(RUN, [stage for lane in lanes for stage in lane.stages])
    for lane, code in zip(lanes, codes, strict=True):
        if code:
            print(f"\n--- last lines of {lane.target} ---\n{''.join(lane.lines)}---")
    print()
    for lane, code in zip(lanes, codes, strict=True):
        verdict = f"failed (exit code {code})" if code else "passed"
        print(f"{lane.target:<8} {verdict} after {_minutes(lane.seconds)}")
        print("\n".join(_table(lane.stages)))
    print(f"\nThe tests ran in the order of SEED={seed}. `make slowest` shows the slowest of them.")
    return max(codes, key=abs)


def _minutes(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02} s"


def _table(stages: list[Timed]) -> Iterator[str]:
    for stage in stages:
        yield f"  {stage.seconds:6.1f} s   {stage.name}"

"""`python -m tools lanes <target>...`: makes several targets side by side, and says how each ended.

Each line shows behind its target's name as soon as it is printed. The last lines of a target that failed come again at
the end, where one looks for them.
"""

import argparse
import os
import signal
import subprocess
import threading
import time
from collections import deque
from dataclasses import dataclass, field

from tools.command_line import Subcommands, add_command
from tools.settings import REPOSITORY

_LINES_SHOWN = 60
_SECONDS_TO_END = 20
# They would tie each lane's make to the one that runs this.
_NOT_INHERITED = {"MAKEFLAGS", "MAKELEVEL", "MFLAGS"}


@dataclass
class Lane:
    """A target of the Makefile that is being made, in a process group of its own."""

    target: str
    started: float = field(default_factory=time.monotonic)
    last_lines: deque[str] = field(default_factory=lambda: deque(maxlen=_LINES_SHOWN))

    def __post_init__(self) -> None:
        self._process = subprocess.Popen(
            ["make", self.target],
            cwd=REPOSITORY,
            env={name: value for name, value in os.environ.items() if name not in _NOT_INHERITED}
            | {"PYTHONUNBUFFERED": "1"},
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
            self.last_lines.append(line)
            print(f"{self.target:<8} | {line}", end="", flush=True)
        self.seconds = time.monotonic() - self.started


def register(subcommands: Subcommands) -> None:
    """Registers `lanes`."""
    parser = add_command(subcommands, "lanes", _lanes, description="make several targets side by side")
    parser.add_argument("targets", nargs="+", metavar="target", help="a target of the Makefile")


def _lanes(arguments: argparse.Namespace) -> int:
    lanes = [Lane(target) for target in arguments.targets]
    try:
        codes = [lane.wait() for lane in lanes]
    finally:
        for lane in lanes:
            lane.end()
    for lane, code in zip(lanes, codes, strict=True):
        if code:
            print(f"\n--- last lines of {lane.target} ---\n{''.join(lane.last_lines)}---")
    print()
    for lane, code in zip(lanes, codes, strict=True):
        minutes, seconds = divmod(round(lane.seconds), 60)
        verdict = f"failed (exit code {code})" if code else "passed"
        print(f"{lane.target:<8} {verdict} after {minutes} min {seconds:02} s")
    return max(codes, key=abs)

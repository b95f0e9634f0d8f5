"""Prints one line for each step with the time it took; on failure, the error and what to do about it."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tools.settings import REPOSITORY

_LINES_SHOWN = 25
_SECONDS_BETWEEN_REPORTS = 5


class StepError(Exception):
    """A step failed: the message says why, `advice` says what to do, and `log` has the details."""

    def __init__(self, what: str, advice: str, log: Path | None = None) -> None:
        super().__init__(what)
        self.advice = advice
        self.log = log

    def explain(self) -> str:
        """The text for a terminal: the last lines of the log, the error, the advice."""
        parts = []
        if self.log is not None:
            name = self.log.relative_to(REPOSITORY)
            parts.append(f"--- last lines of {name} ---\n{tail(self.log)}\n---")
        parts.append(f"{self}\n{self.advice}")
        return "\n".join(parts)


class Step:
    """The step that is running; a note on it is printed behind its name."""

    def __init__(self) -> None:
        self.remark = ""

    def note(self, remark: str) -> None:
        """Notes the result of the step, for example that nothing has changed."""
        self.remark = remark


class Progress:
    """Reports the progress of long work every few seconds; short work stays silent."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._reported_at = time.monotonic()

    def report(self, how_far: str) -> None:
        """Prints it, unless the last report is only seconds old."""
        if time.monotonic() - self._reported_at >= _SECONDS_BETWEEN_REPORTS:
            self._say(how_far)
            self._reported_at = time.monotonic()


@contextmanager
def step(title: str) -> Iterator[Step]:
    """Prints `title` when the block starts, and the seconds it took when it ends."""
    started = time.monotonic()
    print(f"  {title:<43} ", end="", flush=True)
    running = Step()
    try:
        yield running
    except BaseException:
        print(f"failed after {time.monotonic() - started:.1f} s", flush=True)
        raise
    remark = f"   {running.remark}" if running.remark else ""
    print(f"{time.monotonic() - started:6.1f} s{remark}", flush=True)


def run(command: Sequence[str | Path], *, log: Path, environment: Mapping[str, str], advice: str) -> None:
    """Runs `command` at the repository's root with its output in `log`; raises StepError with `advice` if it fails."""
    log.parent.mkdir(exist_ok=True)
    with log.open("wb") as output:
        finished = subprocess.run(
            [str(part) for part in command],
            cwd=REPOSITORY,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            check=False,
        )
    if finished.returncode:
        shown = " ".join(Path(command[0]).name if part is command[0] else str(part) for part in command)
        raise StepError(f"`{shown}` ended with exit code {finished.returncode}.", advice, log)


def tail(log: Path, lines: int = _LINES_SHOWN) -> str:
    """The last lines of a log, or "(empty)"."""
    if not log.exists():
        return "(no log)"
    text = log.read_text(errors="replace").rstrip().splitlines()[-lines:]
    return "\n".join(text) or "(empty)"


def fail(error: StepError) -> int:
    """Prints the error on the terminal; returns the exit code to end with."""
    print(f"\n{error.explain()}", file=sys.stderr)
    return 1

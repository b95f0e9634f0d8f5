"""Prints what is being done, one line a step with the time it took, and on failure what went wrong and what to do."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tools.settings import REPOSITORY

_LINES_SHOWN = 25
_SECONDS_BETWEEN_WORDS = 5


class StepError(Exception):
    """A step that could not be done: what is wrong, what to do about it, and the log that tells more."""

    def __init__(self, what: str, advice: str, log: Path | None = None) -> None:
        super().__init__(what)
        self.advice = advice
        self.log = log

    def explain(self) -> str:
        """The whole story for a terminal: the last lines of the log, what is wrong, what to do."""
        parts = []
        if self.log is not None:
            name = self.log.relative_to(REPOSITORY)
            parts.append(f"--- last lines of {name} ---\n{tail(self.log)}\n---")
        parts.append(f"{self}\n{self.advice}")
        return "\n".join(parts)


class Step:
    """The step that is running; a note made on it is printed behind its name."""

    def __init__(self) -> None:
        self.remark = ""

    def note(self, remark: str) -> None:
        """Says how the step turned out, for example that there was nothing to do."""
        self.remark = remark


class Progress:
    """Says how far long work is, every few seconds; nothing of work that is done sooner."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._said = time.monotonic()

    def tell(self, how_far: str) -> None:
        """Says it, unless something was said just now."""
        if time.monotonic() - self._said >= _SECONDS_BETWEEN_WORDS:
            self._say(how_far)
            self._said = time.monotonic()


@contextmanager
def step(title: str) -> Iterator[Step]:
    """Prints `title` when the block starts, and the seconds it took when it ends."""
    started = time.monotonic()
    print(f"  {title:<44}", end="", flush=True)
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
    """The last lines of a log, or a word that it is empty."""
    if not log.exists():
        return "(no log)"
    text = log.read_text(errors="replace").rstrip().splitlines()[-lines:]
    return "\n".join(text) or "(empty)"


def fail(error: StepError) -> int:
    """Prints the error for whoever sits at the terminal; the exit code to end with."""
    print(f"\n{error.explain()}", file=sys.stderr)
    return 1

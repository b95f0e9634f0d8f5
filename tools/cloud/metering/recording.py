"""The recording: facts in the order in which they happened, and who calls AWS just now."""

import json
from contextvars import ContextVar
from typing import Any

PATH = "/_cartwright/metering"

TOOLS = "tools"
"""The caller that is none of the system's own: a test, a tool, a client of the shop."""

caller: ContextVar[str] = ContextVar("caller", default="")
"""The physical name of the function or the state machine that does what is at hand; or `TOOLS`; empty if unknown."""

# The recording that runs, if one does. Appending to a list is safe from every thread.
_running: list[list[str]] = []


def is_on() -> bool:
    """Whether facts are recorded."""
    return bool(_running)


def begin() -> None:
    """Begins a new, empty recording."""
    _running[:] = [[]]


def end() -> None:
    """Ends the recording and forgets it."""
    _running.clear()


def record(kind: str, **fact: Any) -> None:
    """Records a fact as it is now: later changes of its parts do not matter."""
    for facts in _running:
        facts.append(json.dumps({"kind": kind, **fact}, separators=(",", ":"), default=str))


def so_far() -> list[str]:
    """The facts so far, each as JSON."""
    return [fact for facts in _running for fact in facts]

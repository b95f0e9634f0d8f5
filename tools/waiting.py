"""Waits for a condition, with a deadline and a clear message if the condition never comes true."""

import time
from collections.abc import Callable

_POLL_SECONDS = 0.1


class NotInTime(Exception):
    """The condition did not come true in time; the message names it."""


def wait_for[T](condition: Callable[[], T | None], what: str, *, seconds: float) -> T:
    """Asks `condition` until its answer is true, and returns that answer; raises NotInTime after `seconds`."""
    deadline = time.monotonic() + seconds
    while not (answer := condition()):
        if time.monotonic() > deadline:
            raise NotInTime(f"waited {seconds:.0f} s in vain for {what}")
        time.sleep(_POLL_SECONDS)
    return answer

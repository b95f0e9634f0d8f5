"""Waiting for a condition, with a deadline and a clear word when it does not come about."""

import time
from collections.abc import Callable

_POLL_SECONDS = 0.1


class NotInTime(Exception):
    """What was waited for did not come about."""


def wait_for[T](condition: Callable[[], T | None], what: str, *, seconds: float) -> T:
    """Asks `condition` until it answers with something true, and returns that; raises NotInTime after `seconds`."""
    deadline = time.monotonic() + seconds
    while not (answer := condition()):
        if time.monotonic() > deadline:
            raise NotInTime(f"waited {seconds:.0f} s in vain for {what}")
        time.sleep(_POLL_SECONDS)
    return answer

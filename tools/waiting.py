"""Waits for a condition, with a deadline and a clear message if the condition never comes true."""

import time
from collections.abc import Callable

_POLL_SECONDS = 0.1
# Each call of AWS travels, and what follows from a change takes longer there than in the embedded cloud.
_TIMES_AS_LONG_ON_AWS = 4
_POLL_SECONDS_ON_AWS = 1.0
# Each question costs both sides, so a pause is a tenth of the wait so far if that is longer.
_OF_THE_WAIT = 10

_pace = {"times": 1.0, "poll": _POLL_SECONDS}


class NotInTime(Exception):
    """The condition did not come true in time; the message names it."""


def be_patient() -> None:
    """From now on, every wait of this process has a deadline and pauses that suit a stack on AWS."""
    _pace.update(times=_TIMES_AS_LONG_ON_AWS, poll=_POLL_SECONDS_ON_AWS)


def wait_for[T](condition: Callable[[], T | None], what: str, *, seconds: float) -> T:
    """Asks `condition` until its answer is true, and returns that answer; raises NotInTime after `seconds`.

    After `be_patient` it waits longer than `seconds`.
    """
    seconds *= _pace["times"]
    began = time.monotonic()
    while not (answer := condition()):
        waited = time.monotonic() - began
        if waited > seconds:
            raise NotInTime(f"waited {seconds:.0f} s in vain for {what}")
        time.sleep(max(_pace["poll"], waited / _OF_THE_WAIT))
    return answer

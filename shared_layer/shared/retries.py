"""Trying again after a random wait, whose ceiling doubles with each try: full jitter.

https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/
"""

import random
import time
from collections.abc import Callable

_FIRST_WAIT_SECONDS = 0.05
_LONGEST_WAIT_SECONDS = 0.5


def retried[Result](attempt: Callable[[], Result], *, on: type[Exception], attempts: int) -> Result:
    """The result of `attempt`, which is tried up to `attempts` times as long as it raises `on`.

    Raises the other exceptions of `attempt` at once. Seven attempts wait for 1.75 s in all at most.
    """
    for tries in range(attempts - 1):
        try:
            return attempt()
        except on:
            ceiling = min(_LONGEST_WAIT_SECONDS, _FIRST_WAIT_SECONDS * 2**tries)
            time.sleep(random.uniform(0, ceiling))  # noqa: S311 - no secret
    return attempt()

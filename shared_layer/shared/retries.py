"""Trying again after a random wait, whose ceiling doubles with each try: full jitter.

https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/
"""

import time
from collections.abc import Callable

_FIRST_WAIT_SECONDS = 0.05
_LONGEST_WAIT_SECONDS = 0.5


def retried[Result](attempt: Callable[[], Result], *, on: type[Exception], attempts: int) -> Result:
    """The result of `attempt`, which is tried up to `attempts` times as long as it raises `on`.

    Raises the other exceptions of `attempt` at once. Seven attempts wait for 1.75 s in all at most.
    """
    try:
        return attempt()
    except on as error:
        first_error = [error]

    def next_attempt() -> Result:
        if first_error:
            raise first_error.pop()
        return attempt()

    # It loads asyncio. Few calls need a second try, and every function would load it at its start.
    from tenacity import (  # noqa: PLC0415
        Retrying,
        retry_if_exception_type,
        stop_after_attempt,
        wait_random_exponential,
    )

    again = Retrying(
        retry=retry_if_exception_type(on),
        wait=wait_random_exponential(multiplier=_FIRST_WAIT_SECONDS, max=_LONGEST_WAIT_SECONDS),
        stop=stop_after_attempt(attempts),
        sleep=time.sleep,
        reraise=True,
    )
    return again(next_attempt)

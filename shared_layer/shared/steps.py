"""Running a step of a state machine: its cause, its logs and its metrics."""

import time
from collections.abc import Callable
from typing import Any

from shared.cause import caused_by
from shared.errors import PermanentError
from shared.observability import count, logger
from shared.validation import without_values


class UnknownStep(PermanentError):
    """The state names a step that this function does not have."""


def performed(work: Callable[[], dict[str, Any]], *, cause: str, **about: str | None) -> dict[str, Any]:
    """The result of a step's `work`; logs it with the keys `about` it, and counts it.

    Raises the errors of `work` as they are, because the state machine retries and catches them by class name."""
    with caused_by(cause, **about):
        started = time.perf_counter()
        try:
            result = work()
        except Exception as error:
            logger.warning(
                "step failed",
                error=type(error).__name__,
                reason=str(without_values(error)),
                duration_ms=_since(started),
            )
            count("StepFailed")
            raise
        logger.info("step done", duration_ms=_since(started), **result)
        return result


def _since(started: float) -> int:
    """Milliseconds since a reading of the performance counter."""
    return round((time.perf_counter() - started) * 1000)

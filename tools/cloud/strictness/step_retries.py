"""Step Functions waits between a step's tries as the retrier says. MiniStack ignores the longest wait and the jitter.

https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html#error-handling-retrying-after-an-error
"""

import random
from typing import Any

# MiniStack is in the embedded cloud's own environment, where the type checker does not look.
from ministack.services import stepfunctions  # type: ignore[import-not-found]


def install() -> None:
    """Hands MiniStack each retrier with the wait that is due now."""
    find = stepfunctions._find_matching_retrier

    def find_retrier(retriers: list[dict[str, Any]], error: str, tries: dict[int, int]) -> Any:
        retrier, position = find(retriers, error, tries)
        if retrier is None:
            return retrier, position
        wait = retrier.get("IntervalSeconds", 1) * retrier.get("BackoffRate", 2.0) ** tries.get(position, 0)
        wait = min(wait, retrier.get("MaxDelaySeconds", wait))
        if retrier.get("JitterStrategy") == "FULL":
            wait = random.uniform(0, wait)  # noqa: S311 # nosec B311 - a wait, no secret
        return {**retrier, "IntervalSeconds": wait, "BackoffRate": 1}, position

    stepfunctions._find_matching_retrier = find_retrier

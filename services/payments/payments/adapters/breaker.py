"""A circuit breaker: while the provider gives no answers, calls fail at once instead of each waiting in vain.

It lives as long as its execution environment and knows only the calls of that one. Functions share no breaker.
"""

import time
from collections.abc import Callable

from payments.domain.payment import ProviderUnavailable
from shared.observability import count

# Calls, each of several tries. One order's failures do not open it: answered calls of other orders come in between.
_FAILURES = 5
# Shorter than the state machine's retries of a step take, so that an order is seldom lost to a provider that is back.
_REST_SECONDS = 5.0


class CircuitBreaker:
    """Opens for `rest` seconds after `failures` calls in a row without an answer; then one call may probe.

    An answered probe closes it, a failed probe opens it again. A probe without an outcome (its function was killed)
    counts as failed: another may follow `rest` seconds later. `clock` gives seconds.
    """

    def __init__(
        self,
        *,
        failures: int = _FAILURES,
        rest: float = _REST_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limit = failures
        self._rest = rest
        self._clock = clock
        self._failures = 0
        self._probe_at = 0.0

    def admit(self) -> None:
        """Lets a call pass, or raises ProviderUnavailable while the circuit is open."""
        if self._failures < self._limit:
            return
        now = self._clock()
        if now < self._probe_at:
            count("ProviderCallsSpared")
            raise ProviderUnavailable(f"not asked: {self._failures} calls in a row had no answer")
        self._probe_at = now + self._rest

    def answered(self) -> None:
        """Reports that a call had an answer, be it a refusal."""
        self._failures = 0

    def unanswered(self) -> None:
        """Reports that a call had no answer, despite its retries."""
        self._failures += 1
        if self._failures == self._limit:
            count("ProviderCircuitOpened")
        if self._failures >= self._limit:
            self._probe_at = self._clock() + self._rest

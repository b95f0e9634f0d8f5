"""The circuit breaker, on a clock that the test moves."""

import pytest

from payments.adapters.breaker import CircuitBreaker
from payments.domain.payment import ProviderUnavailable


class Clock:
    """Seconds, as the test wants them."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> CircuitBreaker:
    return CircuitBreaker(failures=3, rest=10.0, clock=clock)


def admits(breaker: CircuitBreaker) -> bool:
    try:
        breaker.admit()
    except ProviderUnavailable:
        return False
    return True


def fail(breaker: CircuitBreaker, times: int) -> None:
    for _ in range(times):
        breaker.unanswered()


def test_it_opens_after_that_many_failures_in_a_row(breaker: CircuitBreaker) -> None:
    fail(breaker, 2)
    assert admits(breaker)
    fail(breaker, 1)
    assert not admits(breaker)


def test_an_answer_in_between_starts_the_count_again(breaker: CircuitBreaker) -> None:
    fail(breaker, 2)
    breaker.answered()
    fail(breaker, 2)
    assert admits(breaker)


def test_after_the_rest_one_call_may_probe(breaker: CircuitBreaker, clock: Clock) -> None:
    fail(breaker, 3)
    clock.now += 9.9
    assert not admits(breaker)
    clock.now += 0.1
    assert admits(breaker)
    assert not admits(breaker)


def test_an_answered_probe_closes_it(breaker: CircuitBreaker, clock: Clock) -> None:
    fail(breaker, 3)
    clock.now += 10
    assert admits(breaker)
    breaker.answered()
    assert admits(breaker)
    fail(breaker, 2)
    assert admits(breaker)


def test_a_failed_probe_opens_it_again_for_the_whole_rest(breaker: CircuitBreaker, clock: Clock) -> None:
    fail(breaker, 3)
    clock.now += 10
    assert admits(breaker)
    clock.now += 8
    fail(breaker, 1)
    clock.now += 9.9
    assert not admits(breaker)
    clock.now += 0.1
    assert admits(breaker)


def test_a_probe_that_is_never_heard_of_does_not_keep_it_open(breaker: CircuitBreaker, clock: Clock) -> None:
    fail(breaker, 3)
    clock.now += 10
    assert admits(breaker)
    clock.now += 10
    assert admits(breaker)

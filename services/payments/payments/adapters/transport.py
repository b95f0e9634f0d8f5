"""HTTP to the payment provider: form-encoded requests, JSON answers, retries, and timeouts.

A request without a usable answer is repeated with full jitter, or after the provider's Retry-After, until its deadline.
That is safe: a request that changes something carries an Idempotency-Key, and the others change nothing.

Retries at the provider: https://docs.stripe.com/error-low-level, versions: https://docs.stripe.com/api/versioning
"""

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import requests
from tenacity import RetryCallState, Retrying, retry_if_exception_type

from payments.adapters.breaker import CircuitBreaker
from payments.domain.payment import ProviderUnavailable
from shared.observability import count, logger

# Pinned, so that no setting of the account changes the shape of the answers.
API_VERSION = "2024-06-20"

_MAX_ATTEMPTS = 4
_FIRST_BACKOFF_SECONDS = 0.2
_LONGEST_BACKOFF_SECONDS = 2.0
_WORTH_A_RETRY = {HTTPStatus.CONFLICT, HTTPStatus.TOO_MANY_REQUESTS}
# Below this a request has no fair chance of an answer.
_SHORTEST_CALL_SECONDS = 0.25


@dataclass(frozen=True)
class Timeouts:
    """How long the client waits, in seconds. `budget` is for one operation as a whole; `lookup` is the part of it that
    is left for reading the intent. A saga step makes two operations: twice `budget` must stay below its timeout."""

    connect: float = 2.0
    read: float = 3.5
    budget: float = 8.0
    lookup: float = 2.5


@dataclass(frozen=True)
class Answer:
    """The provider's answer to a request."""

    status: int
    body: dict[str, Any]

    @property
    def ok(self) -> bool:
        """Whether the provider did the command."""
        return self.status == HTTPStatus.OK


class _NoAnswer(ProviderUnavailable):
    """One try without a usable answer; `retry_after` is the wait that the provider asks for, in seconds."""

    def __init__(self, reason: str, retry_after: float = 0.0) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


class Transport:
    """Sends requests to the provider at `base_url`.

    `api_key` is called for every request, and should cache the key. `renewed_api_key` reads it again: if the provider
    refuses a key that was rotated meanwhile, the request is repeated with the new one. Tests set `clock`, `sleep` and
    `jitter`, which picks a number between its two arguments.
    """

    def __init__(
        self,
        base_url: str,
        api_key: Callable[[], str],
        *,
        renewed_api_key: Callable[[], str] | None = None,
        timeouts: Timeouts | None = None,
        breaker: CircuitBreaker | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        jitter: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self.timeouts = timeouts or Timeouts()
        self.breaker = breaker or CircuitBreaker(clock=clock)
        self._base_url = base_url.rstrip("/")
        self._api_key = api_key
        self._renewed_api_key = renewed_api_key or api_key
        self._clock = clock
        self._sleep = sleep
        self._jitter = jitter
        self._session = requests.Session()

    def deadline(self) -> float:
        """The end of an operation that begins now, on this transport's clock."""
        return self._clock() + self.timeouts.budget

    def send(
        self,
        method: str,
        path: str,
        *,
        ends_at: float,
        form: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
        idempotency_key: str | None = None,
    ) -> Answer:
        """Sends the request until the answer is other than "try again"; raises ProviderUnavailable at `ends_at`."""
        headers = {"Stripe-Version": API_VERSION}
        if idempotency_key:
            headers["Idempotency-Key"] = idempotency_key
        request = requests.Request(method, self._base_url + path, headers, data=form, params=query)
        key = self._api_key()
        answer = self._answered(request, path, key, ends_at)
        if answer.status == HTTPStatus.UNAUTHORIZED and (renewed := self._renewed_api_key()) != key:
            logger.info("the provider's key was rotated", path=path)
            return self._answered(request, path, renewed, ends_at)
        return answer

    def _answered(self, request: requests.Request, path: str, key: str, ends_at: float) -> Answer:
        request.headers["Authorization"] = f"Bearer {key}"
        try:
            answer = self._retrying(path, ends_at)(self._try_once, request, ends_at)
        except _NoAnswer as error:
            self.breaker.unanswered()
            raise ProviderUnavailable(f"{request.method} {path}: {error}") from error
        self.breaker.answered()
        return answer

    def _retrying(self, path: str, ends_at: float) -> Retrying:
        def wait(state: RetryCallState) -> float:
            """Full jitter (https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/)."""
            error = state.outcome.exception() if state.outcome else None
            asked = error.retry_after if isinstance(error, _NoAnswer) else 0.0
            ceiling = min(_LONGEST_BACKOFF_SECONDS, _FIRST_BACKOFF_SECONDS * 2 ** (state.attempt_number - 1))
            return max(asked, self._jitter(0.0, ceiling))

        def stop(state: RetryCallState) -> bool:
            next_try_at = self._clock() + state.upcoming_sleep
            return state.attempt_number >= _MAX_ATTEMPTS or next_try_at + _SHORTEST_CALL_SECONDS > ends_at

        def before_sleep(state: RetryCallState) -> None:
            error = state.outcome.exception() if state.outcome else None
            logger.warning(
                "provider call is repeated", path=path, attempt=state.attempt_number, reason=str(error)
            )
            count("ProviderRetries")

        return Retrying(
            retry=retry_if_exception_type(_NoAnswer),
            wait=wait,
            stop=stop,
            before_sleep=before_sleep,
            sleep=self._sleep,
            reraise=True,
        )

    def _try_once(self, request: requests.Request, ends_at: float) -> Answer:
        left = max(ends_at - self._clock(), _SHORTEST_CALL_SECONDS)
        try:
            response = self._session.request(
                request.method,
                request.url,
                params=request.params,
                data=request.data,
                headers=request.headers,
                timeout=(min(self.timeouts.connect, left), min(self.timeouts.read, left)),
                allow_redirects=False,
            )
        except requests.RequestException as error:
            raise _NoAnswer(type(error).__name__) from error
        if _is_retryable(response):
            raise _NoAnswer(f"HTTP {response.status_code}", _retry_after(response))
        try:
            body = response.json()
        except requests.JSONDecodeError as error:
            raise _NoAnswer(f"HTTP {response.status_code} without JSON") from error
        if not isinstance(body, dict):
            raise _NoAnswer(f"HTTP {response.status_code} without an object")
        return Answer(response.status_code, body)


def _is_retryable(response: requests.Response) -> bool:
    """Whether the provider asks for a retry: our key is in use, requests are too many, or the provider failed."""
    return response.status_code in _WORTH_A_RETRY or response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR


def _retry_after(response: requests.Response) -> float:
    """The seconds in Retry-After, or 0 without one. This provider sends no dates there."""
    try:
        return max(0.0, float(response.headers.get("Retry-After", "0")))
    except ValueError:
        return 0.0

"""The payment provider over HTTP: Stripe's payment-intents API, form-encoded requests and JSON answers.

Every request carries an Idempotency-Key, so sending one again is safe, and each is bounded in time: a call that gave no
usable answer is repeated with full jitter, or after the provider's Retry-After, as long as its budget lasts.

The API: https://docs.stripe.com/api/payment_intents, its retries: https://docs.stripe.com/error-low-level
"""

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import requests
from tenacity import RetryCallState, Retrying, retry_if_exception_type

from payments.domain import CardDeclined, PaymentRefused, ProviderUnavailable
from shared.money import Money
from shared.observability import count, logger

_MAX_ATTEMPTS = 4
_FIRST_BACKOFF_SECONDS = 0.2
_LONGEST_BACKOFF_SECONDS = 2.0
_WORTH_A_RETRY = {HTTPStatus.CONFLICT, HTTPStatus.TOO_MANY_REQUESTS}
# Below this a request has no fair chance of an answer.
_SHORTEST_CALL_SECONDS = 0.25


@dataclass(frozen=True)
class Patience:
    """How long the client waits, in seconds. A step makes at most two calls, so twice `budget` must stay below the
    function's timeout."""

    connect: float = 2.0
    read: float = 3.5
    budget: float = 8.0


class _NoAnswer(ProviderUnavailable):
    """One try brought no usable answer; `retry_after` is how long the provider asks to wait, in seconds."""

    def __init__(self, reason: str, retry_after: float = 0.0) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


class Provider:
    """A client of the provider at `base_url`.

    `api_key` is called for every request, and is expected to remember the key. `clock`, `sleep` and `jitter` (which
    picks a number between its two arguments) are there for tests.
    """

    def __init__(
        self,
        base_url: str,
        api_key: Callable[[], str],
        *,
        patience: Patience | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        jitter: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._api_key = api_key
        self._patience = patience or Patience()
        self._clock = clock
        self._sleep = sleep
        self._jitter = jitter
        self._session = requests.Session()

    def open(
        self, amount: Money, payment_method: str, metadata: Mapping[str, str], idempotency_key: str
    ) -> str:
        """Opens an intent to pay `amount` and returns its reference; no money is held until it is confirmed.

        Raises CardDeclined when the means of payment is unknown, PaymentRefused, ProviderUnavailable.
        """
        form = {
            "amount": str(amount.amount),
            "currency": amount.currency.lower(),
            "payment_method": payment_method,
            "payment_method_types[]": "card",
            "capture_method": "manual",
            **{f"metadata[{name}]": value for name, value in metadata.items()},
        }
        intent = _accepted(self._call("POST", "/v1/payment_intents", form, idempotency_key))
        return str(intent["id"])

    def confirm(self, reference: str, idempotency_key: str) -> None:
        """Holds the money of an open intent.

        Raises CardDeclined, also where the card's bank wants the customer to take part, since nobody is there to;
        PaymentRefused; ProviderUnavailable, after which the money may or may not be held.
        """
        answer = self._call(
            "POST", f"{_path(reference)}/confirm", {"error_on_requires_action": "true"}, idempotency_key
        )
        intent = _accepted(answer)
        if intent["status"] != "requires_capture":
            raise PaymentRefused(f"intent {reference} is {intent['status']} after its confirmation")

    def cancel(self, reference: str, idempotency_key: str) -> None:
        """Releases what the intent holds and closes it for good: a confirmation that arrives later fails.

        An intent that was cancelled before is fine. Raises PaymentRefused when it cannot be cancelled (its money was
        captured, or the provider does not know it), ProviderUnavailable.
        """
        answer = self._call(
            "POST", f"{_path(reference)}/cancel", {"cancellation_reason": "abandoned"}, idempotency_key
        )
        if answer.status == HTTPStatus.OK and answer.body.get("status") == "canceled":
            return
        status = _accepted(self._call("GET", _path(reference))).get("status")
        if status != "canceled":
            raise PaymentRefused(f"intent {reference} cannot be cancelled: it is {status}")

    def _call(
        self,
        method: str,
        path: str,
        form: Mapping[str, str] | None = None,
        idempotency_key: str | None = None,
    ) -> "_Answer":
        """Sends the request until it is answered with anything but "try again"; raises ProviderUnavailable."""
        ends_at = self._clock() + self._patience.budget

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

        retrying = Retrying(
            retry=retry_if_exception_type(_NoAnswer),
            wait=wait,
            stop=stop,
            before_sleep=before_sleep,
            sleep=self._sleep,
            reraise=True,
        )
        try:
            return retrying(self._try_once, method, path, form, idempotency_key, ends_at)
        except _NoAnswer as error:
            raise ProviderUnavailable(f"{method} {path}: {error}") from error

    def _try_once(
        self,
        method: str,
        path: str,
        form: Mapping[str, str] | None,
        idempotency_key: str | None,
        ends_at: float,
    ) -> "_Answer":
        left = max(ends_at - self._clock(), _SHORTEST_CALL_SECONDS)
        headers = {"Authorization": f"Bearer {self._api_key()}"}
        if idempotency_key:
            headers["Idempotency-Key"] = idempotency_key
        try:
            response = self._session.request(
                method,
                self._base_url + path,
                data=form,
                headers=headers,
                timeout=(min(self._patience.connect, left), min(self._patience.read, left)),
                allow_redirects=False,
            )
        except requests.RequestException as error:
            raise _NoAnswer(type(error).__name__) from error
        if _says_try_again(response):
            raise _NoAnswer(f"HTTP {response.status_code}", _retry_after(response))
        try:
            body = response.json()
        except requests.JSONDecodeError as error:
            raise _NoAnswer(f"HTTP {response.status_code} without JSON") from error
        if not isinstance(body, dict):
            raise _NoAnswer(f"HTTP {response.status_code} without an object")
        return _Answer(response.status_code, body)


@dataclass(frozen=True)
class _Answer:
    """What the provider said, once it said something."""

    status: int
    body: dict[str, Any]


def _path(reference: str) -> str:
    return f"/v1/payment_intents/{quote(reference, safe='')}"


def _accepted(answer: _Answer) -> dict[str, Any]:
    """The answer's body, or what its error means to us: CardDeclined for the customer's card, else PaymentRefused."""
    if answer.status == HTTPStatus.OK:
        return answer.body
    error = answer.body.get("error") or {}
    code = str(error.get("decline_code") or error.get("code") or error.get("type") or "unknown")
    if error.get("type") == "card_error" or error.get("param") == "payment_method":
        raise CardDeclined(code)
    raise PaymentRefused(f"HTTP {answer.status} {code}: {error.get('message', '')}")


def _says_try_again(response: requests.Response) -> bool:
    """Whether this is no answer yet: a request with our key is under way, there are too many, or they failed."""
    return response.status_code in _WORTH_A_RETRY or response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR


def _retry_after(response: requests.Response) -> float:
    """The seconds in Retry-After, or 0 without one (or with a date, which this provider does not send)."""
    try:
        return max(0.0, float(response.headers.get("Retry-After", "0")))
    except ValueError:
        return 0.0

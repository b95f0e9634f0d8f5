"""Idempotent requests: a request with the same idempotency key gets the same answer, and has one effect."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from payments_sandbox.domain.errors import ApiError, key_reused, request_under_way
from payments_sandbox.domain.intent import (
    Answer,
    Intent,
    Outcome,
    cancel,
    capture,
    confirm,
    fingerprint_of,
    open_intent,
    refund,
)
from shared.versioned_table import WriteConflict

# The table takes no longer keys, and no id of ours is longer.
_LONGEST_ID = 255


@dataclass(frozen=True)
class StoredAnswer:
    """The answer to the first request with an idempotency key, and that request's fingerprint."""

    key: str
    fingerprint: str
    answer: Answer


class IntentRepository(Protocol):
    """The intents, and the answers under idempotency keys; `payments_sandbox.adapters` implements it."""

    def find(self, intent_id: str) -> Intent | None:
        """The intent, as last written, or None."""

    def answer_under(self, key: str) -> StoredAnswer | None:
        """The answer to the first request with this idempotency key, or None."""

    def save(self, intent: Intent, stored: StoredAnswer | None, now: int) -> None:
        """Stores the intent's next version and the answer to its request, both or none; raises WriteConflict."""


class IdempotentRequests:
    """The requests that change an intent. `now` gives Unix time in seconds, `new_id` the end of a new id."""

    def __init__(self, intents: IntentRepository, now: Callable[[], int], new_id: Callable[[], str]) -> None:
        self._intents = intents
        self._now = now
        self._new_id = new_id

    def open(self, form: Mapping[str, str], key: str | None) -> Answer:
        """Opens an intent; raises ApiError."""
        return self._once(
            key, fingerprint_of("open", form), lambda: open_intent(form, f"pi_{self._new_id()}", self._now())
        )

    def confirm(self, intent_id: str, form: Mapping[str, str], key: str | None) -> Answer:
        """Confirms an intent; raises ApiError."""
        fingerprint = fingerprint_of(f"confirm/{intent_id}", form)
        return self._once(key, fingerprint, lambda: confirm(self.read(intent_id)))

    def cancel(self, intent_id: str, form: Mapping[str, str], key: str | None) -> Answer:
        """Cancels an intent; raises ApiError."""
        fingerprint = fingerprint_of(f"cancel/{intent_id}", form)
        return self._once(key, fingerprint, lambda: cancel(self.read(intent_id), self._now()))

    def capture(self, intent_id: str, form: Mapping[str, str], key: str | None) -> Answer:
        """Captures an intent; raises ApiError."""
        fingerprint = fingerprint_of(f"capture/{intent_id}", form)
        return self._once(key, fingerprint, lambda: capture(self.read(intent_id), form, self._now()))

    def refund(self, form: Mapping[str, str], key: str | None) -> Answer:
        """Refunds the intent that the form names; raises ApiError."""

        def act() -> Outcome:
            intent = self.read(form.get("payment_intent", ""))
            return refund(intent, form, f"re_{self._new_id()}", self._now())

        return self._once(key, fingerprint_of("refund", form), act)

    def read(self, intent_id: str) -> Intent:
        """The intent; raises ApiError if there is none."""
        intent = self._intents.find(intent_id) if len(intent_id) <= _LONGEST_ID else None
        if intent is None:
            raise ApiError.no_such_intent(intent_id)
        return intent

    def _once(self, key: str | None, fingerprint: str, act: Callable[[], Outcome]) -> Answer:
        stored = self._intents.answer_under(key) if key else None
        if stored:
            if stored.fingerprint != fingerprint:
                raise key_reused()
            return stored.answer
        outcome = act()
        lasting = StoredAnswer(key, fingerprint, outcome.answer) if key and outcome.lasting else None
        try:
            self._intents.save(outcome.intent, lasting, self._now())
        except WriteConflict as conflict:
            # No retry here: Stripe answers 409 to a request that meets another, and so the client has to retry.
            raise request_under_way() from conflict
        return outcome.answer

"""Answering a request exactly once: the same idempotency key gets the same answer, and has one effect."""

from collections.abc import Callable, Mapping

from payments_sandbox.adapters import Books, Contended, GivenAnswer
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

# Longer ones are no keys of the table's, and no ids of ours.
_LONGEST_ID = 255


class Desk:
    """Takes the requests that change something. `now` gives Unix time in seconds, `new_id` what ends a new id."""

    def __init__(self, books: Books, now: Callable[[], int], new_id: Callable[[], str]) -> None:
        self._books = books
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
        """The intent; raises ApiError when there is none."""
        intent = self._books.intent(intent_id) if len(intent_id) <= _LONGEST_ID else None
        if intent is None:
            raise ApiError.no_such_intent(intent_id)
        return intent

    def _once(self, key: str | None, fingerprint: str, act: Callable[[], Outcome]) -> Answer:
        given = self._books.given_answer(key) if key else None
        if given:
            if given.fingerprint != fingerprint:
                raise key_reused()
            return given.answer
        outcome = act()
        lasting = GivenAnswer(key, fingerprint, outcome.answer) if key and outcome.lasting else None
        try:
            self._books.write(outcome.intent, lasting, self._now())
        except Contended as contended:
            raise request_under_way() from contended
        return outcome.answer

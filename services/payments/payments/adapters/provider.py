"""The payment provider: Stripe's payment intents with manual capture, and refunds.

Whether a command took effect is never guessed. Its Idempotency-Key makes sending it again safe; where that brings no
answer, or the provider refuses since it was done before, the intent itself is read and tells.

The API: https://docs.stripe.com/api/payment_intents, https://docs.stripe.com/api/refunds
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import quote

from payments.adapters.transport import Answer, Transport
from payments.domain.payment import AlreadyCaptured, CardDeclined, PaymentRefused, ProviderUnavailable
from shared.money import Money
from shared.observability import count

HELD = "requires_capture"
TAKEN = "succeeded"
CANCELED = "canceled"
UNPAID = "requires_payment_method"
# A refund to a card may be on its way for days; it needs nobody to do anything.
_REFUND_STANDS = {"succeeded", "pending"}


@dataclass(frozen=True)
class Intent:
    """A payment intent as the provider has it now. Amounts are in minor units."""

    reference: str
    status: str
    amount: int
    amount_refunded: int

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> Self:
        """The intent in an answer that has its latest charge expanded."""
        charge = body.get("latest_charge")
        refunded = charge.get("amount_refunded", 0) if isinstance(charge, dict) else 0
        return cls(str(body["id"]), str(body["status"]), int(body["amount"]), int(refunded))

    @property
    def holds_money(self) -> bool:
        """Whether the money is held, and not taken yet."""
        return self.status == HELD

    @property
    def partially_refunded(self) -> bool:
        """Whether some of the money went back, and some did not."""
        return self.status == TAKEN and 0 < self.amount_refunded < self.amount

    @property
    def refunded(self) -> bool:
        """Whether all of the money went back."""
        return self.status == TAKEN and self.amount_refunded >= self.amount


class Provider:
    """What a payment needs of the provider; each operation takes `Patience.budget` seconds at most.

    While the circuit is open, operations that ask for money raise ProviderUnavailable at once; those that give it back
    are tried nevertheless, since failing fast would save seconds there and might leave an order parked.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def open(
        self, amount: Money, payment_method: str, metadata: Mapping[str, str], idempotency_key: str
    ) -> str:
        """Opens an intent to pay `amount` and returns its reference; no money is held until it is confirmed.

        Raises CardDeclined when the means of payment is unknown, PaymentRefused, ProviderUnavailable.
        """
        self._transport.breaker.admit()
        form = {
            "amount": str(amount.amount),
            "currency": amount.currency.lower(),
            "payment_method": payment_method,
            "payment_method_types[]": "card",
            "capture_method": "manual",
            **{f"metadata[{name}]": value for name, value in metadata.items()},
        }
        answer = self._transport.send(
            "POST",
            "/v1/payment_intents",
            form=form,
            idempotency_key=idempotency_key,
            ends_at=self._transport.deadline(),
        )
        if not answer.ok:
            raise _refusal(answer)
        return str(answer.body["id"])

    def confirm(self, reference: str, idempotency_key: str) -> None:
        """Holds the money of an open intent.

        Raises CardDeclined, also where the card's bank wants the customer to take part, since nobody is there to;
        PaymentRefused; ProviderUnavailable, after which the money may or may not be held.
        """
        self._transport.breaker.admit()
        form = {"error_on_requires_action": "true"}
        self._command(reference, "confirm", form, idempotency_key, HELD)

    def capture(self, reference: str, idempotency_key: str) -> None:
        """Takes all of the money that the intent holds; fine when it is taken already.

        Raises CardDeclined when the card's bank refuses after all; PaymentRefused when nothing is held (it was
        cancelled, or the hold ran out), with the intent's status, or when who asks is refused; ProviderUnavailable.
        """
        self._transport.breaker.admit()
        self._command(reference, "capture", {}, idempotency_key, TAKEN)

    def cancel(self, reference: str, idempotency_key: str) -> None:
        """Releases what the intent holds and closes it for good: a confirmation that arrives later fails.

        An intent that was cancelled before is fine. Raises AlreadyCaptured when its money was taken; PaymentRefused
        when it cannot be cancelled for another reason (the provider does not know it); ProviderUnavailable.
        """
        form = {"cancellation_reason": "abandoned"}
        try:
            self._command(reference, "cancel", form, idempotency_key, CANCELED)
        except PaymentRefused as refused:
            if refused.intent_status == TAKEN:
                raise AlreadyCaptured(reference, intent_status=TAKEN) from refused
            raise

    def refund(self, reference: str, idempotency_key: str) -> None:
        """Gives all of the money that the intent took back; fine when that was done already.

        Raises PaymentRefused when nothing was taken or the provider will not give it back; ProviderUnavailable.
        """
        self._act(
            "/v1/refunds",
            {"payment_intent": reference},
            idempotency_key,
            reference,
            done=lambda refund: refund.get("status") in _REFUND_STANDS,
            was_done=lambda intent: intent.refunded,
        )

    def retrieve(self, reference: str) -> Intent:
        """The intent as the provider has it now; raises PaymentRefused when it knows none, ProviderUnavailable."""
        return self._retrieve(reference, self._transport.deadline())

    def _command(self, reference: str, verb: str, form: Mapping[str, str], key: str, wanted: str) -> None:
        """Sends a command to an intent that is to bring it to the status `wanted`."""
        self._act(
            f"{_path(reference)}/{verb}",
            form,
            key,
            reference,
            done=lambda intent: intent.get("status") == wanted,
            was_done=lambda intent: intent.status == wanted,
        )

    def _act(
        self,
        path: str,
        form: Mapping[str, str],
        key: str,
        reference: str,
        *,
        done: Callable[[Mapping[str, Any]], bool],
        was_done: Callable[[Intent], bool],
    ) -> None:
        """Sends a command; where its answer does not say that it is done (`done`), the intent does (`was_done`)."""
        ends_at = self._transport.deadline()
        try:
            answer = self._transport.send(
                "POST",
                path,
                form=form,
                idempotency_key=key,
                ends_at=ends_at - self._transport.patience.asking,
            )
        except ProviderUnavailable:
            if not was_done(self._retrieve(reference, ends_at)):
                # It may still be on its way there.
                raise
            count("ProviderAnswersFound")
            return
        if answer.ok:
            if not done(answer.body):
                raise PaymentRefused(f"POST {path} left it {answer.body.get('status')}")
            return
        refusal = _refusal(answer)
        if isinstance(refusal, CardDeclined):
            raise refusal
        intent = self._retrieve(reference, ends_at)
        if was_done(intent):
            return
        raise PaymentRefused(
            f"{refusal}; intent {reference} is {intent.status}", intent_status=intent.status
        ) from refusal

    def _retrieve(self, reference: str, ends_at: float) -> Intent:
        answer = self._transport.send(
            "GET", _path(reference), query={"expand[]": "latest_charge"}, ends_at=ends_at
        )
        if not answer.ok:
            raise _refusal(answer)
        return Intent.of(answer.body)


def _path(reference: str) -> str:
    return f"/v1/payment_intents/{quote(reference, safe='')}"


def _refusal(answer: Answer) -> CardDeclined | PaymentRefused:
    """What the answer's error means to us: CardDeclined for the customer's card, else PaymentRefused."""
    error = answer.body.get("error") or {}
    code = str(error.get("decline_code") or error.get("code") or error.get("type") or "unknown")
    if error.get("type") == "card_error" or error.get("param") == "payment_method":
        return CardDeclined(code)
    return PaymentRefused(f"HTTP {answer.status} {code}: {error.get('message', '')}")

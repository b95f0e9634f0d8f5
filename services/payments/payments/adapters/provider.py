"""The payment provider: Stripe's payment intents with manual capture, and refunds.

The client never guesses whether a command took effect. The Idempotency-Key makes a repetition safe. If no repetition
brings an answer, or the provider refuses since the command was done before, the client reads the intent itself.

The API: https://docs.stripe.com/api/payment_intents, https://docs.stripe.com/api/refunds
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any
from urllib.parse import quote

from payments.adapters.transport import Answer, Transport
from payments.domain.intent import Intent, ProviderStatus, Refund
from payments.domain.payment import AlreadyCaptured, CardDeclined, PaymentRefused, ProviderUnavailable
from shared.money import Money
from shared.observability import count

# A refund to a card may be pending for days; it completes without anybody's action.
_REFUND_STANDS = {"succeeded", "pending"}


class StripeProvider:
    """The provider's client; each operation takes `Timeouts.budget` seconds at most.

    While the circuit is open, operations that ask for money raise ProviderUnavailable at once. The client still tries
    to give money back: failing fast would save seconds and might leave an order parked.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def open(
        self, amount: Money, payment_method: str, metadata: Mapping[str, str], idempotency_key: str
    ) -> str:
        """Opens an intent to pay `amount` and returns its reference; no money is held until it is confirmed.

        Raises CardDeclined if the provider does not know the means of payment, PaymentRefused, ProviderUnavailable.
        """
        self._transport.breaker.admit()
        form = {
            "amount": str(amount.amount),
            "currency": amount.currency.lower(),
            "payment_method": payment_method,
            "payment_method_types[]": "card",
            "capture_method": "manual",
            **_fields_of(metadata),
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

        Raises CardDeclined, also if the card's bank asks for the customer, who is not there by then. Raises
        PaymentRefused, and ProviderUnavailable; after the latter the money may or may not be held.
        """
        self._transport.breaker.admit()
        form = {"error_on_requires_action": "true"}
        self._command(reference, "confirm", form, idempotency_key, ProviderStatus.HELD)

    def capture(self, reference: str, idempotency_key: str) -> None:
        """Takes all of the money that the intent holds; does nothing if it is taken already.

        Raises CardDeclined if the card's bank refuses after all. Raises PaymentRefused, with the intent's
        status, if nothing is held any more. Also raises PaymentRefused if the provider refuses the caller, and
        ProviderUnavailable.
        """
        self._transport.breaker.admit()
        self._command(reference, "capture", {}, idempotency_key, ProviderStatus.TAKEN)

    def cancel(self, reference: str, idempotency_key: str) -> None:
        """Releases the held money and closes the intent permanently: a later confirmation fails.

        Does nothing if the intent was cancelled before. Raises AlreadyCaptured if its money was taken; PaymentRefused
        if the provider refuses for another reason (it does not know the intent); ProviderUnavailable.
        """
        form = {"cancellation_reason": "abandoned"}
        try:
            self._command(reference, "cancel", form, idempotency_key, ProviderStatus.CANCELED)
        except PaymentRefused as refused:
            if refused.intent_status == ProviderStatus.TAKEN:
                raise AlreadyCaptured(reference, intent_status=ProviderStatus.TAKEN) from refused
            raise

    def refund(
        self, reference: str, idempotency_key: str, metadata: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        """Gives back all of the money that the intent took; does nothing if that was done already.

        The provider does not copy an intent's metadata to its refunds, so a refund has `metadata` of its own. Raises
        PaymentRefused if nothing was taken or the provider does not give it back; ProviderUnavailable.
        """
        self._act(
            "/v1/refunds",
            {"payment_intent": reference, **_fields_of(metadata)},
            idempotency_key,
            reference,
            done=lambda refund: refund.get("status") in _REFUND_STANDS,
            was_done=lambda intent: intent.refunded,
        )

    def refund_part(
        self,
        reference: str,
        amount: Money,
        metadata: Mapping[str, str],
        idempotency_key: str,
        *,
        asked_before: bool,
    ) -> None:
        """Gives back `amount` of the money that the intent took, once for the `metadata`, also if answers were lost.

        The provider forgets a key after a day. So if it was `asked_before`, the client looks for a refund with the
        metadata first. Raises PaymentRefused if the provider does not give it back; ProviderUnavailable.
        """
        ends_at = self._transport.deadline()
        if asked_before and self._retrieve(reference, ends_at, with_refunds=True).has_refund(metadata):
            count("ProviderAnswersFound")
            return
        self._act(
            "/v1/refunds",
            {"payment_intent": reference, "amount": str(amount.amount), **_fields_of(metadata)},
            idempotency_key,
            reference,
            done=lambda refund: Refund.of(refund).may_give_back,
            was_done=lambda intent: intent.has_refund(metadata),
            ends_at=ends_at,
            with_refunds=True,
        )

    def retrieve(self, reference: str) -> Intent:
        """The intent as the provider has it now; raises PaymentRefused if it knows none, ProviderUnavailable."""
        return self._retrieve(reference, self._transport.deadline())

    def _command(self, reference: str, verb: str, form: Mapping[str, str], key: str, wanted: str) -> None:
        """Sends a command that brings an intent to the status `wanted`."""
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
        ends_at: float | None = None,
        with_refunds: bool = False,
    ) -> None:
        """Sends a command. If the answer does not say that it is done (`done`), reads the intent (`was_done`)."""
        if ends_at is None:
            ends_at = self._transport.deadline()
        try:
            answer = self._transport.send(
                "POST",
                path,
                form=form,
                idempotency_key=key,
                ends_at=ends_at - self._transport.timeouts.lookup,
            )
        except ProviderUnavailable:
            if not was_done(self._retrieve(reference, ends_at, with_refunds=with_refunds)):
                # The command may still be on its way to the provider.
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
        intent = self._retrieve(reference, ends_at, with_refunds=with_refunds)
        if was_done(intent):
            return
        raise PaymentRefused(
            f"{refusal}; intent {reference} is {intent.status}", intent_status=intent.status
        ) from refusal

    def _retrieve(self, reference: str, ends_at: float, *, with_refunds: bool = False) -> Intent:
        shown = "latest_charge.refunds" if with_refunds else "latest_charge"
        body = self._get(_path(reference), {"expand[]": shown}, ends_at)
        charge = body.get("latest_charge")
        if not with_refunds or not isinstance(charge, dict):
            return Intent.of(body)
        listed = charge.get("refunds") or {}
        refunds = list(listed.get("data", []))
        # A charge shows its ten latest refunds.
        while refunds and listed.get("has_more"):
            query = {"payment_intent": reference, "limit": "100", "starting_after": str(refunds[-1]["id"])}
            listed = self._get("/v1/refunds", query, ends_at)
            refunds += listed.get("data", [])
        return Intent.of(body, tuple(map(Refund.of, refunds)))

    def _get(self, path: str, query: Mapping[str, str], ends_at: float) -> Mapping[str, Any]:
        answer = self._transport.send("GET", path, query=query, ends_at=ends_at)
        if not answer.ok:
            raise _refusal(answer)
        return answer.body


def _path(reference: str) -> str:
    return f"/v1/payment_intents/{quote(reference, safe='')}"


def _fields_of(metadata: Mapping[str, str]) -> dict[str, str]:
    return {f"metadata[{name}]": value for name, value in metadata.items()}


def _refusal(answer: Answer) -> CardDeclined | PaymentRefused:
    """The exception for an answer's error: CardDeclined if the customer can mend it, else PaymentRefused."""
    error = answer.body.get("error") or {}
    code = str(error.get("decline_code") or error.get("code") or error.get("type") or "unknown")
    if error.get("type") == "card_error" or error.get("param") == "payment_method":
        return CardDeclined(code)
    return PaymentRefused(f"HTTP {answer.status} {code}: {error.get('message', '')}")

"""The rules of a payment intent, which depend on its test payment method.

An intent's statuses and the shape of answers and errors are Stripe's (https://docs.stripe.com/api/payment_intents):

    requires_confirmation ──confirm──► requires_capture ──capture──► succeeded ──refund──► succeeded
             │    │                            └──cancel──► canceled
             │    └──declined──► requires_payment_method ──cancel──►┘
             └───────────────────────cancel────────────────────────►┘

As at Stripe, a refund leaves the intent's status as it is; the charge shows the refunded amount.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict

from payments_sandbox.domain.errors import ApiError
from shared.record import Personal


class IntentStatus(StrEnum):
    """The status of an intent."""

    REQUIRES_CONFIRMATION = "requires_confirmation"
    REQUIRES_PAYMENT_METHOD = "requires_payment_method"
    REQUIRES_CAPTURE = "requires_capture"
    SUCCEEDED = "succeeded"
    CANCELED = "canceled"


class PaymentMethod(StrEnum):
    """The test payment methods, each with the effect of a confirmation."""

    APPROVED = "pm_card_visa"
    DECLINED = "pm_card_chargeDeclined"
    # Stripe's own name for a card that is accepted and cannot be charged.
    CHARGE_FAILS = "pm_card_chargeCustomerFail"
    # Holds the money, and answers after the caller has stopped waiting. Reading the intent is answered as late.
    ANSWERS_TOO_LATE = "pm_sandbox_timeout"
    # Holds the money, and answers after the caller has stopped waiting. Reading the intent is answered at once.
    ANSWER_LOST = "pm_sandbox_lost_answer"
    # Answers 500 every time and changes nothing.
    ALWAYS_FAILS = "pm_sandbox_error"
    # Answers 500 the first time and changes nothing, and approves the second time.
    FAILS_ONCE = "pm_sandbox_flaky"
    # Holds the money; the hold has expired by the capture.
    HOLD_EXPIRES = "pm_sandbox_capture_expired"
    # Holds the money; the card's bank refuses the first capture, and accepts a later one.
    CAPTURE_DECLINED_ONCE = "pm_sandbox_capture_declined_once"
    # Stripe's own name for a card whose refunds are accepted, and fail a while later.
    REFUND_FAILS = "pm_card_refundFail"


_DECLINED = {PaymentMethod.DECLINED, PaymentMethod.CHARGE_FAILS}
_LATE = {PaymentMethod.ANSWERS_TOO_LATE, PaymentMethod.ANSWER_LOST}


class Refund(BaseModel):
    """A refund of an intent's charge. `created` is Unix time in seconds."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str
    amount: int
    created: int
    metadata: dict[str, str]
    status: str = "succeeded"


class Intent(BaseModel):
    """One payment intent. `created` and `canceled_at` are Unix times in seconds."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str
    amount: int
    currency: str
    payment_method: Annotated[PaymentMethod, Personal.PAYMENT_TOKEN]
    metadata: dict[str, str]
    created: int
    status: IntentStatus = IntentStatus.REQUIRES_CONFIRMATION
    canceled_at: int | None = None
    amount_received: int = 0
    # What refunds that did not fail gave back.
    amount_refunded: int = 0
    refunds: tuple[Refund, ...] = ()
    # The number of confirmations that were tried.
    attempts: int = 0
    refused_captures: int = 0
    version: int = 1

    @property
    def order_id(self) -> str | None:
        """The order id in the intent's metadata."""
        return self.metadata.get("order_id")

    @property
    def answers_late(self) -> bool:
        """Whether the sandbox answers too late to a caller who reads the intent."""
        return (
            self.payment_method is PaymentMethod.ANSWERS_TOO_LATE
            and self.status is IntentStatus.REQUIRES_CAPTURE
        )

    @property
    def charge_id(self) -> str | None:
        """The charge of the last confirmation, accepted or declined; None before it."""
        confirmed = self.attempts > 0 and self.status is not IntentStatus.REQUIRES_CONFIRMATION
        return f"ch_{self.id.removeprefix('pi_')}" if confirmed else None

    def charge_as_json(self, *, with_refunds: bool = False) -> dict[str, Any]:
        """The intent's charge as the API shows it, `with_refunds` if asked for, the latest first.

        A released hold counts as refunded, as at Stripe.
        """
        failed = self.status is IntentStatus.REQUIRES_PAYMENT_METHOD
        released = self.status is IntentStatus.CANCELED
        refunds = [self.refund_as_json(refund) for refund in reversed(self.refunds)]
        listed = {
            "object": "list",
            "data": refunds,
            "has_more": False,
            "url": f"/v1/charges/{self.charge_id}/refunds",
        }
        return {
            "id": self.charge_id,
            "object": "charge",
            "amount": self.amount,
            "amount_captured": self.amount_received,
            "amount_refunded": self.amount if released else self.amount_refunded,
            "captured": self.amount_received > 0,
            "currency": self.currency,
            "livemode": False,
            "metadata": self.metadata,
            "payment_intent": self.id,
            "refunded": released or 0 < self.amount_received == self.amount_refunded,
            **({"refunds": listed} if with_refunds else {}),
            "status": "failed" if failed else "succeeded",
        }

    def refund_as_json(self, refund: Refund) -> dict[str, Any]:
        """One of the intent's refunds as the API shows it."""
        return {
            **refund.model_dump(),
            "object": "refund",
            "charge": self.charge_id,
            "currency": self.currency,
            "payment_intent": self.id,
        }

    def as_json(self, *, with_charge: bool = False, with_refunds: bool = False) -> dict[str, Any]:
        """The intent as the API shows it.

        `with_charge` shows its latest charge in full instead of its id, `with_refunds` also that charge's refunds.
        """
        shows_charge = (with_charge or with_refunds) and self.charge_id
        return {
            "id": self.id,
            "object": "payment_intent",
            "amount": self.amount,
            "amount_capturable": self.amount if self.status is IntentStatus.REQUIRES_CAPTURE else 0,
            "amount_received": self.amount_received,
            "canceled_at": self.canceled_at,
            "capture_method": "manual",
            "created": self.created,
            "currency": self.currency,
            "latest_charge": (
                self.charge_as_json(with_refunds=with_refunds) if shows_charge else self.charge_id
            ),
            "livemode": False,
            "metadata": self.metadata,
            "payment_method": self.payment_method.value,
            "payment_method_types": ["card"],
            "status": self.status.value,
        }

    def changed(self, **changes: Any) -> Self:
        """The next version of the intent."""
        return self.model_copy(update={**changes, "version": self.version + 1})


@dataclass(frozen=True)
class Answer:
    """An answer to the caller. A `late` answer comes after the caller has stopped waiting."""

    status: int
    body: dict[str, Any]
    late: bool = False


@dataclass(frozen=True)
class Outcome:
    """The outcome of a request: the intent to store, the answer, and whether the request's key repeats that answer.

    A failure of the provider itself (500) is not lasting: the same key then tries again.
    """

    intent: Intent
    answer: Answer
    lasting: bool = True


def fingerprint_of(path: str, form: Mapping[str, str]) -> str:
    """A hash of the request: the same for the same path and parameters, in any order."""
    parameters = "\n".join(f"{name}={form[name]}" for name in sorted(form))
    return hashlib.sha256(f"{path}\n{parameters}".encode()).hexdigest()


def open_intent(form: Mapping[str, str], intent_id: str, now: int) -> Outcome:
    """A new intent, which holds nothing yet; raises ApiError for parameters that the sandbox does not take."""
    if form.get("capture_method") != "manual":
        raise ApiError.invalid("The sandbox takes capture_method=manual only.", param="capture_method")
    if form.get("confirm", "false") != "false":
        raise ApiError.invalid("The sandbox confirms by POST …/confirm only.", param="confirm")
    intent = Intent(
        id=intent_id,
        amount=_amount(form),
        currency=_currency(form),
        payment_method=_payment_method(form),
        metadata=_metadata(form),
        created=now,
    )
    return Outcome(intent, Answer(HTTPStatus.OK, intent.as_json()))


def confirm(intent: Intent) -> Outcome:
    """Holds the intent's money, or has the effect of its test payment method; raises ApiError in a wrong status."""
    if intent.status is not IntentStatus.REQUIRES_CONFIRMATION:
        raise _unexpected_state(intent, "confirmed")
    tried = intent.changed(attempts=intent.attempts + 1)
    method = intent.payment_method
    if method is PaymentMethod.ALWAYS_FAILS or (method is PaymentMethod.FAILS_ONCE and tried.attempts == 1):
        return Outcome(tried, _fault(), lasting=False)
    if method in _DECLINED:
        declined = tried.model_copy(update={"status": IntentStatus.REQUIRES_PAYMENT_METHOD})
        return Outcome(declined, _decline(declined))
    held = tried.model_copy(update={"status": IntentStatus.REQUIRES_CAPTURE})
    return Outcome(held, Answer(HTTPStatus.OK, held.as_json(), late=method in _LATE))


def cancel(intent: Intent, now: int) -> Outcome:
    """Releases the money and closes the intent permanently; raises ApiError if it is closed or captured already."""
    if intent.status in (IntentStatus.CANCELED, IntentStatus.SUCCEEDED):
        raise _unexpected_state(intent, "canceled")
    canceled = intent.changed(status=IntentStatus.CANCELED, canceled_at=now)
    return Outcome(canceled, Answer(HTTPStatus.OK, canceled.as_json()))


def capture(intent: Intent, form: Mapping[str, str], now: int) -> Outcome:
    """Takes all of the held money, or has the effect of the test payment method; raises ApiError if nothing is held."""
    if intent.status is not IntentStatus.REQUIRES_CAPTURE:
        raise _unexpected_state(intent, "captured")
    if form.get("amount_to_capture", str(intent.amount)) != str(intent.amount):
        raise ApiError.invalid("The sandbox captures the whole amount only.", param="amount_to_capture")
    if intent.payment_method is PaymentMethod.HOLD_EXPIRES:
        expired = intent.changed(status=IntentStatus.CANCELED, canceled_at=now)
        refusal = _unexpected_state(expired, "captured")
        return Outcome(expired, Answer(refusal.status, refusal.body))
    if intent.payment_method is PaymentMethod.CAPTURE_DECLINED_ONCE and not intent.refused_captures:
        refused = intent.changed(refused_captures=1)
        return Outcome(refused, _decline(refused))
    captured = intent.changed(status=IntentStatus.SUCCEEDED, amount_received=intent.amount)
    return Outcome(captured, Answer(HTTPStatus.OK, captured.as_json()))


def refund(intent: Intent, form: Mapping[str, str], refund_id: str, now: int) -> Outcome:
    """Gives captured money back: `amount`, or the rest. A charge may have several refunds.

    Raises ApiError if less than the amount is left.
    """
    if intent.status is not IntentStatus.SUCCEEDED:
        raise ApiError.invalid(
            f"This PaymentIntent ({intent.id}) does not have a successful charge to refund.",
            param="payment_intent",
        )
    left = intent.amount_received - intent.amount_refunded
    if left == 0:
        raise ApiError.invalid(
            f"Charge {intent.charge_id} has already been refunded.", code="charge_already_refunded"
        )
    amount = _amount(form) if "amount" in form else left
    if amount > left:
        raise ApiError.invalid(
            f"Refund amount ({amount}) is greater than what is left ({left}).", param="amount"
        )
    made = Refund(id=refund_id, amount=amount, created=now, metadata=_metadata(form))
    answer = Answer(HTTPStatus.OK, intent.refund_as_json(made))
    if intent.payment_method is PaymentMethod.REFUND_FAILS:
        # A later look shows that it failed: the money is the shop's again.
        failed = made.model_copy(update={"status": "failed"})
        return Outcome(intent.changed(refunds=(*intent.refunds, failed)), answer)
    refunded = intent.changed(
        amount_refunded=intent.amount_refunded + amount, refunds=(*intent.refunds, made)
    )
    return Outcome(refunded, answer)


def _fault() -> Answer:
    body = {"error": {"type": "api_error", "message": "The sandbox fails, as this payment method asks for."}}
    return Answer(HTTPStatus.INTERNAL_SERVER_ERROR, body)


def _decline(intent: Intent) -> Answer:
    error = {
        "type": "card_error",
        "code": "card_declined",
        "decline_code": "generic_decline",
        "message": "Your card was declined.",
        "payment_intent": intent.as_json(),
    }
    return Answer(HTTPStatus.PAYMENT_REQUIRED, {"error": error})


def _unexpected_state(intent: Intent, done: str) -> ApiError:
    return ApiError.invalid(
        f"This PaymentIntent could not be {done} because it has a status of {intent.status.value}.",
        code="payment_intent_unexpected_state",
        payment_intent=intent.as_json(),
    )


def _amount(form: Mapping[str, str]) -> int:
    text = form.get("amount", "")
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise ApiError.invalid("The amount must be a positive number of minor units.", param="amount")
    return int(text)


def _currency(form: Mapping[str, str]) -> str:
    currency = form.get("currency", "").lower()
    if not (len(currency) == 3 and currency.isascii() and currency.isalpha()):
        raise ApiError.invalid("The currency must be an ISO 4217 code.", param="currency")
    return currency


def _payment_method(form: Mapping[str, str]) -> PaymentMethod:
    name = form.get("payment_method", "")
    if name not in PaymentMethod:
        raise ApiError.invalid(
            f"No such PaymentMethod: '{name}'", code="resource_missing", param="payment_method"
        )
    return PaymentMethod(name)


def _metadata(form: Mapping[str, str]) -> dict[str, str]:
    prefix, suffix = "metadata[", "]"
    return {
        name.removeprefix(prefix).removesuffix(suffix): value
        for name, value in form.items()
        if name.startswith(prefix) and name.endswith(suffix)
    }

"""The rules of the sandbox provider, without AWS: what becomes of a payment intent, by its test payment method.

An intent's statuses and the shape of answers and errors are Stripe's (https://docs.stripe.com/api/payment_intents):

    requires_confirmation ──confirm──► requires_capture ──cancel──► canceled
             │    └──declined──► requires_payment_method ──cancel──────►┘
             └────────────────────────cancel───────────────────────────►┘
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from typing import Any, Self

from pydantic import BaseModel, ConfigDict


class IntentStatus(StrEnum):
    """Where an intent stands."""

    REQUIRES_CONFIRMATION = "requires_confirmation"
    REQUIRES_PAYMENT_METHOD = "requires_payment_method"
    REQUIRES_CAPTURE = "requires_capture"
    CANCELED = "canceled"


class PaymentMethod(StrEnum):
    """The test payment methods, and what confirming an intent with one does."""

    APPROVED = "pm_card_visa"
    DECLINED = "pm_card_chargeDeclined"
    # The money is held, and the answer comes after the caller has stopped waiting.
    ANSWERS_TOO_LATE = "pm_sandbox_timeout"
    # Answers 500 every time and changes nothing.
    ALWAYS_FAILS = "pm_sandbox_error"
    # Answers 500 the first time and changes nothing, and approves the second time.
    FAILS_ONCE = "pm_sandbox_flaky"


class ApiError(Exception):
    """An answer other than success, shaped as Stripe's errors are (https://docs.stripe.com/api/errors)."""

    def __init__(self, status: HTTPStatus, error_type: str, message: str, **details: Any) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"error": {"type": error_type, "message": message, **details}}

    @classmethod
    def invalid(cls, message: str, **details: Any) -> Self:
        """The request asks for something that cannot be; `details` are Stripe's `param` and `code`."""
        return cls(HTTPStatus.BAD_REQUEST, "invalid_request_error", message, **details)

    @classmethod
    def no_such_intent(cls, intent_id: str) -> Self:
        """There is no intent of that id."""
        return cls(
            HTTPStatus.NOT_FOUND,
            "invalid_request_error",
            f"No such payment_intent: '{intent_id}'",
            code="resource_missing",
            param="intent",
        )


class Intent(BaseModel):
    """One payment intent in the provider's books. `created` and `canceled_at` are Unix times in seconds."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str
    amount: int
    currency: str
    payment_method: PaymentMethod
    metadata: dict[str, str]
    created: int
    status: IntentStatus = IntentStatus.REQUIRES_CONFIRMATION
    canceled_at: int | None = None
    # How often a confirmation was tried, and how often the intent was written.
    attempts: int = 0
    version: int = 1

    @property
    def order_id(self) -> str | None:
        """The order that the caller says the intent is for."""
        return self.metadata.get("order_id")

    def as_json(self) -> dict[str, Any]:
        """The intent as the API shows it."""
        return {
            "id": self.id,
            "object": "payment_intent",
            "amount": self.amount,
            "amount_capturable": self.amount if self.status is IntentStatus.REQUIRES_CAPTURE else 0,
            "canceled_at": self.canceled_at,
            "capture_method": "manual",
            "created": self.created,
            "currency": self.currency,
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
    """What the caller is told. `late` when it is to come after the caller has stopped waiting."""

    status: int
    body: dict[str, Any]
    late: bool = False


@dataclass(frozen=True)
class Outcome:
    """What a request comes to: the intent to store, the answer, and whether the answer holds for the request's key.

    A failure of the provider's own (500) does not: the same key then tries again.
    """

    intent: Intent
    answer: Answer
    lasting: bool = True


def fingerprint_of(path: str, form: Mapping[str, str]) -> str:
    """Tells requests apart: the same for the same path and parameters, in whatever order they were sent."""
    parameters = "\n".join(f"{name}={form[name]}" for name in sorted(form))
    return hashlib.sha256(f"{path}\n{parameters}".encode()).hexdigest()


def open_intent(form: Mapping[str, str], intent_id: str, now: int) -> Outcome:
    """A new intent, which holds nothing yet; raises ApiError for what the sandbox does not take."""
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
    """Holds the intent's money, or does what its test payment method is for; raises ApiError in a wrong status."""
    if intent.status is not IntentStatus.REQUIRES_CONFIRMATION:
        raise _unexpected_state(intent, "confirmed")
    tried = intent.changed(attempts=intent.attempts + 1)
    method = intent.payment_method
    if method is PaymentMethod.ALWAYS_FAILS or (method is PaymentMethod.FAILS_ONCE and tried.attempts == 1):
        return Outcome(tried, _fault(), lasting=False)
    if method is PaymentMethod.DECLINED:
        declined = tried.model_copy(update={"status": IntentStatus.REQUIRES_PAYMENT_METHOD})
        return Outcome(declined, _decline(declined))
    held = tried.model_copy(update={"status": IntentStatus.REQUIRES_CAPTURE})
    return Outcome(held, Answer(HTTPStatus.OK, held.as_json(), late=method is PaymentMethod.ANSWERS_TOO_LATE))


def cancel(intent: Intent, now: int) -> Outcome:
    """Releases what the intent holds and closes it for good; raises ApiError when it is closed already."""
    if intent.status is IntentStatus.CANCELED:
        raise _unexpected_state(intent, "canceled")
    canceled = intent.changed(status=IntentStatus.CANCELED, canceled_at=now)
    return Outcome(canceled, Answer(HTTPStatus.OK, canceled.as_json()))


def key_reused() -> ApiError:
    """The idempotency key came before with another request."""
    message = (
        "Keys for idempotent requests can only be used with the same parameters they were first used with."
    )
    return ApiError(HTTPStatus.BAD_REQUEST, "idempotency_error", message)


def request_under_way() -> ApiError:
    """Another request changed the same thing at the same moment; the caller may try again."""
    message = "Another request on this object or with this key is under way."
    return ApiError(HTTPStatus.CONFLICT, "invalid_request_error", message, code="idempotency_key_in_use")


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

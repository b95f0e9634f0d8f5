"""The rules of a mail, without AWS: what it says about an order, in which language, and how it is made safe to read.

Every value that comes from outside is escaped in the HTML part; the subject holds none but the order's id, so nobody
can write a header.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from html import escape
from string import Template
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from shared.events import Event
from shared.money import Money

# ISO 4217 currencies whose minor unit is not a hundredth, of those without a hundredth that shops meet.
_MINOR_DIGITS = {
    "BHD": 3,
    "CLP": 0,
    "ISK": 0,
    "JOD": 3,
    "JPY": 0,
    "KRW": 0,
    "KWD": 3,
    "TND": 3,
    "UGX": 0,
    "VND": 0,
}
_USUAL_MINOR_DIGITS = 2


class _Fact(BaseModel):
    # What is in here is personal data: an error that is logged must not repeat it.
    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)


class Address(_Fact):
    """Where a user's mail goes. `version` is the user's version that it was taken from."""

    user_id: Annotated[str, Field(min_length=1)]
    email: Annotated[str, Field(pattern=r"^[^@\s,;<>]+@[^@\s,;<>]+$", max_length=254)]
    name: str
    locale: str = "en"
    version: Annotated[int, Field(ge=0)]

    @classmethod
    def told_by(cls, event: Event) -> "Address":
        """The address in a `user.registered` or `user.changed`; raises pydantic.ValidationError when it has none."""
        return cls.model_validate({**event.data, "version": event.aggregate_version})


class ErasedAddress(_Fact):
    """What is left of a user who was erased; keeps changes that come late from bringing the address back."""

    user_id: Annotated[str, Field(min_length=1)]
    version: Annotated[int, Field(ge=0)]
    erased_at: str

    @classmethod
    def told_by(cls, event: Event) -> "ErasedAddress":
        """What a `user.deleted` leaves."""
        return cls(user_id=event.aggregate_id, version=event.aggregate_version, erased_at=event.occurred_at)


class Line(_Fact):
    """A line of the order, with the price of one."""

    sku: str
    quantity: Annotated[int, Field(ge=1)]
    unit_price: Money


class _Outcome(_Fact):
    """What this service reads of an event that says what became of an order."""

    order_id: Annotated[str, Field(pattern=r"^[\w-]{1,64}$")]
    customer_id: Annotated[str, Field(min_length=1)]
    lines: Annotated[list[Line], Field(min_length=1)]
    total: Money


class OrderConfirmed(_Outcome):
    """The order stands."""


class OrderRejected(_Outcome):
    """The order cannot stand, for `reason`: a word of the orders service, which may know more of them one day."""

    reason: Annotated[str, Field(min_length=1)]


Outcome = OrderConfirmed | OrderRejected


class Topic(StrEnum):
    """What a mail is about; each has its templates in every language."""

    ORDER_CONFIRMED = "order_confirmed"
    ORDER_REJECTED = "order_rejected"


class Wording(_Fact):
    """The short texts of a language: subjects by topic, and why an order was rejected, in words, by reason."""

    subjects: dict[Topic, str]
    rejection_reasons: dict[str, str]
    other_rejection_reason: str


@dataclass(frozen=True)
class Templates:
    """The texts of one topic in one language, with `$placeholders`."""

    language: str
    wording: Wording
    text: Template
    html: Template
    text_line: Template
    html_line: Template


@dataclass(frozen=True)
class Mail:
    """A mail, ready to be sent: the same in plain text and in HTML."""

    subject: str
    text: str
    html: str


def topic_of(outcome: Outcome) -> Topic:
    """What a mail about `outcome` is about."""
    return Topic.ORDER_REJECTED if isinstance(outcome, OrderRejected) else Topic.ORDER_CONFIRMED


def language_of(locale: str, available: frozenset[str], default: str) -> str:
    """The language to write to a reader with `locale` in (a BCP 47 tag, `de-AT`), among those `available`."""
    language = locale.replace("_", "-").partition("-")[0].lower()
    return language if language in available else default


def mail_about(outcome: Outcome, name: str, templates: Templates) -> Mail:
    """The mail that tells the customer called `name` of `outcome`."""
    values = {
        "language": templates.language,
        "name": " ".join(name.split()),
        "order_id": outcome.order_id,
        "total": amount_of(outcome.total),
        "reason": _reason_in_words(outcome, templates.wording),
    }
    lines = [
        {"sku": line.sku, "quantity": str(line.quantity), "price": amount_of(line.unit_price * line.quantity)}
        for line in outcome.lines
    ]
    return Mail(
        subject=Template(templates.wording.subjects[topic_of(outcome)]).substitute(values),
        text=templates.text.substitute(
            values, lines="\n".join(templates.text_line.substitute(line) for line in lines)
        ),
        html=templates.html.substitute(
            _escaped(values),
            lines="\n".join(templates.html_line.substitute(_escaped(line)) for line in lines),
        ),
    )


def amount_of(money: Money) -> str:
    """`money` in major units with its currency: "1,234.50 EUR"."""
    digits = _MINOR_DIGITS.get(money.currency, _USUAL_MINOR_DIGITS)
    major, minor = divmod(abs(money.amount), 10**digits)
    sign = "-" if money.amount < 0 else ""
    fraction = f".{minor:0{digits}}" if digits else ""
    return f"{sign}{major:,}{fraction} {money.currency}"


def _reason_in_words(outcome: Outcome, wording: Wording) -> str:
    if not isinstance(outcome, OrderRejected):
        return ""
    return wording.rejection_reasons.get(outcome.reason, wording.other_rejection_reason)


def _escaped(values: Mapping[str, str]) -> dict[str, str]:
    return {name: escape(value, quote=True) for name, value in values.items()}

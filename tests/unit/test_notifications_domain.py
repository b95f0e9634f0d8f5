"""The rules of a mail."""

import json
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from notifications.domain import (
    Address,
    Mail,
    OrderConfirmed,
    OrderRejected,
    Topic,
    amount_of,
    language_of,
    mail_about,
    topic_of,
)
from notifications.templates import DEFAULT_LANGUAGE, languages, templates_for
from shared.events import Event
from shared.money import Money

ORDER: dict[str, Any] = {
    "order_id": "ord_1",
    "customer_id": "user-1",
    "lines": [
        {"sku": "TEA-INFUSER-ST", "quantity": 2, "unit_price": {"amount": 1299, "currency": "EUR"}},
        {"sku": "TEA", "quantity": 1, "unit_price": {"amount": 749, "currency": "EUR"}},
    ],
    "total": {"amount": 3347, "currency": "EUR"},
}


def confirmed(name: str = "Ada", **changes: Any) -> Mail:
    outcome = OrderConfirmed.model_validate({**ORDER, **changes})
    return mail_about(outcome, name, templates_for(topic_of(outcome), "en"))


def rejected(reason: str) -> Mail:
    outcome = OrderRejected.model_validate({**ORDER, "reason": reason})
    return mail_about(outcome, "Ada", templates_for(topic_of(outcome), "en"))


class Words(HTMLParser):
    """What a reader of an HTML mail sees, and the elements it is made of."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text = ""
        self.elements: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


def test_a_confirmation_names_the_order_its_lines_and_its_total_in_both_parts():
    mail = confirmed()

    assert mail.subject == "Your order ord_1 is confirmed"
    for part in (mail.text, Words(mail.html).text):
        for expected in ("Ada", "ord_1", "TEA-INFUSER-ST", "25.98 EUR", "TEA", "7.49 EUR", "33.47 EUR"):
            assert expected in part


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("out_of_stock", "out of stock"),
        ("payment_declined", "declined the payment"),
        ("address_not_served", "do not deliver to the country"),
        ("technical_failure", "went wrong on our side"),
    ],
)
def test_a_rejection_says_why_in_words(reason: str, words: str):
    mail = rejected(reason)

    assert mail.subject == "We could not accept your order ord_1"
    for part in (mail.text, Words(mail.html).text):
        assert words in part
        assert reason not in part


def test_a_reason_that_has_no_words_yet_still_makes_a_mail():
    mail = rejected("meteor_strike")
    assert "We could not complete it." in mail.text
    assert "meteor_strike" not in mail.text + mail.html


@given(hostile=st.text(alphabet=st.sampled_from("<>&\"'$/{}ab \n\r"), min_size=1, max_size=30))
def test_nothing_that_a_customer_wrote_becomes_markup_or_a_header(hostile: str):
    """Every value that comes from outside is escaped in the HTML part; the subject holds none but the order's id."""
    lines = [{**ORDER["lines"][0], "sku": hostile}]
    mail, plain = confirmed(name=hostile, lines=lines), confirmed(lines=[ORDER["lines"][0]])

    assert Words(mail.html).elements == Words(plain.html).elements
    assert mail.subject == plain.subject


def test_a_name_is_shown_as_it_was_written():
    mail = confirmed(name="Ada <b>&</b> Söhne $total")
    assert "Hello Ada <b>&</b> Söhne $total," in mail.text
    assert "Hello Ada <b>&</b> Söhne $total," in Words(mail.html).text


def test_an_order_id_that_could_write_a_header_is_refused():
    with pytest.raises(ValidationError):
        confirmed(order_id="ord_1\r\nBcc: everybody@example.com")


@pytest.mark.parametrize(
    ("amount", "currency", "shown"),
    [
        (5, "EUR", "0.05 EUR"),
        (123450, "EUR", "1,234.50 EUR"),
        (-250, "EUR", "-2.50 EUR"),
        (1234, "JPY", "1,234 JPY"),
        (1234, "KWD", "1.234 KWD"),
    ],
)
def test_an_amount_is_shown_in_major_units(amount: int, currency: str, shown: str):
    assert amount_of(Money(amount=amount, currency=currency)) == shown


@pytest.mark.parametrize(
    ("locale", "language"), [("en", "en"), ("de-AT", "de"), ("DE_ch", "de"), ("fr-FR", "en"), ("", "en")]
)
def test_a_mail_is_written_in_the_readers_language_where_there_are_texts(locale: str, language: str):
    assert language_of(locale, frozenset({"en", "de"}), "en") == language


def test_every_language_has_every_text():
    assert DEFAULT_LANGUAGE in languages()
    for language in languages():
        for topic, outcome in (
            (Topic.ORDER_CONFIRMED, OrderConfirmed.model_validate(ORDER)),
            (Topic.ORDER_REJECTED, OrderRejected.model_validate({**ORDER, "reason": "out_of_stock"})),
        ):
            templates = templates_for(topic, language)
            assert set(templates.wording.rejection_reasons) == {
                "out_of_stock",
                "payment_declined",
                "address_not_served",
                "technical_failure",
            }
            mail = mail_about(outcome, "Ada", templates)
            assert f'<html lang="{language}">' in mail.html
            assert "ord_1" in mail.subject


def user_event(**data: Any) -> Event:
    return Event.of(
        "user.changed",
        aggregate_id="user-1",
        aggregate_version=7,
        occurred_at=datetime(2026, 3, 1, tzinfo=UTC),
        correlation_id="corr-1",
        data={"user_id": "user-1", "email": "ada@example.com", "name": "Ada", "locale": "de-AT", **data},
    )


def test_an_address_carries_the_version_of_the_user_it_was_taken_from():
    assert Address.told_by(user_event()) == Address(
        user_id="user-1", email="ada@example.com", name="Ada", locale="de-AT", version=7
    )


@pytest.mark.parametrize(
    "email", ["", "ada", "ada@", "a@b.example, c@d.example", "a@b.example\nBcc: c@d.example"]
)
def test_what_is_no_single_address_is_refused_without_being_repeated(email: str):
    with pytest.raises(ValidationError) as refused:
        Address.told_by(user_event(email=email))
    assert json.dumps(email)[1:-1] not in str(refused.value) or not email

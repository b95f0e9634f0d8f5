"""The languages of the letters: the same words in each, and numbers as their readers write them."""

import json
from string import Template
from typing import Any

import pytest

from notifications.adapters.templates import Templates
from notifications.domain.notifications import (
    Notification,
    OrderCancelled,
    OrderConfirmed,
    OrderFulfilled,
    OrderRejected,
    ReportReady,
    ReturnAccepted,
    ReturnRefunded,
    ReturnRefused,
    StockLow,
    Verified,
)
from notifications.domain.wording import DEFAULT_LANGUAGE
from shared.money import Money
from tools.settings import REPOSITORY

TEMPLATES = Templates()
NOTIFICATIONS: list[type[Notification]] = [
    Verified,
    OrderConfirmed,
    OrderRejected,
    OrderCancelled,
    OrderFulfilled,
    ReturnAccepted,
    ReturnRefused,
    ReturnRefunded,
    StockLow,
    ReportReady,
]
REASONS = {"out_of_stock", "payment_declined", "address_not_served", "technical_failure"}


def words_of(language: str) -> dict[str, Any]:
    folder = REPOSITORY / "services" / "notifications" / "notifications" / "templates" / "wording"
    words: dict[str, Any] = json.loads((folder / f"{language}.json").read_text())
    return words


def outline(value: Any) -> Any:
    """The keys of a language's words, with the placeholders in place of the words."""
    if isinstance(value, dict):
        return {key: outline(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [outline(entry) for entry in value]
    return sorted(Template(value).get_identifiers())


def test_there_are_two_languages():
    assert {DEFAULT_LANGUAGE, "de"} <= TEMPLATES.languages


@pytest.mark.parametrize("language", sorted(TEMPLATES.languages))
def test_every_language_has_the_same_keys_and_placeholders(language: str):
    assert outline(words_of(language)) == outline(words_of(DEFAULT_LANGUAGE))


@pytest.mark.parametrize("language", sorted(TEMPLATES.languages))
def test_every_language_has_words_for_every_letter_and_every_reason(language: str):
    words = TEMPLATES.wording_in(language)
    assert words.language == language
    assert set(words.letters) == {notification.topic for notification in NOTIFICATIONS}
    assert set(words.rejections.reasons) == REASONS
    assert set(words.cancellations.reasons) == {"customer", "admin", "payment"}
    # For the third one, `other`, there is nothing to say.
    assert set(words.refusals.reasons) == {"excluded", "not_eligible"}


def test_no_two_languages_share_a_sentence():
    english, german = words_of("en"), words_of("de")
    for topic, letter in english["letters"].items():
        for key in ("subject", "heading"):
            assert letter[key] != german["letters"][topic][key]
        assert not set(letter["paragraphs"]) - {"$reason"} & set(german["letters"][topic]["paragraphs"])


@pytest.mark.parametrize(
    ("locale", "language"),
    [
        ("en", "en"),
        ("de-AT", "de"),
        ("DE_ch", "de"),
        ("de-Latn-AT", "de"),
        ("de-u-co-phonebk", "de"),
        ("zh-Hant-TW", "en"),
        ("es-419", "en"),
        ("deu", "en"),
        ("fr-FR", "en"),
        ("", "en"),
    ],
)
def test_a_mail_is_in_the_readers_language_if_its_words_exist(locale: str, language: str):
    assert TEMPLATES.wording_for(locale).language == language


@pytest.mark.parametrize(
    ("amount", "currency", "english", "german"),
    [
        (5, "EUR", "0.05 EUR", "0,05 EUR"),
        (123450, "EUR", "1,234.50 EUR", "1.234,50 EUR"),
        (123456789, "EUR", "1,234,567.89 EUR", "1.234.567,89 EUR"),
        (-250, "EUR", "-2.50 EUR", "-2,50 EUR"),
        (1234, "JPY", "1,234 JPY", "1.234 JPY"),
        (1234, "KWD", "1.234 KWD", "1,234 KWD"),
    ],
)
def test_an_amount_is_shown_in_major_units_as_its_readers_write_it(
    amount: int, currency: str, english: str, german: str
):
    money = Money(amount=amount, currency=currency)
    assert TEMPLATES.wording_in("en").numbers.amount(money) == english
    assert TEMPLATES.wording_in("de").numbers.amount(money) == german


@pytest.mark.parametrize(
    ("basis_points", "english", "german"),
    [(1900, "19%", "19 %"), (2550, "25.5%", "25,5 %"), (1000, "10%", "10 %")],
)
def test_a_rate_is_shown_without_trailing_zeros(basis_points: int, english: str, german: str):
    assert TEMPLATES.wording_in("en").numbers.rate(basis_points) == english
    assert TEMPLATES.wording_in("de").numbers.rate(basis_points) == german

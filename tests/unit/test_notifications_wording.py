"""The languages of the letters: the same words in each, and numbers as their readers write them."""

import json
from pathlib import Path
from string import Template
from typing import Any

import pytest

import notifications.domain.wording
from notifications.domain.occasions import (
    Occasion,
    OrderCancelled,
    OrderConfirmed,
    OrderFulfilled,
    OrderRejected,
    Registered,
    ReportReady,
    StockLow,
)
from notifications.domain.wording import DEFAULT_LANGUAGE, languages, wording_for, wording_in
from shared.money import Money

OCCASIONS: list[type[Occasion]] = [
    Registered,
    OrderConfirmed,
    OrderRejected,
    OrderCancelled,
    OrderFulfilled,
    StockLow,
    ReportReady,
]
REASONS = {"out_of_stock", "payment_declined", "address_not_served", "technical_failure"}


def words_of(language: str) -> dict[str, Any]:
    folder = Path(notifications.domain.wording.__file__).parents[1] / "templates" / "wording"
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
    assert {DEFAULT_LANGUAGE, "de"} <= languages()


@pytest.mark.parametrize("language", sorted(languages()))
def test_every_language_has_the_same_keys_and_placeholders(language: str):
    assert outline(words_of(language)) == outline(words_of(DEFAULT_LANGUAGE))


@pytest.mark.parametrize("language", sorted(languages()))
def test_every_language_has_words_for_every_letter_and_every_reason(language: str):
    words = wording_in(language)
    assert words.language == language
    assert set(words.letters) == {occasion.topic for occasion in OCCASIONS}
    assert set(words.rejections.reasons) == REASONS
    assert set(words.cancellations.reasons) == {"customer", "admin", "payment"}


def test_no_two_languages_share_a_sentence():
    english, german = words_of("en"), words_of("de")
    for topic, letter in english["letters"].items():
        for key in ("subject", "heading"):
            assert letter[key] != german["letters"][topic][key]
        assert not set(letter["paragraphs"]) - {"$reason"} & set(german["letters"][topic]["paragraphs"])


@pytest.mark.parametrize(
    ("locale", "language"), [("en", "en"), ("de-AT", "de"), ("DE_ch", "de"), ("fr-FR", "en"), ("", "en")]
)
def test_a_mail_is_written_in_the_readers_language_where_there_are_words(locale: str, language: str):
    assert wording_for(locale).language == language


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
    assert wording_in("en").numbers.amount(money) == english
    assert wording_in("de").numbers.amount(money) == german


@pytest.mark.parametrize(
    ("basis_points", "english", "german"),
    [(1900, "19%", "19 %"), (2550, "25.5%", "25,5 %"), (1000, "10%", "10 %")],
)
def test_a_rate_is_shown_without_zeros_that_say_nothing(basis_points: int, english: str, german: str):
    assert wording_in("en").numbers.rate(basis_points) == english
    assert wording_in("de").numbers.rate(basis_points) == german

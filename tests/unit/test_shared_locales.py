"""Locales: the form of a language tag, its usual spelling, and the language that fits it."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from shared.locales import LONGEST, PATTERN, Locale, canonical, locale_or, lookup
from tools.settings import REPOSITORY

LOCALE: TypeAdapter[str] = TypeAdapter(Locale)

WELL_FORMED = {
    "en": "en",
    "de-AT": "de-AT",
    "DE-at": "de-AT",
    "de_AT": "de-AT",
    "es-419": "es-419",
    "zh-Hant-TW": "zh-Hant-TW",
    "ZH-hant-tw": "zh-Hant-TW",
    "zh-yue-HK": "zh-yue-HK",
    "gsw": "gsw",
    "ca-valencia": "ca-valencia",
    "sl-IT-1994": "sl-IT-1994",
    "sr-Latn-RS-x-OWN": "sr-Latn-RS-x-own",
    "de-DE-u-co-PHONEBK": "de-DE-u-co-phonebk",
    "en-ca-x-ca": "en-CA-x-ca",
    "en-a-AA-b-Cccc": "en-a-aa-b-cccc",
}
MALFORMED = [
    "",
    "d",
    "English",
    "d1",
    "de-",
    "-de",
    "de--AT",
    "de AT",
    "de-AT\n",
    "x-own",
    "i-klingon",
    "ä",
    "de-AT-" + "x" * 9,
    "de" + "-abcde" * 6,
]


@pytest.mark.parametrize(("sent", "kept"), WELL_FORMED.items())
def test_a_language_tag_is_taken_in_its_usual_spelling(sent: str, kept: str) -> None:
    assert LOCALE.validate_python(sent) == kept
    assert locale_or("none", sent) == kept


@pytest.mark.parametrize("sent", MALFORMED)
def test_a_text_that_is_no_language_tag_is_refused(sent: str) -> None:
    with pytest.raises(ValidationError):
        LOCALE.validate_python(sent)
    assert locale_or("none", sent) == "none"


@given(st.from_regex(PATTERN, fullmatch=True).filter(lambda tag: len(tag) <= LONGEST))
def test_the_usual_spelling_is_a_language_tag_and_stays_as_it_is(tag: str) -> None:
    usual = canonical(tag)
    assert LOCALE.validate_python(usual) == usual == locale_or("none", tag)


@given(st.from_regex(r"[a-z]{2}(-[A-Z]{2})?", fullmatch=True))
def test_a_locale_that_an_earlier_release_stored_stays_as_it_is(tag: str) -> None:
    assert LOCALE.validate_python(tag) == tag


@pytest.mark.parametrize(
    ("tag", "language"),
    [
        ("de-AT", "de"),
        ("DE_at", "de"),
        ("zh-Hant-TW", "zh-Hant"),
        ("zh-Hans", "zh"),
        ("zh-TW", "zh"),
        ("pt-br", "pt-BR"),
        ("pt-PT", "en"),
        ("zh-x-Hant", "zh"),
        ("fr", "en"),
        ("deu", "en"),
        ("", "en"),
        ("not a tag", "en"),
    ],
)
def test_the_language_with_the_most_parts_of_the_tag_fits_best(tag: str, language: str) -> None:
    assert lookup(tag, {"en", "de", "zh", "zh-Hant", "zh-x", "pt-BR"}, "en") == language


@given(st.text(max_size=50))
def test_any_text_has_a_language(text: str) -> None:
    assert lookup(text, {"en", "de"}, "en") in {"en", "de"}


def test_the_template_takes_the_operators_locale_in_the_same_form() -> None:
    template = (REPOSITORY / "template.yaml").read_text(encoding="utf-8")
    [parameter] = re.findall(r"\n  OperatorsLocale:\n((?:    .*\n)+)", template)
    assert f'    AllowedPattern: "{PATTERN}"\n' in parameter
    assert f"    MaxLength: {LONGEST}\n" in parameter

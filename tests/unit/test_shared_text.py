"""The form of a text: what counts as visible, and where people's texts come in."""

import sys
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
import regex  # type: ignore[import-untyped]
from pydantic import BaseModel, TypeAdapter, ValidationError

from catalog.domain.product import ProductDetails
from catalog.domain.product_import import check_lines
from inventory.domain.movement_request import Adjustment
from orders.domain.order_request import AddressRequest, OrderRequest
from shared.money import CurrencyCode
from shared.text import SKU, VISIBLE_LINE
from tools.contracts.openapi.document import openapi_document, operations_of, public_apis
from users.domain.profile import Profile, ProfileChange, SignUp

EVERY_CHARACTER = [chr(code) for code in range(sys.maxunicode + 1) if not 0xD800 <= code <= 0xDFFF]

INVISIBLE = [
    *("\u200b", "\u200d", "\u3164", "\u115f", "\u1160", "\uffa0", "\u2800", "\u00ad", "\ufeff", "\u2060"),
    *("\u180e", "\u034f", "\u0301", "\ufe0f", "\U000e0041", "\U0001d159", "\u00a0", "\u3000", " \u200b\t"),
    "\u200b\u3164\u2800\ufeff",
]


def unseen(characters: list[str]) -> set[str]:
    return {letter for letter in characters if not VISIBLE_LINE.fits(letter)}


def test_no_character_that_unicode_declares_to_be_ignored_is_visible() -> None:
    ignorable = regex.compile(r"\p{Default_Ignorable_Code_Point}")
    declared = [letter for letter in EVERY_CHARACTER if ignorable.match(letter)]
    assert len(declared) > 4000
    assert unseen(declared) == set(declared)


def test_every_letter_number_and_symbol_is_visible_but_for_fillers_and_blanks() -> None:
    glyphs = [letter for letter in EVERY_CHARACTER if unicodedata.category(letter)[0] in "LNPS"]
    hidden = {unicodedata.name(letter) for letter in unseen(glyphs)}
    assert hidden == {
        "HANGUL FILLER",
        "HALFWIDTH HANGUL FILLER",
        "HANGUL CHOSEONG FILLER",
        "HANGUL JUNGSEONG FILLER",
        "BRAILLE PATTERN BLANK",
        "EGYPTIAN HIEROGLYPH FULL BLANK",
        "EGYPTIAN HIEROGLYPH HALF BLANK",
        "MUSICAL SYMBOL NULL NOTEHEAD",
    }


def test_no_space_mark_or_control_is_visible_by_itself() -> None:
    others = [
        letter
        for letter in EVERY_CHARACTER
        if unicodedata.category(letter)[0] in "ZM" or unicodedata.category(letter) in {"Cc", "Cf"}
    ]
    assert unseen(others) == set(others)


@pytest.mark.parametrize(
    "text", ["A", "Łódź", "東京都", "नमस्ते", "می‌خواهم", "👩‍👧", "é", "\u200bAda", "-", "1"]
)
def test_a_visible_text_may_be_in_any_script_and_hold_invisible_characters(text: str) -> None:
    assert VISIBLE_LINE.fits(text)


ADDRESS = {"name": "Ada", "line1": "Weg 1", "city": "Graz", "postal_code": "8010", "country": "AT"}
PRODUCT = {
    "sku": "TEA-1", "name": "Tea", "description": "", "category": "tea", "price": {"amount": 1, "currency": "EUR"},
}  # fmt: skip
SIGN_UP = {"email": "ada@example.com", "password": "secret", "name": "Ada"}


def reads(model: type[BaseModel], good: Mapping[str, Any], field: str) -> Callable[[str], None]:
    """Reads `model` with a text in one field."""
    return lambda text: void(model.model_validate({**good, field: text}))


def reads_order(field: str) -> Callable[[str], None]:
    order = {"lines": [{"sku": "TEA-1", "quantity": 1}], "shipping_address": ADDRESS, "payment_token": "pm"}
    return lambda text: void(OrderRequest.model_validate({**order, field: text}))


def reads_row(text: str) -> None:
    file = f'sku,name,description,category,price_amount,price_currency\nTEA-1,"{text}",x,tea,1,EUR\n'
    [line] = check_lines(file.encode())
    if line.refused:
        raise ValueError(line.refused)


def void(_: object) -> None:
    """Nothing."""


ENTRANCES: dict[str, Callable[[str], None]] = {
    "a user who signs up": reads(SignUp, SIGN_UP, "name"),
    "a user who changes their name": reads(ProfileChange, {"name": "Ada", "locale": "en"}, "name"),
    **{
        f"an address's {field}": reads(AddressRequest, ADDRESS, field)
        for field in ("name", "line1", "line2", "city", "postal_code")
    },
    "an order's payment token": reads_order("payment_token"),
    "a product": reads(ProductDetails, PRODUCT, "name"),
    "a row of an import": reads_row,
    "the reason of a movement": reads(
        Adjustment, {"kind": "adjustment", "quantity": 1, "reason": "x"}, "reason"
    ),
}


@pytest.mark.parametrize("entrance", ENTRANCES)
@pytest.mark.parametrize("text", INVISIBLE, ids=ascii)
def test_a_text_that_nobody_could_see_is_refused_in_words(entrance: str, text: str) -> None:
    ENTRANCES[entrance]("Ada")
    with pytest.raises(ValueError, match=r"at least (one visible|1) character"):
        ENTRANCES[entrance](text)


@pytest.mark.parametrize("name", INVISIBLE, ids=ascii)
def test_an_account_that_was_made_elsewhere_with_an_invisible_name_is_called_by_its_address(
    name: str,
) -> None:
    profile, _ = Profile.register(
        "u-1", email="ada@example.com", name=name, locale="en", correlation_id="c", now=datetime.now(UTC)
    )
    assert profile.name == "ada"


def test_every_text_in_a_body_has_a_form_of_its_own() -> None:
    document = openapi_document(public_apis())
    found = [
        (f"{path}{place}", schema)
        for _, path, operation in operations_of(document)
        for media in operation.get("requestBody", {}).get("content", {}).values()
        for place, schema in texts("", media["schema"], document)
    ]
    formed = {place for place, schema in found if schema.keys() & {"enum", "const", "format", "pattern"}}
    assert len(formed) > 10 and {place for place, _ in found} == formed


def texts(place: str, schema: Any, document: Any) -> Iterator[tuple[str, Any]]:
    """Every string in a schema, by its place."""
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    if schema.get("type") == "string":
        yield place, schema
    for keyword in ("anyOf", "oneOf", "allOf"):
        for option in schema.get(keyword, []):
            yield from texts(place, option, document)
    for name, part in schema.get("properties", {}).items():
        yield from texts(f"{place}/{name}", part, document)
    if "items" in schema:
        yield from texts(f"{place}/*", schema["items"], document)


def test_the_refusal_says_in_words_what_is_allowed() -> None:
    with pytest.raises(ValidationError) as refused:
        TypeAdapter(CurrencyCode).validate_python("euro")
    [problem] = refused.value.errors()
    assert problem["msg"] == "Write the currency's code in three capital letters (ISO 4217), as in EUR"


def test_the_schema_shows_programs_the_pattern() -> None:
    assert TypeAdapter(CurrencyCode).json_schema()["pattern"] == "^[A-Z]{3}$"
    assert SKU.fits("TEA-1") and not SKU.fits("tea\n")


@pytest.mark.parametrize("end", ["\r\n", "\r", "\n"], ids=ascii)
def test_a_description_is_stored_with_plain_line_ends_however_it_was_sent(end: str) -> None:
    sent = f"Malty.{end}{end}Strong."
    assert ProductDetails.model_validate({**PRODUCT, "description": sent}).description == "Malty.\n\nStrong."


def test_a_description_in_an_import_may_have_the_line_ends_of_windows() -> None:
    file = (
        b'sku,name,description,category,price_amount,price_currency\r\nTEA-1,Tea,"One\r\nTwo",tea,1,EUR\r\n'
    )
    [line] = check_lines(file)
    assert line.details is not None and line.details.description == "One\nTwo"

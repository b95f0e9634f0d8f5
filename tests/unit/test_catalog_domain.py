"""The rules of a product, and the order of the shelves."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unicodedata import category, normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from catalog.domain.collation import sort_key
from catalog.domain.product import Category, Position, Product, ProductDetails, is_sku, shelves_from
from shared.cursor import encode_cursor
from shared.money import Money

NOW = datetime(2026, 11, 21, 10, 15, tzinfo=UTC)
SEED = Path(__file__).parents[2] / "tools" / "shop" / "seed_products.json"


def details(**changes: Any) -> ProductDetails:
    fields: dict[str, Any] = {
        "sku": "TEA-ASSAM-100",
        "name": "Assam",
        "description": "Malty.",
        "category": Category.TEA,
        "price": Money(amount=790, currency="EUR"),
    }
    return ProductDetails(**{**fields, **changes})


def introduced(**changes: Any) -> Product:
    return Product.introduce(details(**changes), correlation_id="c-1", now=NOW)[0]


def test_a_product_begins_at_version_1_with_one_event_that_orders_can_price_by() -> None:
    product, [event] = Product.introduce(details(), correlation_id="c-1", now=NOW)
    assert product.version == 1
    assert (event.event_type, event.aggregate_id, event.aggregate_version) == (
        "product.changed",
        "TEA-ASSAM-100",
        1,
    )
    assert event.data == {
        "sku": "TEA-ASSAM-100",
        "name": "Assam",
        "category": "tea",
        "price": {"amount": 790, "currency": "EUR"},
        "active": True,
        "version": 1,
    }


def test_a_revision_is_the_next_version_with_its_own_event() -> None:
    dearer = details(price=Money(amount=890, currency="EUR"))
    product, [event] = introduced().revise(dearer, correlation_id="c-2", now=NOW)
    assert (product.version, product.price.amount) == (2, 890)
    assert (event.aggregate_version, event.data["version"], event.data["price"]["amount"]) == (2, 2, 890)


def test_a_revision_that_changes_nothing_is_no_new_version_and_no_event() -> None:
    product = introduced()
    assert product.revise(details(), correlation_id="c-2", now=NOW) == (product, [])


def test_a_retired_product_is_the_next_version_off_sale_with_an_event() -> None:
    product, [event] = introduced().retire(correlation_id="c-2", now=NOW)
    assert (product.version, product.active) == (2, False)
    assert (event.aggregate_version, event.data["active"], event.data["version"]) == (2, False, 2)
    assert event.data["price"] == {"amount": 790, "currency": "EUR"}


def test_a_retired_product_cannot_be_retired_again_but_revised_back_on_sale() -> None:
    retired, _ = introduced().retire(correlation_id="c-2", now=NOW)
    assert retired.retire(correlation_id="c-3", now=NOW) == (retired, [])
    product, [event] = retired.revise(details(), correlation_id="c-4", now=NOW)
    assert (product.version, product.active, event.data["active"]) == (3, True, True)


def test_a_product_cannot_become_another() -> None:
    with pytest.raises(ValueError, match="TEA-OTHER"):
        introduced().revise(details(sku="TEA-OTHER"), correlation_id="c-2", now=NOW)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("sku", "tea-assam"),
        ("sku", "TEA--ASSAM"),
        ("sku", "T" * 41),
        ("name", "  "),
        ("name", "x" * 121),
        ("name", "two\nlines"),
        ("name", "bell\x07"),
        ("name", "next\x85line"),
        ("description", "x" * 2001),
        ("description", "nul\x00"),
        ("price", {"amount": 0, "currency": "EUR"}),
        ("price", {"amount": 10_000_000_01, "currency": "EUR"}),
        ("price", {"amount": 100, "currency": "euro"}),
        ("category", "garden"),
    ],
)
def test_a_product_that_could_not_be_sold_is_refused(field: str, value: Any) -> None:
    with pytest.raises(ValidationError):
        details(**{field: value})


@given(st.text(max_size=130))
def test_a_name_is_one_line_of_visible_text_trimmed_or_refused(text: str) -> None:
    try:
        name = details(name=text).name
    except ValidationError:
        return
    assert name == text.strip()
    assert 1 <= len(name) <= 120
    assert not any(category(letter) in {"Cc", "Zl", "Zp"} for letter in name)


def test_a_description_may_have_lines() -> None:
    assert details(description=" One\n\nTwo\n").description == "One\n\nTwo"


def test_the_line_ends_of_a_browsers_form_count_as_one_character() -> None:
    full = "x\n" * 999 + "xx"

    assert details(description=full.replace("\n", "\r\n")).description == full
    assert details(description="One\rTwo").description == "One\nTwo"
    with pytest.raises(ValidationError):
        details(description=full.replace("\n", "\r\n") + "x")


@given(st.text(max_size=60))
def test_a_product_may_have_exactly_the_skus_that_is_sku_accepts(text: str) -> None:
    try:
        details(sku=text)
        accepted = True
    except ValidationError:
        accepted = False
    assert is_sku(text) == accepted


def test_products_stand_by_name_without_regard_to_case_and_by_sku_among_equal_names() -> None:
    stock = [("b", "X-1"), ("A", "X-3"), ("a", "X-2")]
    places = sorted(Position.of(details(name=name, sku=sku)).place for name, sku in stock)
    assert places == ["a\tX-2", "a\tX-3", "b\tX-1"]


@pytest.mark.parametrize(
    "names",
    [
        ["Abend", "Äpfel", "Arabica", "Zimt"],
        ["Cafe", "Café crème", "Cafeteria", "Caffè"],
        ["Odin", "Øl", "Omelett"],
        ["Tea", "Tea Black", "Tea, Green", "tea-light", "Teapot"],
        ["Łódź", "Lola", "Straße", "Strasse 2", "Strassen"],
        ["12 Cups", "Cup", "\u0416\u0443\u043a", "\u6297\u8336"],
        ["\u2605", "\u00abAssam\u00bb", "(Bio) Tee"],
    ],
)
def test_names_stand_as_in_a_dictionary(names: list[str]) -> None:
    written = [normalize(form, name) for name in names for form in ("NFC", "NFD")]
    listed = sorted(written, key=lambda name: Position.of(details(name=name)).place.encode())
    assert list(dict.fromkeys(normalize("NFC", name) for name in listed)) == names


@given(st.text(max_size=60))
def test_a_name_has_one_place_however_it_is_written(name: str) -> None:
    keys = {sort_key(normalize(form, name)) for form in ("NFC", "NFD", "NFKC", "NFKD")}
    assert len(keys) == 1
    assert not any(category(letter) == "Cc" for letter in keys.pop())


def test_browsing_goes_on_from_the_positions_shelf_to_the_last() -> None:
    shelves = list(Category)
    position = Position(shelf=shelves[2], place="x")
    assert shelves_from(None, None) == shelves
    assert shelves_from(position, None) == shelves[2:]
    assert shelves_from(position, shelves[2]) == [shelves[2]]


def test_a_position_on_another_shelf_than_the_one_browsed_is_refused() -> None:
    with pytest.raises(ValueError, match="tea"):
        shelves_from(Position(shelf=Category.TEA, place="x"), Category.GIFTS)


@pytest.mark.parametrize("place", ["", "x" * 1025, "ü" * 513, "\ud800"])
def test_a_place_that_cannot_be_a_key_is_refused(place: str) -> None:
    with pytest.raises(ValidationError):
        Position(shelf=Category.TEA, place=place)


@pytest.mark.parametrize("letter", ["\U0001f375", "\u0390", "\ufb03", "\u1fb7"])
def test_the_longest_name_in_any_script_has_a_place_that_a_cursor_can_hold(letter: str) -> None:
    position = Position.of(details(name=letter * 120, sku="T" * 40))
    assert len(encode_cursor(position.model_dump(mode="json"))) <= 2048


def test_every_seed_product_is_a_product_and_has_stock_to_sell() -> None:
    seeds = json.loads(SEED.read_text())
    assert len({ProductDetails.model_validate(seed).sku for seed in seeds}) == len(seeds) == 24
    assert all(3 <= seed["initial_stock"] <= 200 for seed in seeds)
    assert all(0 < seed["low_threshold"] < seed["initial_stock"] for seed in seeds)
    assert {seed["sku"]: seed["initial_stock"] for seed in seeds}["TEA-GLASS-LTD"] == 3

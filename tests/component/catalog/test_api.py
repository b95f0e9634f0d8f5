"""Browsing and reading products, through the real handler, against a pretended DynamoDB."""

import base64
import json
from typing import Any

import boto3
import pytest

from catalog.domain.product import Category
from shared.money import Money
from shared.versioned_table import WriteConflict
from tests.component.catalog.account import TABLE, CatalogAccount
from tests.component.rest_events import header, json_body


def cursor_of(position: Any) -> str:
    """A cursor that a client made up."""
    return base64.urlsafe_b64encode(json.dumps(position).encode()).decode().rstrip("=")


def test_a_product_is_read_by_its_sku_by_anyone(catalog: CatalogAccount) -> None:
    catalog.sell("TEA-1", name="Assam", price=Money(amount=1250, currency="EUR"))
    answer = catalog.get("/products/TEA-1")
    assert answer["statusCode"] == 200
    assert json_body(answer) == {
        "sku": "TEA-1",
        "name": "Assam",
        "description": "Good.",
        "category": "tea",
        "price": {"amount": 1250, "currency": "EUR"},
        "active": True,
        "pictures": [],
    }
    assert header(answer, "Cache-Control") == "public, max-age=30"
    assert header(answer, "ETag") == '"1"'


@pytest.mark.parametrize("known", ['"2"', 'W/"2"', '"1", "2"', '"1",W/"2"', "*"])
def test_a_client_with_the_latest_version_gets_304_without_a_body(
    catalog: CatalogAccount, known: str
) -> None:
    catalog.revise(catalog.sell("TEA-1"), name="Assam")
    answer = catalog.get("/products/TEA-1", headers={"If-None-Match": known})
    assert (answer["statusCode"], answer["body"]) == (304, "")
    assert (header(answer, "ETag"), header(answer, "Cache-Control")) == ('"2"', "public, max-age=30")
    assert header(answer, "X-Correlation-Id") is not None


@pytest.mark.parametrize("known", ['"1"', '"12"', "2", "", '"1", "3"', "rubbish"])
def test_a_client_with_another_version_gets_the_product(catalog: CatalogAccount, known: str) -> None:
    catalog.revise(catalog.sell("TEA-1"), name="Assam")
    answer = catalog.get("/products/TEA-1", headers={"If-None-Match": known})
    assert (answer["statusCode"], json_body(answer)["name"]) == (200, "Assam")


def test_an_unknown_product_is_not_found_whatever_version_is_known(catalog: CatalogAccount) -> None:
    assert catalog.get("/products/TEA-404", headers={"If-None-Match": "*"})["statusCode"] == 404


def test_a_list_of_versions_that_is_too_long_is_unprocessable_and_named(catalog: CatalogAccount) -> None:
    catalog.sell("TEA-1")
    answer = catalog.get("/products/TEA-1", headers={"If-None-Match": '"1",' * 300})
    assert answer["statusCode"] == 422
    assert json_body(answer)["errors"][0]["pointer"].lower() == "/header/if-none-match"


@pytest.mark.parametrize("sku", ["TEA-404", "not a sku", "x" * 3000])
def test_a_product_that_is_not_sold_is_not_found(catalog: CatalogAccount, sku: str) -> None:
    answer = catalog.get(f"/products/{sku}")
    assert answer["statusCode"] == 404
    assert header(answer, "Content-Type") == "application/problem+json"
    assert json_body(answer)["type"].endswith("/not-found")


def test_a_retired_product_is_not_listed_but_its_link_still_shows_it(catalog: CatalogAccount) -> None:
    product = catalog.sell("TEA-1")
    assert catalog.pages() == [["TEA-1"]]
    catalog.revise(product, active=False)
    answer = catalog.get("/products/TEA-1")
    assert (answer["statusCode"], json_body(answer)["active"]) == (200, False)
    assert catalog.pages() == [[]]


def test_a_product_back_on_sale_is_listed_again(catalog: CatalogAccount) -> None:
    withdrawn = catalog.revise(catalog.sell("TEA-1"), active=False)
    catalog.revise(withdrawn, active=True)
    assert catalog.pages() == [["TEA-1"]]


def test_products_are_listed_by_category_and_then_by_name(catalog: CatalogAccount) -> None:
    catalog.sell("GIFT-1", category=Category.GIFTS, name="A box")
    catalog.sell("TEA-1", name="sencha")
    catalog.sell("TEA-2", name="Assam")
    assert catalog.pages() == [["TEA-2", "TEA-1", "GIFT-1"]]


def test_a_category_lists_only_its_own(catalog: CatalogAccount) -> None:
    catalog.sell("GIFT-1", category=Category.GIFTS)
    catalog.sell("TEA-1")
    assert catalog.pages(category="gifts") == [["GIFT-1"]]
    assert catalog.pages(category="coffee") == [[]]


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 7, 8])
def test_pages_follow_each_other_across_categories_without_gap_or_repetition(
    catalog: CatalogAccount, limit: int
) -> None:
    for number in range(4):
        catalog.sell(f"TEA-{number}", name="Same name")
    for number in range(3):
        catalog.sell(f"GIFT-{number}", category=Category.GIFTS)
    pages = catalog.pages(limit=str(limit))
    assert [sku for page in pages for sku in page] == [
        "TEA-0", "TEA-1", "TEA-2", "TEA-3", "GIFT-0", "GIFT-1", "GIFT-2",
    ]  # fmt: skip
    assert all(len(page) == limit for page in pages[:-1])
    assert pages[-1], "a `next` always leads to something"


NAMES = ("Abend", "A\u0308pfel", "Arabica", "\u00c4rger", "Zimt")


@pytest.mark.parametrize("limit", ["1", "2", "100"])
def test_products_stand_where_a_person_looks_for_their_names(catalog: CatalogAccount, limit: str) -> None:
    """The second name has its Ä in two characters, the fourth in one."""
    for number, name in reversed(list(enumerate(NAMES))):
        catalog.sell(f"TEA-{number}", name=name)

    pages = catalog.pages(category="tea", limit=limit)

    assert [sku for page in pages for sku in page] == [f"TEA-{number}" for number in range(len(NAMES))]


@pytest.mark.parametrize("limit", ["1", "2", "3"])
def test_products_with_places_of_an_older_rule_are_listed_once_each_and_in_order_when_renewed(
    catalog: CatalogAccount, limit: str
) -> None:
    for number, name in enumerate(NAMES):
        catalog.sell(f"TEA-{number}", name=name)
        put_at(f"TEA-{number}", f"{name.casefold()}#TEA-{number}")
    catalog.revise(catalog.sell("TEA-9"), active=False)
    events = catalog.outbox("TEA-1")

    before = [sku for page in catalog.pages(category="tea", limit=limit) for sku in page]
    renewed = catalog.store.renew_places()
    after = [sku for page in catalog.pages(category="tea", limit=limit) for sku in page]

    assert sorted(before) == after == [f"TEA-{number}" for number in range(len(NAMES))]
    assert before != after
    assert (renewed, catalog.store.renew_places()) == (len(NAMES), 0)
    assert catalog.outbox("TEA-1") == events


def put_at(sku: str, place: str) -> None:
    """Stores the product's place as another release did."""
    boto3.client("dynamodb").update_item(
        TableName=TABLE,
        Key={"pk": {"S": sku}},
        UpdateExpression="SET place = :place",
        ExpressionAttributeValues={":place": {"S": place}},
    )


def test_a_page_of_one_category_goes_on_within_it(catalog: CatalogAccount) -> None:
    for number in range(3):
        catalog.sell(f"TEA-{number}")
    catalog.sell("GIFT-1", category=Category.GIFTS)
    assert catalog.pages(category="tea", limit="2") == [["TEA-0", "TEA-1"], ["TEA-2"]]


def test_a_product_renamed_between_two_pages_moves_and_does_not_break_the_walk(
    catalog: CatalogAccount,
) -> None:
    first = catalog.sell("TEA-1", name="Assam")
    catalog.sell("TEA-2", name="Sencha")
    page = json_body(catalog.get("/products", limit="1"))
    catalog.revise(first, name="Darjeeling")
    following = json_body(catalog.get("/products", cursor=page["next"]))
    assert [product["name"] for product in following["products"]] == ["Darjeeling", "Sencha"]


def test_products_added_between_two_pages_neither_repeat_nor_skip_any(catalog: CatalogAccount) -> None:
    for name in ("b", "d", "f"):
        catalog.sell(f"TEA-{name.upper()}", name=name)
    first = json_body(catalog.get("/products", limit="2"))
    catalog.sell("TEA-A", name="a")  # before the first page
    catalog.sell("TEA-C", name="c")  # within it
    catalog.sell("TEA-E", name="e")  # after it
    second = json_body(catalog.get("/products", limit="2", cursor=first["next"]))
    assert [product["name"] for product in first["products"] + second["products"]] == ["b", "d", "e", "f"]


@pytest.mark.parametrize("limit", ["0", "101", "-1", "many"])
def test_a_limit_out_of_range_is_unprocessable_and_named(catalog: CatalogAccount, limit: str) -> None:
    answer = catalog.get("/products", limit=limit)
    assert answer["statusCode"] == 422
    assert json_body(answer)["errors"][0]["pointer"] == "/query/limit"


def test_an_unknown_category_is_unprocessable_and_named(catalog: CatalogAccount) -> None:
    answer = catalog.get("/products", category="garden")
    assert answer["statusCode"] == 422
    assert json_body(answer)["errors"][0]["pointer"] == "/query/category"


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "rubbish",
        "%%%",
        "ümläut",
        cursor_of([]),
        cursor_of({"shelf": "tea"}),
        cursor_of({"shelf": "tea", "place": 7}),
        cursor_of({"shelf": "tea", "place": ""}),
        cursor_of({"shelf": "garden", "place": "a#B"}),
        cursor_of({"shelf": "tea", "place": "x" * 1100}),
        cursor_of({"shelf": "tea", "place": "\ud800"}),
        cursor_of({"shelf": "tea", "place": "a#B", "pk": "B"}),
    ],
)
def test_a_cursor_that_no_page_handed_out_is_a_bad_request_and_named(
    catalog: CatalogAccount, cursor: str
) -> None:
    answer = catalog.get("/products", cursor=cursor)
    assert answer["statusCode"] == 400
    assert [entry["pointer"] for entry in json_body(answer)["errors"]] == ["/query/cursor"]


def test_a_cursor_of_one_category_is_refused_in_another(catalog: CatalogAccount) -> None:
    for number in range(2):
        catalog.sell(f"TEA-{number}")
    cursor = json_body(catalog.get("/products", category="tea", limit="1"))["next"]
    answer = catalog.get("/products", category="gifts", cursor=cursor)
    assert answer["statusCode"] == 400
    assert json_body(answer)["errors"][0]["pointer"] == "/query/cursor"


@pytest.mark.parametrize(
    ("first", "second"),
    [("\U0001f375", "\U0001f376"), pytest.param("\u0390", "\u03b0", id="folds to three letters")],
)
def test_the_cursor_after_the_longest_name_can_be_handed_back(
    catalog: CatalogAccount, first: str, second: str
) -> None:
    catalog.sell("TEA-1", name=first * 120)
    catalog.sell("TEA-2", name=second * 120)
    assert catalog.pages(limit="1") == [["TEA-1"], ["TEA-2"]]


def test_a_product_and_its_event_are_stored_together(catalog: CatalogAccount) -> None:
    product = catalog.sell("TEA-1")
    assert [event["event_id"] for event in catalog.outbox("TEA-1")] == ["TEA-1:1:product.changed"]
    catalog.revise(product, price=Money(amount=990, currency="EUR"))
    [event] = catalog.outbox("TEA-1")
    assert (event["aggregate_version"], event["data"]["price"]["amount"]) == (2, 990)


def test_of_two_changes_to_the_same_version_the_second_is_refused(catalog: CatalogAccount) -> None:
    product = catalog.sell("TEA-1")
    catalog.revise(product, name="First")
    with pytest.raises(WriteConflict):
        catalog.revise(product, name="Second")
    stored = catalog.store.find("TEA-1", consistent=True)
    assert stored is not None
    assert stored.name == "First"


def test_a_product_introduced_twice_is_stored_once(catalog: CatalogAccount) -> None:
    catalog.sell("TEA-1", name="First")
    with pytest.raises(WriteConflict):
        catalog.sell("TEA-1", name="Second")
    assert json_body(catalog.get("/products/TEA-1"))["name"] == "First"

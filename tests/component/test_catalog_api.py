"""Browsing and reading products, through the real handler, against a pretended DynamoDB."""

import base64
import json
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest

from catalog.domain import Category, Product, ProductDetails
from shared.money import Money
from tests.component.rest_events import header, json_body, rest_event

NOW = datetime(2026, 11, 21, 10, 15, tzinfo=UTC)


def details(sku: str, **changes: Any) -> ProductDetails:
    fields: dict[str, Any] = {
        "sku": sku,
        "name": sku.title(),
        "description": "Good.",
        "category": Category.TEA,
        "price": Money(amount=790, currency="EUR"),
    }
    return ProductDetails(**{**fields, **changes})


class Catalog:
    """The catalogue API as a client meets it, and the store that the shop fills it through."""

    def __init__(self, context: Any) -> None:
        from catalog.resources import product_store

        self._context = context
        self.store = product_store()

    def get(self, path: str, **query: str) -> dict[str, Any]:
        from catalog.api import handler

        return handler(rest_event("GET", path, query=query or None), self._context)

    def sell(self, sku: str, **changes: Any) -> Product:
        product, events = Product.introduce(details(sku, **changes), correlation_id="c-1", now=NOW)
        self.store.put_product(product, events)
        return product

    def revise(self, product: Product, **changes: Any) -> Product:
        changed = ProductDetails(**{**product.model_dump(), **changes})
        revised, events = product.revise(changed, correlation_id="c-2", now=NOW)
        self.store.put_product(revised, events)
        return revised

    def pages(self, **query: str) -> list[list[str]]:
        """The skus of every page, following `next` to the end."""
        pages: list[list[str]] = []
        for _ in range(20):
            page = json_body(self.get("/products", **query))
            pages.append([product["sku"] for product in page["products"]])
            if page["next"] is None:
                return pages
            query["cursor"] = page["next"]
        raise AssertionError(f"the list does not end: {pages}")

    def outbox(self, sku: str) -> list[dict[str, Any]]:
        item = boto3.client("dynamodb").get_item(TableName="catalog", Key={"pk": {"S": sku}})["Item"]
        return [json.loads(entry["S"]) for entry in item["outbox"]["L"]]


@pytest.fixture
def catalog(aws: None, lambda_context: Any, monkeypatch: pytest.MonkeyPatch) -> Catalog:
    names = ("sku", "name", "description", "category", "price", "active", "version", "changed_at")
    boto3.client("dynamodb").create_table(
        TableName="catalog",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[
            {"AttributeName": name, "AttributeType": "S"} for name in ("pk", "shelf", "place")
        ],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by-shelf",
                "KeySchema": [
                    {"AttributeName": "shelf", "KeyType": "HASH"},
                    {"AttributeName": "place", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": list(names)},
            }
        ],
    )
    monkeypatch.setenv("TABLE_NAME", "catalog")
    from catalog import resources

    resources.product_store.cache_clear()
    return Catalog(lambda_context)


def cursor_of(position: Any) -> str:
    """A cursor that a client made up."""
    return base64.urlsafe_b64encode(json.dumps(position).encode()).decode().rstrip("=")


def test_a_product_is_read_by_its_sku_by_anyone(catalog: Catalog) -> None:
    catalog.sell("TEA-1", name="Assam", price=Money(amount=1250, currency="EUR"))
    answer = catalog.get("/products/TEA-1")
    assert answer["statusCode"] == 200
    assert json_body(answer) == {
        "sku": "TEA-1",
        "name": "Assam",
        "description": "Good.",
        "category": "tea",
        "price": {"amount": 1250, "currency": "EUR"},
    }
    assert header(answer, "Cache-Control") == "public, max-age=30"


@pytest.mark.parametrize("sku", ["TEA-404", "not a sku", "x" * 3000])
def test_a_product_that_is_not_sold_is_not_found(catalog: Catalog, sku: str) -> None:
    answer = catalog.get(f"/products/{sku}")
    assert answer["statusCode"] == 404
    assert header(answer, "Content-Type") == "application/problem+json"
    assert json_body(answer)["type"].endswith("/not-found")


def test_a_product_taken_off_sale_is_neither_listed_nor_found(catalog: Catalog) -> None:
    product = catalog.sell("TEA-1")
    catalog.revise(product, active=False)
    assert catalog.get("/products/TEA-1")["statusCode"] == 404
    assert catalog.pages() == [[]]


def test_a_product_back_on_sale_is_listed_again(catalog: Catalog) -> None:
    withdrawn = catalog.revise(catalog.sell("TEA-1"), active=False)
    catalog.revise(withdrawn, active=True)
    assert catalog.pages() == [["TEA-1"]]


def test_products_are_listed_by_category_and_then_by_name(catalog: Catalog) -> None:
    catalog.sell("GIFT-1", category=Category.GIFTS, name="A box")
    catalog.sell("TEA-1", name="sencha")
    catalog.sell("TEA-2", name="Assam")
    assert catalog.pages() == [["TEA-2", "TEA-1", "GIFT-1"]]


def test_a_category_lists_only_its_own(catalog: Catalog) -> None:
    catalog.sell("GIFT-1", category=Category.GIFTS)
    catalog.sell("TEA-1")
    assert catalog.pages(category="gifts") == [["GIFT-1"]]
    assert catalog.pages(category="coffee") == [[]]


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 7, 8])
def test_pages_follow_each_other_across_categories_without_gap_or_repetition(
    catalog: Catalog, limit: int
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


def test_a_page_of_one_category_goes_on_within_it(catalog: Catalog) -> None:
    for number in range(3):
        catalog.sell(f"TEA-{number}")
    catalog.sell("GIFT-1", category=Category.GIFTS)
    assert catalog.pages(category="tea", limit="2") == [["TEA-0", "TEA-1"], ["TEA-2"]]


def test_a_product_renamed_between_two_pages_moves_and_does_not_break_the_walk(catalog: Catalog) -> None:
    first = catalog.sell("TEA-1", name="Assam")
    catalog.sell("TEA-2", name="Sencha")
    page = json_body(catalog.get("/products", limit="1"))
    catalog.revise(first, name="Darjeeling")
    following = json_body(catalog.get("/products", cursor=page["next"]))
    assert [product["name"] for product in following["products"]] == ["Darjeeling", "Sencha"]


@pytest.mark.parametrize("limit", ["0", "101", "-1", "many"])
def test_a_limit_out_of_range_is_unprocessable_and_named(catalog: Catalog, limit: str) -> None:
    answer = catalog.get("/products", limit=limit)
    assert answer["statusCode"] == 422
    assert json_body(answer)["errors"][0]["pointer"] == "/query/limit"


def test_an_unknown_category_is_unprocessable_and_named(catalog: Catalog) -> None:
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
def test_a_cursor_that_no_page_handed_out_is_a_bad_request_and_named(catalog: Catalog, cursor: str) -> None:
    answer = catalog.get("/products", cursor=cursor)
    assert answer["statusCode"] == 400
    assert [entry["pointer"] for entry in json_body(answer)["errors"]] == ["/query/cursor"]


def test_a_cursor_of_one_category_is_refused_in_another(catalog: Catalog) -> None:
    for number in range(2):
        catalog.sell(f"TEA-{number}")
    cursor = json_body(catalog.get("/products", category="tea", limit="1"))["next"]
    answer = catalog.get("/products", category="gifts", cursor=cursor)
    assert answer["statusCode"] == 400
    assert json_body(answer)["errors"][0]["pointer"] == "/query/cursor"


def test_the_cursor_after_the_longest_name_can_be_handed_back(catalog: Catalog) -> None:
    catalog.sell("TEA-1", name="\U0001f375" * 120)
    catalog.sell("TEA-2", name="\U0001f376" * 120)
    assert catalog.pages(limit="1") == [["TEA-1"], ["TEA-2"]]


def test_a_product_and_its_event_are_stored_together(catalog: Catalog) -> None:
    product = catalog.sell("TEA-1")
    assert [event["event_id"] for event in catalog.outbox("TEA-1")] == ["TEA-1:1:product.changed"]
    catalog.revise(product, price=Money(amount=990, currency="EUR"))
    [event] = catalog.outbox("TEA-1")
    assert (event["aggregate_version"], event["data"]["price"]["amount"]) == (2, 990)


def test_of_two_changes_to_the_same_version_the_second_is_refused(catalog: Catalog) -> None:
    from catalog.store import ProductContended

    product = catalog.sell("TEA-1")
    catalog.revise(product, name="First")
    with pytest.raises(ProductContended):
        catalog.revise(product, name="Second")
    stored = catalog.store.find("TEA-1", consistent=True)
    assert stored is not None
    assert stored.name == "First"


def test_a_product_introduced_twice_is_stored_once(catalog: Catalog) -> None:
    from catalog.store import ProductContended

    catalog.sell("TEA-1", name="First")
    with pytest.raises(ProductContended):
        catalog.sell("TEA-1", name="Second")
    assert json_body(catalog.get("/products/TEA-1"))["name"] == "First"

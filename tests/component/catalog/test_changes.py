"""Adding, changing and retiring products, through the real handler, against a pretended DynamoDB."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from shared.aws import client
from tests.component.catalog.account import (
    CUSTOMER,
    CatalogAccount,
    change,
    new_product,
)
from tests.component.rest_events import CORRELATION_ID, header, json_body


def kind(answer: dict[str, Any]) -> tuple[int, str]:
    """An answer's status and the end of its problem type."""
    return answer["statusCode"], json_body(answer)["type"].rpartition("/")[2]


def put(catalog: CatalogAccount, body: Any, *, etag: str | None, sku: str = "TEA-1") -> dict[str, Any]:
    return catalog.send("PUT", f"/products/{sku}", body, headers={"If-Match": etag} if etag else None)


def delete(catalog: CatalogAccount, *, etag: str | None, sku: str = "TEA-1") -> dict[str, Any]:
    return catalog.send("DELETE", f"/products/{sku}", headers={"If-Match": etag} if etag else None)


def test_an_added_product_is_on_sale_and_published(catalog: CatalogAccount) -> None:
    answer = catalog.send("POST", "/products", new_product(name="  Assam  ", description="One\nTwo\n"))
    assert answer["statusCode"] == 201
    assert (header(answer, "Location"), header(answer, "ETag")) == ("/test/products/TEA-1", '"1"')
    assert json_body(answer) == new_product(name="Assam", description="One\nTwo", pictures=[])
    assert json_body(catalog.get("/products/TEA-1")) == json_body(answer)
    assert catalog.pages() == [["TEA-1"]]
    [event] = catalog.outbox("TEA-1")
    assert event["correlation_id"] == CORRELATION_ID
    assert event["data"] == {
        "sku": "TEA-1",
        "name": "Assam",
        "category": "tea",
        "price": {"amount": 790, "currency": "EUR"},
        "active": True,
        "version": 1,
    }


def test_a_product_can_be_prepared_before_it_is_sold(catalog: CatalogAccount) -> None:
    assert catalog.send("POST", "/products", new_product(active=False))["statusCode"] == 201
    assert catalog.pages() == [[]]
    assert put(catalog, change(active=True), etag='"1"')["statusCode"] == 200
    assert catalog.pages() == [["TEA-1"]]


def test_a_product_is_on_sale_at_once_by_default(catalog: CatalogAccount) -> None:
    body = new_product()
    del body["active"]
    assert json_body(catalog.send("POST", "/products", body))["active"] is True


@pytest.mark.parametrize("again", [new_product(), new_product(name="Another")])
def test_a_sku_is_taken_once_even_by_a_repeat(catalog: CatalogAccount, again: dict[str, Any]) -> None:
    catalog.send("POST", "/products", new_product())
    answer = catalog.send("POST", "/products", again)
    assert kind(answer) == (409, "sku-taken")
    assert json_body(answer)["errors"] == [{"pointer": "/body/sku", "detail": "taken"}]
    assert json_body(catalog.get("/products/TEA-1"))["name"] == "Assam"


def test_the_sku_of_a_retired_product_stays_taken(catalog: CatalogAccount) -> None:
    catalog.revise(catalog.sell("TEA-1"), active=False)
    assert kind(catalog.send("POST", "/products", new_product())) == (409, "sku-taken")


def test_a_change_replaces_all_details_and_is_published(catalog: CatalogAccount) -> None:
    catalog.sell("TEA-1")
    body = change(
        name="Yixing pot",
        description="",
        category="teaware",
        price={"amount": 4900, "currency": "CHF"},
        active=True,
    )
    answer = put(catalog, body, etag='"1"')
    assert (answer["statusCode"], header(answer, "ETag")) == (200, '"2"')
    assert json_body(answer) == {"sku": "TEA-1", **body, "pictures": []}
    assert json_body(catalog.get("/products/TEA-1")) == json_body(answer)
    assert catalog.pages(category="teaware") == [["TEA-1"]]
    [event] = catalog.outbox("TEA-1")
    assert (event["event_type"], event["aggregate_version"]) == ("product.changed", 2)
    assert event["data"]["price"] == {"amount": 4900, "currency": "CHF"}


def test_a_change_that_changes_nothing_is_no_new_version(catalog: CatalogAccount) -> None:
    catalog.send("POST", "/products", new_product())
    answer = put(catalog, change(), etag='"1"')
    assert (answer["statusCode"], header(answer, "ETag")) == (200, '"1"')
    assert [event["aggregate_version"] for event in catalog.outbox("TEA-1")] == [1]


def test_a_retired_product_is_put_on_sale_again_by_a_change(catalog: CatalogAccount) -> None:
    catalog.revise(catalog.sell("TEA-1"), active=False)
    assert json_body(put(catalog, change(active=True), etag='"2"'))["active"] is True
    assert catalog.pages() == [["TEA-1"]]
    assert catalog.outbox("TEA-1")[0]["data"]["active"] is True


def test_a_change_can_retire_as_well(catalog: CatalogAccount) -> None:
    catalog.sell("TEA-1")
    assert json_body(put(catalog, change(active=False), etag='"1"'))["active"] is False
    assert catalog.pages() == [[]]


def test_a_retired_product_is_off_sale_and_published(catalog: CatalogAccount) -> None:
    catalog.sell("TEA-1")
    answer = delete(catalog, etag='"1"')
    assert (answer["statusCode"], answer["body"], header(answer, "ETag")) == (204, "", '"2"')
    assert json_body(catalog.get("/products/TEA-1"))["active"] is False
    assert catalog.pages() == [[]]
    [event] = catalog.outbox("TEA-1")
    assert (event["data"]["active"], event["data"]["version"]) == (False, 2)


def test_retiring_a_retired_product_changes_nothing(catalog: CatalogAccount) -> None:
    catalog.revise(catalog.sell("TEA-1"), active=False)
    answer = delete(catalog, etag='"2"')
    assert (answer["statusCode"], header(answer, "ETag")) == (204, '"2"')
    assert catalog.outbox("TEA-1")[0]["aggregate_version"] == 2


CHANGES = {"PUT": change(name="Mine"), "DELETE": None}


@pytest.mark.parametrize("method", CHANGES)
def test_a_change_must_name_the_version_it_is_based_on(catalog: CatalogAccount, method: str) -> None:
    catalog.sell("TEA-1")
    assert kind(catalog.send(method, "/products/TEA-1", CHANGES[method])) == (428, "precondition-required")


@pytest.mark.parametrize("method", CHANGES)
@pytest.mark.parametrize("etag", ['"1"', '"3"', 'W/"2"', "2", "*", '"2", "3"', "", '"x"'])
def test_a_change_based_on_anything_but_the_latest_version_is_refused(
    catalog: CatalogAccount, method: str, etag: str
) -> None:
    catalog.revise(catalog.sell("TEA-1"), name="Theirs")
    answer = catalog.send(method, "/products/TEA-1", CHANGES[method], headers={"If-Match": etag})
    assert kind(answer) == (412, "precondition-failed")
    stored = json_body(catalog.get("/products/TEA-1"))
    assert (stored["name"], stored["active"]) == ("Theirs", True)


@pytest.mark.parametrize("method", CHANGES)
def test_a_change_that_another_one_overtakes_is_refused_and_not_stored(
    catalog: CatalogAccount, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    product = catalog.sell("TEA-1")
    with monkeypatch.context() as patched:

        def overtaken(*change: Any) -> bool:
            patched.undo()
            catalog.revise(product, name="Theirs")
            return catalog.store.put_if_unchanged(*change)

        patched.setattr(catalog.store, "put_if_unchanged", overtaken)
        answer = catalog.send(method, "/products/TEA-1", CHANGES[method], headers={"If-Match": '"1"'})
    assert kind(answer) == (412, "precondition-failed")
    stored = json_body(catalog.get("/products/TEA-1"))
    assert (stored["name"], stored["active"]) == ("Theirs", True)


@pytest.mark.parametrize("method", CHANGES)
def test_a_change_that_meets_a_transaction_waits_for_its_end(
    catalog: CatalogAccount, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    catalog.sell("TEA-1")
    put_item = client("dynamodb").put_item
    met: list[str] = []

    def meet_once(**arguments: Any) -> Any:
        if not met:
            met.append(arguments["TableName"])
            error: Any = {"Error": {"Code": "TransactionConflictException", "Message": "an import is at it"}}
            raise ClientError(error, "PutItem")
        return put_item(**arguments)

    monkeypatch.setattr(client("dynamodb"), "put_item", meet_once, raising=False)
    answer = catalog.send(method, "/products/TEA-1", CHANGES[method], headers={"If-Match": '"1"'})

    assert met and header(answer, "ETag") == '"2"'


@pytest.mark.parametrize("method", CHANGES)
def test_a_change_that_keeps_meeting_transactions_may_be_sent_again(
    catalog: CatalogAccount, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    """An import's, for example: the product may well be as the client read it."""
    catalog.sell("TEA-1")

    def in_between(**_: Any) -> None:
        error: Any = {"Error": {"Code": "TransactionConflictException", "Message": "an import is at it"}}
        raise ClientError(error, "PutItem")

    with monkeypatch.context() as patched:
        patched.setattr(client("dynamodb"), "put_item", in_between, raising=False)
        answer = catalog.send(method, "/products/TEA-1", CHANGES[method], headers={"If-Match": '"1"'})
    assert kind(answer) == (503, "temporarily-unavailable")
    again = catalog.send(method, "/products/TEA-1", CHANGES[method], headers={"If-Match": '"1"'})
    assert again["statusCode"] in {200, 204}


@pytest.mark.parametrize("method", CHANGES)
@pytest.mark.parametrize("sku", ["TEA-404", "not a sku", "x" * 3000])
def test_an_unknown_product_cannot_be_changed(catalog: CatalogAccount, method: str, sku: str) -> None:
    answer = catalog.send(method, f"/products/{sku}", CHANGES[method], headers={"If-Match": '"1"'})
    assert kind(answer) == (404, "not-found")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/products", new_product("TEA-2")),
        ("PUT", "/products/TEA-1", change(name="Mine")),
        ("DELETE", "/products/TEA-1", None),
        ("POST", "/products/TEA-1/picture-uploads", {"content_type": "image/png"}),
    ],
)
def test_only_admins_change_the_catalogue(
    catalog: CatalogAccount, method: str, path: str, body: dict[str, Any] | None
) -> None:
    product = catalog.sell("TEA-1")
    headers = {"If-Match": '"1"'}
    assert kind(catalog.send(method, path, body, claims=CUSTOMER, headers=headers)) == (403, "forbidden")
    assert kind(catalog.send(method, path, body, claims=None, headers=headers)) == (401, "unauthorized")
    assert catalog.store.find("TEA-1") == product
    assert catalog.store.find("TEA-2") is None


BAD = [
    ("sku", "tea-1"),
    ("sku", "TEA--1"),
    ("sku", "TEA-1\n"),
    ("sku", "T" * 41),
    ("sku", ""),
    ("sku", 7),
    ("name", ""),
    ("name", " \t "),
    ("name", "   "),
    ("name", "x" * 121),
    ("name", "two\nlines"),
    ("name", "bell\x07"),
    ("name", "nul\x00"),
    ("name", "next\x85line"),
    ("name", "line\u2028end"),
    ("name", "\ud800"),
    ("name", None),
    ("description", "x" * 2001),
    ("description", "form\ffeed"),
    ("description", "nul\x00"),
    ("description", None),
    ("category", "garden"),
    ("active", "true"),
    ("active", 1),
    ("price/amount", 0),
    ("price/amount", -1),
    ("price/amount", 1_000_000_001),
    ("price/amount", 10**40),
    ("price/amount", 7.5),
    ("price/amount", "790"),
    ("price/amount", True),
    ("price/amount", None),
    ("price/currency", "euro"),
    ("price/currency", "eur"),
    ("price/tax", 19),
    ("price", 790),
    ("colour", "red"),
]


def with_bad(body: dict[str, Any], field: str, value: Any) -> dict[str, Any]:
    outer, _, inner = field.partition("/")
    return {**body, outer: {**body["price"], inner: value} if inner else value}


@pytest.mark.parametrize(("field", "value"), BAD)
def test_bad_details_are_unprocessable_and_named(catalog: CatalogAccount, field: str, value: Any) -> None:
    catalog.sell("TEA-1")
    requests = [("POST", "/products", new_product("TEA-2")), ("PUT", "/products/TEA-1", change())]
    for method, path, body in requests:
        answer = catalog.send(method, path, with_bad(body, field, value), headers={"If-Match": '"1"'})
        assert kind(answer) == (422, "invalid-request")
        assert f"/body/{field}" in [error["pointer"] for error in json_body(answer)["errors"]]
    assert catalog.store.find("TEA-2") is None


@pytest.mark.parametrize("missing", ["name", "description", "category", "price", "active", "sku"])
def test_a_change_needs_every_detail_and_a_new_product_nearly(catalog: CatalogAccount, missing: str) -> None:
    catalog.sell("TEA-1")
    body = {name: value for name, value in new_product("TEA-2").items() if name != missing}
    added = catalog.send("POST", "/products", body)
    assert added["statusCode"] == (201 if missing == "active" else 422)
    body.pop("sku", None)
    changed = put(catalog, body, etag='"1"')
    assert changed["statusCode"] == (200 if missing == "sku" else 422)


def test_a_change_cannot_name_another_sku(catalog: CatalogAccount) -> None:
    catalog.sell("TEA-1")
    answer = put(catalog, new_product("TEA-2"), etag='"1"')
    assert json_body(answer)["errors"][0]["pointer"] == "/body/sku"


@pytest.mark.parametrize("amount", [1, 10_000_000_00])
def test_the_lowest_and_the_highest_price_are_prices(catalog: CatalogAccount, amount: int) -> None:
    body = new_product(price={"amount": amount, "currency": "JPY"})
    assert json_body(catalog.send("POST", "/products", body))["price"] == body["price"]


def test_a_price_written_with_an_empty_fraction_is_a_whole_number(catalog: CatalogAccount) -> None:
    body = new_product(price={"amount": 790.0, "currency": "EUR"})
    assert '"amount":790,' in catalog.send("POST", "/products", body)["body"]


@pytest.mark.parametrize("amount", ["1e400", "NaN", "-Infinity"])
def test_a_price_that_is_no_number_is_unprocessable(catalog: CatalogAccount, amount: str) -> None:
    body = json.dumps(new_product()).replace("790", amount)
    assert kind(catalog.send("POST", "/products", body)) == (422, "invalid-request")


def test_a_write_that_fails_for_another_reason_is_no_conflict(
    catalog: CatalogAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise RuntimeError("table is gone")

    monkeypatch.setattr(catalog.store, "add", refuse)
    assert kind(catalog.send("POST", "/products", new_product())) == (500, "internal-error")

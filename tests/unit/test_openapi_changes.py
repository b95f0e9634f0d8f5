"""What counts as breaking a client, rule by rule, and which version may."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from tools.contracts.openapi import release as releases
from tools.contracts.openapi.changes import breaking_changes
from tools.contracts.openapi.release import BreakingRelease, ReleasedAlready, may_break, release, released

OLD: dict[str, Any] = {
    "info": {"version": "1.2.3"},
    "paths": {
        "/orders": {
            "post": {
                "operationId": "place_order",
                "x-access": "signed-in",
                "parameters": [
                    {"in": "query", "name": "limit", "required": False, "schema": {"type": "integer", "maximum": 100}},
                    {"in": "header", "name": "Idempotency-Key", "required": True, "schema": {"type": "string"}},
                ],
                "requestBody": {
                    "required": False,
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/OrderRequest"}}},
                },
                "responses": {
                    "201": {
                        "headers": {"Location": {}},
                        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Order"}}},
                    },
                    "409": {"$ref": "#/components/responses/Conflict"},
                },
            },
            "get": {"operationId": "list_orders", "x-access": "owner", "responses": {"200": {}}},
        }
    },
    "components": {
        "responses": {"Conflict": {"content": {"application/problem+json": {"schema": {"type": "object"}}}}},
        "schemas": {
            "OrderRequest": {
                "type": "object",
                "additionalProperties": False,
                "required": ["lines"],
                "anyOf": [
                    {"properties": {"kind": {"const": "gift"}}, "required": ["note"]},
                    {"properties": {"kind": {"const": "usual"}}},
                ],
                "properties": {
                    "lines": {
                        "type": "array", "minItems": 1, "maxItems": 50, "items": {"$ref": "#/components/schemas/Line"},
                    },
                    "note": {"anyOf": [{"type": "string", "maxLength": 100}, {"type": "null"}]},
                    "country": {"type": "string", "enum": ["DE", "FR"]},
                    "kind": {"$ref": "#/components/schemas/Kind"},
                    "labels": {"type": "object", "additionalProperties": {"type": "string"}},
                },
            },
            "Kind": {"type": "string", "enum": ["gift", "usual", "loan"]},
            "Line": {
                "type": "object",
                "required": ["sku"],
                "properties": {
                    "sku": {"type": "string", "minLength": 1, "pattern": "^[A-Z]+$"},
                    "quantity": {"type": "integer", "minimum": 1},
                },
            },
            "Order": {
                "type": "object",
                "additionalProperties": False,
                "required": ["order_id", "status"],
                "properties": {
                    "order_id": {"type": "string"},
                    "status": {"enum": ["placed", "confirmed"]},
                    "reason": {"type": "string", "maxLength": 10},
                    "weight": {"type": "number"},
                    "parts": {"type": "array", "items": {"$ref": "#/components/schemas/Order"}},
                },
            },
        },
    },
}  # fmt: skip

Edit = Callable[[dict[str, Any]], object]


def post(document: dict[str, Any]) -> dict[str, Any]:
    return document["paths"]["/orders"]["post"]


def schema(document: dict[str, Any], name: str, *properties: str) -> dict[str, Any]:
    found = document["components"]["schemas"][name]
    for each in properties:
        found = found["properties"][each]
    return found


def after(edit: Edit) -> list[str]:
    new = copy.deepcopy(OLD)
    edit(new)
    assert new != OLD
    return [str(one) for one in breaking_changes(OLD, new)]


BREAKING: list[tuple[str, Edit, str]] = [
    ("a path is gone", lambda d: d["paths"].pop("/orders"), "POST /orders: is gone"),
    ("a method is gone", lambda d: d["paths"]["/orders"].pop("get"), "GET /orders: is gone"),
    (
        "an operation has another id",
        lambda d: post(d).update(operationId="order"),
        "POST /orders: operationId is order, was place_order",
    ),
    (
        "fewer may call it",
        lambda d: post(d).update({"x-access": "customer"}),
        "POST /orders: x-access is customer, was signed-in",
    ),
    (
        "a parameter is needed that was not there",
        lambda d: post(d)["parameters"].append({"in": "query", "name": "shop", "required": True, "schema": {}}),
        "POST /orders: the query parameter shop is required, and was not",
    ),
    (
        "a parameter is needed that was optional",
        lambda d: post(d)["parameters"][0].update(required=True),
        "POST /orders: the query parameter limit is required, and was not",
    ),
    ("a parameter is gone", lambda d: post(d)["parameters"].pop(0), "POST /orders query limit: is gone"),
    (
        "a parameter's limit is narrower",
        lambda d: post(d)["parameters"][0]["schema"].update(maximum=50),
        "POST /orders query limit: maximum is 50, was 100",
    ),
    (
        "a parameter gets a limit",
        lambda d: post(d)["parameters"][1]["schema"].update(maxLength=5),
        "POST /orders header Idempotency-Key: maxLength is 5, was not given",
    ),
    (
        "the body is needed",
        lambda d: post(d)["requestBody"].update(required=True),
        "POST /orders body: is required, and was not",
    ),
    (
        "the body has another media type",
        lambda d: post(d)["requestBody"].update(content={"application/xml": {"schema": {}}}),
        "POST /orders body: application/json is no longer accepted",
    ),
    (
        "a property of the body is needed",
        lambda d: schema(d, "OrderRequest")["required"].append("country"),
        "POST /orders body/country: is required, and was not",
    ),
    (
        "a property of the body is refused",
        lambda d: schema(d, "OrderRequest")["properties"].pop("note"),
        "POST /orders body/note: is no longer accepted",
    ),
    (
        "a property of a line is needed",
        lambda d: schema(d, "Line")["required"].append("quantity"),
        "POST /orders body/lines/*/quantity: is required, and was not",
    ),
    (
        "the body's other properties are refused",
        lambda d: schema(d, "Line").update(additionalProperties=False),
        "POST /orders body/lines/*: properties that it does not name are no longer accepted",
    ),
    (
        "a map's values are narrower",
        lambda d: schema(d, "OrderRequest", "labels")["additionalProperties"].update(maxLength=3),
        "POST /orders body/labels/*: maxLength is 3, was not given",
    ),
    (
        "a type in the body is another",
        lambda d: schema(d, "Line", "quantity").update(type="string"),
        "POST /orders body/lines/*/quantity: type is string, was integer",
    ),
    (
        "null is refused in the body",
        lambda d: schema(d, "OrderRequest", "note")["anyOf"].pop(),
        "POST /orders body/note: type is string, was null",
    ),
    (
        "a value of the body is refused",
        lambda d: schema(d, "OrderRequest", "country")["enum"].remove("FR"),
        "POST /orders body/country: can no longer be FR",
    ),
    (
        "the body's values are listed now",
        lambda d: schema(d, "Line", "sku").update(enum=["A"]),
        "POST /orders body/lines/*/sku: enum is A, was anything",
    ),
    (
        "a list in the body is shorter",
        lambda d: schema(d, "OrderRequest", "lines").update(maxItems=10),
        "POST /orders body/lines: maxItems is 10, was 50",
    ),
    (
        "a lower limit in the body is higher",
        lambda d: schema(d, "OrderRequest", "lines").update(minItems=2),
        "POST /orders body/lines: minItems is 2, was 1",
    ),
    (
        "a pattern in the body is another",
        lambda d: schema(d, "Line", "sku").update(pattern="^[A-F]+$"),
        "POST /orders body/lines/*/sku: pattern is ^[A-F]+$, was ^[A-Z]+$",
    ),
    (
        "what one kind of body needs is more",
        lambda d: schema(d, "OrderRequest")["anyOf"][1].update(required=["note"]),
        "POST /orders body/note: is required, and was not",
    ),
    (
        "one kind of body is refused",
        lambda d: schema(d, "OrderRequest")["anyOf"].pop(0),
        "POST /orders body/kind: can no longer be gift",
    ),
    ("an answer is gone", lambda d: post(d)["responses"].pop("409"), "POST /orders 409: is gone"),
    (
        "a shared answer has another media type",
        lambda d: d["components"]["responses"]["Conflict"].update(content={"application/json": {"schema": {}}}),
        "POST /orders 409: is no longer application/problem+json",
    ),
    (
        "a header of an answer is gone",
        lambda d: post(d)["responses"]["201"].pop("headers"),
        "POST /orders 201: the header Location is gone",
    ),
    (
        "a needed property of an answer is gone",
        lambda d: (schema(d, "Order")["properties"].pop("order_id"), schema(d, "Order")["required"].remove("order_id")),
        "POST /orders 201/order_id: is gone",
    ),
    (
        "an optional property of an answer is gone",
        lambda d: schema(d, "Order")["properties"].pop("reason"),
        "POST /orders 201/reason: is gone",
    ),
    (
        "a property of an answer may be missing",
        lambda d: schema(d, "Order")["required"].remove("status"),
        "POST /orders 201/status: may be missing, and was always there",
    ),
    (
        "an answer has a value that was not listed",
        lambda d: schema(d, "Order", "status")["enum"].append("parked"),
        "POST /orders 201/status: can be parked now",
    ),
    (
        "an answer's values are no longer listed",
        lambda d: schema(d, "Order", "status").pop("enum"),
        "POST /orders 201/status: enum is anything, was placed, confirmed",
    ),
    (
        "a limit of an answer is wider",
        lambda d: schema(d, "Order", "reason").update(maxLength=20),
        "POST /orders 201/reason: maxLength is 20, was 10",
    ),
    (
        "a limit of an answer is gone",
        lambda d: schema(d, "Order", "reason").pop("maxLength"),
        "POST /orders 201/reason: maxLength is not given, was 10",
    ),
    (
        "an answer can be null",
        lambda d: schema(d, "Order", "order_id").update(type=["string", "null"]),
        "POST /orders 201/order_id: type is null, was string",
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("edit", "reported"), [pytest.param(edit, reported, id=name) for name, edit, reported in BREAKING]
)
def test_it_breaks_clients_when(edit: Edit, reported: str) -> None:
    assert reported in after(edit)


HARMLESS: list[tuple[str, Edit]] = [
    ("a path is new", lambda d: d["paths"].update({"/new": {}})),
    ("more may call it", lambda d: post(d).update({"x-access": "anyone"})),
    (
        "an owner's operation is open to all signed in",
        lambda d: d["paths"]["/orders"]["get"].update({"x-access": "signed-in"}),
    ),
    (
        "an optional parameter is new",
        lambda d: post(d)["parameters"].append({"in": "query", "name": "q", "schema": {}}),
    ),
    ("a parameter need not be sent", lambda d: post(d)["parameters"][1].update(required=False)),
    ("a parameter's limit is wider", lambda d: post(d)["parameters"][0]["schema"].update(maximum=200)),
    ("a parameter's limit is gone", lambda d: post(d)["parameters"][0]["schema"].pop("maximum")),
    (
        "an optional property of the body is new",
        lambda d: schema(d, "OrderRequest")["properties"].update(gift={"type": "boolean"}),
    ),
    ("a property of the body need not be sent", lambda d: schema(d, "OrderRequest").update(required=[])),
    (
        "a kind of body is new",
        lambda d: schema(d, "OrderRequest")["anyOf"].append({"properties": {"kind": {"const": "loan"}}}),
    ),
    ("a value of the body is new", lambda d: schema(d, "OrderRequest", "country")["enum"].append("AT")),
    ("null is accepted in the body", lambda d: schema(d, "Line", "quantity").update(type=["integer", "null"])),
    ("any number is accepted in the body", lambda d: schema(d, "Line", "quantity").update(type="number")),
    ("an answer is new", lambda d: post(d)["responses"].update({"418": {}})),
    ("a property of an answer is new", lambda d: schema(d, "Order")["properties"].update(total={"type": "integer"})),
    ("an answer may have properties beside those it names", lambda d: schema(d, "Order").pop("additionalProperties")),
    ("a property of an answer is always there", lambda d: schema(d, "Order")["required"].append("reason")),
    ("a value of an answer no longer comes", lambda d: schema(d, "Order", "status")["enum"].remove("placed")),
    ("a limit of an answer is narrower", lambda d: schema(d, "Order", "reason").update(maxLength=5)),
    ("a number of an answer is always whole", lambda d: schema(d, "Order", "weight").update(type="integer")),
    ("words are others", lambda d: post(d).update(summary="Orders", description="Places an order.")),
    ("a schema has another name", lambda d: (
        d["components"]["schemas"].update(Item=d["components"]["schemas"].pop("Line")),
        schema(d, "OrderRequest", "lines").update(items={"$ref": "#/components/schemas/Item"}),
    )),
]  # fmt: skip


@pytest.mark.parametrize("edit", [pytest.param(edit, id=name) for name, edit in HARMLESS])
def test_it_breaks_nobody_when(edit: Edit) -> None:
    assert after(edit) == []


def test_a_null_that_another_keyword_rules_out_may_go() -> None:
    old, new = copy.deepcopy(OLD), copy.deepcopy(OLD)
    for document in (old, new):
        schema(document, "OrderRequest")["anyOf"] = [{"properties": {"note": {"type": "string"}}}]
    schema(new, "OrderRequest")["properties"]["note"] = {"type": "string", "maxLength": 100}

    assert breaking_changes(old, new) == []


def test_a_document_breaks_nothing_of_itself() -> None:
    assert breaking_changes(OLD, OLD) == []


@pytest.mark.parametrize(
    ("before", "now", "may"),
    [
        ("1.2.3", "2.0.0", True),
        ("1.2.3", "1.3.0", False),
        ("1.2.3", "1.2.3", False),
        ("0.1.0", "0.2.0", True),
        ("0.1.0", "0.1.1", False),
        ("0.9.0", "1.0.0", True),
        ("9.0.0", "10.0.0", True),
    ],
)
def test_a_version_may_break_clients_when_it_says_so(before: str, now: str, may: bool) -> None:
    assert may_break(before, now) is may


@pytest.fixture
def last(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A released document, 1.2.3."""
    monkeypatch.setattr(releases, "RELEASED", tmp_path / "contracts" / "released.json")
    assert released() is None
    release(OLD)
    return OLD


def changed(edit: Edit, version: str) -> dict[str, Any]:
    new = copy.deepcopy(OLD)
    edit(new)
    new["info"]["version"] = version
    return new


def test_a_breaking_document_is_released_as_a_major_version_alone(last: dict[str, Any]) -> None:
    without_get: Edit = lambda d: d["paths"]["/orders"].pop("get")  # noqa: E731 - an edit like the others
    with pytest.raises(BreakingRelease, match=r"GET /orders: is gone\n.*release it as 2\.0\.0"):
        release(changed(without_get, "1.3.0"))
    assert released() == last
    release(changed(without_get, "2.0.0"))
    assert released() == changed(without_get, "2.0.0")


def test_a_document_that_breaks_nothing_is_released_as_any_later_version(last: dict[str, Any]) -> None:
    more: Edit = lambda d: d["paths"].update({"/new": {}})  # noqa: E731 - an edit like the others
    release(changed(more, "1.2.4"))
    assert released() == changed(more, "1.2.4")


def test_a_version_is_released_with_one_document(last: dict[str, Any]) -> None:
    more: Edit = lambda d: d["paths"].update({"/new": {}})  # noqa: E731 - an edit like the others
    with pytest.raises(ReleasedAlready):
        release(changed(more, "1.2.3"))
    release(OLD)
    assert released() == last

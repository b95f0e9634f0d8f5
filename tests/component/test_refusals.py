"""The refusal of a broken request, at every route: its pointers lead into the request, and its words are for people."""

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from moto import mock_aws

from shared.validation import Place, pointer_to
from tests.component.conftest import FakeLambdaContext
from tests.component.rest_events import claims_of, json_body, rest_event
from tools.contracts.openapi.document import openapi_document, operations_of, public_apis

# The document has one example of each body.
FURTHER_BODIES: dict[str, list[dict[str, Any]]] = {
    "POST /jobs": [
        {
            "kind": "product_import",
            "upload": "upl_8f14e45fceea467a9c2b5d1c3a7e6f10",
            "on_error": "apply_good",
        },
        {"kind": "weekly_report", "week": "2026-W10", "format": "csv"},
    ],
    "POST /inventory/{sku}/movements": [{"kind": "adjustment", "quantity": -1, "reason": "Broken"}],
}
MALFORMED = ["", "nul", "{", '{"a": 1,}', "[1", "\x00", '{"a": "\x01"}', "[" * 5000, "1" * 5000, "\ufeff{}"]
# Texts of no form that any parameter or property has, and some that a careless pointer would break at.
BROKEN = ["!", "\x00", " ", "a/b~c", "\u3164", "x" * 3000, "-1", ""]


@dataclass(frozen=True)
class Operation:
    """An operation of the API, with a good body if it has one."""

    name: str
    service: str
    method: str
    path: str
    parameters: tuple[dict[str, Any], ...]
    body: Any = None

    def refusal(self, body: Any, **changed: str) -> dict[str, Any] | None:
        """The answer to a request with this body and these parameters, if it refuses their content."""
        path = self.path
        sent: dict[str, dict[str, str]] = {"query": {}, "header": {}}
        for parameter in self.parameters:
            name = parameter["name"]
            value = changed.get(name, parameter.get("example"))
            if parameter["in"] == "path":
                path = path.replace(f"{{{name}}}", value or "1")
            elif value is not None:
                sent[parameter["in"]][name] = value
        event = rest_event(
            self.method,
            path,
            body=body,
            query=sent["query"],
            headers=sent["header"],
            claims=claims_of("u-1", "ada@example.com", groups="admin,customer"),
        )
        answer = import_module(f"{self.service}.functions.api").handler(event, FakeLambdaContext())
        return json_body(answer) if answer["statusCode"] in {400, 422} else None


@cache
def document() -> dict[str, Any]:
    return openapi_document(public_apis())


def operations() -> Iterator[Operation]:
    """Every operation, once for each good body."""
    services = {
        (method, path): service
        for service, app in public_apis().items()
        for method, path, _ in operations_of(openapi_document({service: app}))
    }
    for method, path, operation in operations_of(document()):
        content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
        name = f"{method.upper()} {path}"
        for body in [content.get("example"), *FURTHER_BODIES.get(name, [])]:
            yield Operation(
                name,
                services[method, path],
                method.upper(),
                path,
                tuple(operation.get("parameters", [])),
                body,
            )


OPERATIONS = [one for one in operations() if one.service != "gateway"]
WITH_BODY = [one for one in OPERATIONS if one.body is not None]


@pytest.fixture(autouse=True, scope="module")
def account() -> Iterator[None]:
    """An empty account: a request that is not refused fails at the first call."""
    with mock_aws():
        yield


def values_of(keyword: str, schema: Any) -> Iterator[Any]:
    """Every value of a keyword, anywhere in a document."""
    if isinstance(schema, dict):
        if keyword in schema:
            yield schema[keyword]
        for part in schema.values():
            yield from values_of(keyword, part)
    elif isinstance(schema, list):
        for part in schema:
            yield from values_of(keyword, part)


@cache
def patterns() -> set[str]:
    return {pattern for pattern in values_of("pattern", document()) if isinstance(pattern, str)}


@cache
def properties() -> set[str]:
    """The names of all properties that any body may have."""
    return {name for named in values_of("properties", document()) for name in named}


def places(value: Any, place: Place = ()) -> Iterator[Place]:
    """The place of every value within a JSON value, of itself first."""
    yield place
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, part in parts:
        yield from places(part, (*place, name))


def changed(body: Any, place: Place, value: Any = ...) -> Any:
    """The body with another value in a place, or with none there."""
    if not place:
        return value
    body = copy.deepcopy(body)
    at = body
    for part in place[:-1]:
        at = at[part]
    if value is ...:
        del at[place[-1]]
    else:
        at[place[-1]] = value
    return body


def require_fit(operation: Operation, problem: dict[str, Any], body: Any) -> None:
    """Fails unless every pointer of a refusal leads into the request, and every word is for people."""
    for entry in problem.get("errors", []):
        place, *rest = [
            part.replace("~1", "/").replace("~0", "~") for part in entry["pointer"].split("/")[1:]
        ]
        if place == "body":
            require_within(body, rest, entry)
        else:
            named = {each["name"].lower() for each in operation.parameters if each["in"] == place}
            assert len(rest) == 1 and rest[0].lower() in named, entry
    said = [problem["detail"], *(entry["detail"] for entry in problem.get("errors", []))]
    for words in said:
        assert not any(pattern in words for pattern in patterns()), words
        assert words and "pattern" not in words and "regex" not in words, words
    for entry in problem.get("errors", []):
        # How Python writes a member of an enumeration, and Python's advice.
        assert not any(jargon in entry["detail"] for jargon in ("<", "sys.", "decode")), entry


def require_within(body: Any, place: list[str], entry: Any) -> None:
    """Fails unless the place is in the body, or is a property that an object in it lacks."""
    for depth, part in enumerate(place):
        if isinstance(body, list):
            assert part.isdecimal() and int(part) < len(body), entry
            body = body[int(part)]
        elif isinstance(body, dict) and part in body:
            body = body[part]
        else:
            assert isinstance(body, dict) and depth == len(place) - 1 and part in properties(), entry


def names() -> st.SearchStrategy[str]:
    """Names of properties: of our own, of the kinds of jobs, and such as a pointer has to escape."""
    kinds = ["order_export", "product_import", "weekly_report", "order_id", "body"]
    return st.sampled_from(["", "a/b", "~", "~1", "0", *kinds, *sorted(properties())]) | st.text(max_size=3)


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.sampled_from(BROKEN),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names(), inner, max_size=3),
    max_leaves=5,
)


@pytest.mark.parametrize(
    "operation", WITH_BODY, ids=lambda one: f"{one.name} {next(iter(one.body.values()))}"
)
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_the_refusal_of_a_broken_body_points_into_it(operation: Operation, data: st.DataObject) -> None:
    body = operation.body
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.sampled_from([*places(body)]))
        match data.draw(st.sampled_from(["replace", "remove", "add"])):
            case "remove" if place:
                body = changed(body, place, ...)
            case "add" if place and isinstance(place[-1], str):
                body = changed(body, (*place[:-1], data.draw(names())), data.draw(json_values))
            case _:
                body = changed(body, place, data.draw(json_values))
    problem = operation.refusal(body)
    if problem is not None:
        require_fit(operation, problem, body)


@pytest.mark.parametrize(
    "operation", WITH_BODY, ids=lambda one: f"{one.name} {next(iter(one.body.values()))}"
)
def test_every_text_of_a_body_that_has_the_wrong_form_is_pointed_at(operation: Operation) -> None:
    # The user pool alone judges a password, but for its length.
    for place in set(places(operation.body)) - {("password",)}:
        for wrong in ("\x00", "!\u2028!", "x" * 3000):
            body = changed(operation.body, place, wrong)
            problem = operation.refusal(body)
            assert problem is not None, (place, wrong)
            require_fit(operation, problem, body)
            assert pointer_to(("body", *place)) in {entry["pointer"] for entry in problem["errors"]}


@pytest.mark.parametrize(
    "operation", WITH_BODY, ids=lambda one: f"{one.name} {next(iter(one.body.values()))}"
)
def test_a_body_that_is_no_object_is_pointed_at_as_a_whole(operation: Operation) -> None:
    for body in ([operation.body], [], "", *MALFORMED, "null", "7", '"x"', "true"):
        problem = operation.refusal(body)
        assert problem is not None, body
        assert [entry["pointer"] for entry in problem["errors"]] == ["/body"], body
        require_fit(operation, problem, None)


def parameters() -> Iterator[Any]:
    for operation in OPERATIONS:
        for parameter in operation.parameters:
            yield pytest.param(operation, parameter, id=f"{operation.name} {parameter['name']}")


@pytest.mark.parametrize(("operation", "parameter"), [*parameters()])
def test_a_parameter_that_has_the_wrong_form_is_pointed_at(operation: Operation, parameter: Any) -> None:
    refused = 0
    for wrong in BROKEN:
        problem = operation.refusal(operation.body, **{parameter["name"]: wrong})
        if problem is not None and problem.get("errors"):
            refused += 1
            require_fit(operation, problem, operation.body)
            pointed = {entry["pointer"].lower() for entry in problem["errors"]}
            assert pointed == {f"/{parameter['in']}/{parameter['name']}".lower()}, wrong
    restricted = parameter["schema"].keys() & {"pattern", "maxLength", "minimum", "enum", "anyOf"}
    assert refused or not restricted


@pytest.mark.parametrize("last_day", ["2026-10-31", "2028-01-01"])
def test_an_export_that_ends_before_it_begins_or_is_too_long_is_pointed_at_its_end(last_day: str) -> None:
    [export] = [one for one in WITH_BODY if one.body.get("kind") == "order_export"]
    problem = export.refusal({**export.body, "to": last_day})
    assert problem is not None
    assert [entry["pointer"] for entry in problem["errors"]] == ["/body/to"]


def test_a_body_of_an_unknown_kind_is_pointed_at_its_kind_and_the_kinds_are_named() -> None:
    export = next(one for one in WITH_BODY if one.name == "POST /jobs")
    problem = export.refusal({**export.body, "kind": "holiday"})
    assert problem is not None
    [error] = problem["errors"]
    assert error["pointer"] == "/body/kind"
    assert "holiday" not in error["detail"] and "weekly_report" in error["detail"]

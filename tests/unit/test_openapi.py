"""The committed reference: up to date, valid, complete, compatible with its last release, and deployed."""

import json
from collections.abc import Iterator
from functools import cache
from http import HTTPStatus
from typing import Annotated, Any

import pytest
import schemathesis
from aws_lambda_powertools.event_handler import APIGatewayRestResolver
from aws_lambda_powertools.event_handler.openapi.params import Path
from jsonschema_rs import Draft202012Validator, ValidationError, meta
from pydantic import BaseModel, Field, create_model

from shared.access import Access, Whose
from shared.api import api_resolver, contract
from shared.errors import NotFound
from shared.parameters import IdempotencyKey
from tests.template import defined_routes, function_of
from tests.template import functions as deployed_functions
from tools.contracts.openapi.authorization import TABLE, authorization_table
from tools.contracts.openapi.document import (
    DOCUMENT,
    OperationIdTaken,
    committed,
    openapi_document,
    operations_of,
    public_apis,
    version,
    written,
)
from tools.contracts.openapi.release import released, require_compatible
from tools.contracts.openapi.schemas import references_in
from tools.contracts.openapi.service_part import NotDescribed
from tools.contracts.template import template

RENEW = "run `make openapi`"

# The payment provider calls it, with a signature of its own and by its own documentation.
NOT_FOR_CLIENTS = {("POST", "/payments/webhook", "anyone")}


@cache
def generated() -> dict[str, Any]:
    """The document as the routes make it now."""
    return openapi_document(public_apis())


def test_the_committed_document_is_what_the_routes_say() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == written(generated()), RENEW


def test_the_committed_authorization_matrix_is_what_the_routes_say() -> None:
    assert TABLE.read_text(encoding="utf-8") == authorization_table(generated()), RENEW


def test_every_refusal_in_the_matrix_is_an_answer_that_its_operation_documents() -> None:
    operations = {
        f"{method.upper()} {path}": operation["responses"]
        for method, path, operation in operations_of(committed())
    }
    for route, cells in matrix(committed()).items():
        refusals = {cell for cell in cells if cell.isdecimal()}
        assert refusals <= operations[route].keys(), route


def matrix(document: dict[str, Any]) -> dict[str, list[str]]:
    """The cells of the authorization table, by operation."""
    return {
        line.split("|")[1].strip(" `"): [cell.strip(" *") for cell in line.split("|")[3:-1]]
        for line in authorization_table(document).splitlines()
        if line.startswith("| `") and "`x-" not in line
    }


def test_the_document_breaks_no_client_of_the_last_release() -> None:
    last = released()
    assert last is not None, "run `make openapi-release`"
    require_compatible(last, generated())


def test_the_template_deploys_the_version_that_the_document_describes() -> None:
    environment = template()["Resources"]["GatewayApiFunction"]["Properties"]["Environment"]["Variables"]
    deployed = environment["VERSION"]
    assert deployed == version() == committed()["info"]["version"]


def test_every_documented_operation_is_deployed_and_open_to_its_callers() -> None:
    documented = {
        (method.upper(), path, "anyone" if operation["x-access"] == "anyone" else "token")
        for method, path, operation in operations_of(generated())
    }
    deployed = {route for route in deployed_routes() if "+}" not in route[1]}
    assert documented == deployed - NOT_FOR_CLIENTS


def test_head_is_deployed_wherever_get_is_for_the_same_callers_and_by_the_same_function() -> None:
    resources = template()["Resources"]
    functions = {
        (route.path, not route.needs_token, function.name)
        for function in deployed_functions()
        for route in function.routes
        if route.is_public and route.method == "GET" and "+}" not in route.path
    }
    heads = {
        (path, "security" in item["head"], function_of(item["head"]))
        for path, item in resources["Api"]["Properties"]["DefinitionBody"]["paths"].items()
        if "head" in item
    }
    assert heads == functions


def test_every_function_with_head_may_be_called_for_it() -> None:
    resources = template()["Resources"]
    called = {
        function_of(item["head"])
        for item in resources["Api"]["Properties"]["DefinitionBody"]["paths"].values()
        if "head" in item
    }
    # A permission for any method allows HEAD as well.
    allowed = {
        resource["Properties"]["FunctionName"]["Ref"]
        for name, resource in resources.items()
        if name.endswith(("HeadPermission", "AnyPermission"))
    }
    assert called == allowed


def test_a_resource_with_an_etag_is_read_and_changed_conditionally() -> None:
    document = committed()
    versioned = {
        path
        for method, path, operation in operations_of(document)
        if method == "get" and "ETag" in operation["responses"].get("200", {}).get("headers", {})
    }
    assert versioned == {"/inventory/{sku}", "/products/{sku}", "/users/me", "/users/{user_id}"}
    for method, path, operation in operations_of(document):
        headers = {parameter["name"] for parameter in operation.get("parameters", [])}
        hands_one_out = any("ETag" in answer.get("headers", {}) for answer in operation["responses"].values())
        if method == "get" and path in versioned:
            assert "If-None-Match" in headers and "304" in operation["responses"], path
        if method in {"put", "patch", "delete"} and (path in versioned or hands_one_out):
            assert "If-Match" in headers and "412" in operation["responses"], f"{method} {path}"


def test_every_other_request_reaches_the_gateway() -> None:
    resources = template()["Resources"]
    elsewhere = resources["Api"]["Properties"]["DefinitionBody"]["paths"]["/{proxy+}"]
    assert elsewhere.keys() == {"x-amazon-apigateway-any-method", "options"}
    operation = elsewhere["x-amazon-apigateway-any-method"]
    assert (function_of(operation), operation["security"]) == ("GatewayApiFunction", [{"NONE": []}])
    permission = resources["GatewayAnyPermission"]["Properties"]
    assert permission["FunctionName"] == {"Ref": "GatewayApiFunction"}
    assert str(permission["SourceArn"]).endswith("${Api}/*/*/*'}")


def deployed_routes() -> Iterator[tuple[str, str, str]]:
    """The method, path and openness ("anyone" or "token") of every route to a function in the template."""
    for function in deployed_functions():
        for route in function.routes:
            if route.is_public:
                yield route.method, route.path, "token" if route.needs_token else "anyone"


def test_a_function_without_events_for_its_routes_may_be_called_for_all_of_them() -> None:
    resources = template()["Resources"]
    for route in defined_routes():
        permission = resources[f"{route.function.removesuffix('ApiFunction')}AnyPermission"]["Properties"]
        assert permission["FunctionName"] == {"Ref": route.function}
        assert str(permission["SourceArn"]).endswith("${Api}/*/*/*'}"), route


def test_the_document_is_valid_openapi() -> None:
    schemathesis.openapi.from_dict(committed()).validate()
    broken = committed()
    broken["paths"]["/health"]["get"]["responses"] = "none"
    with pytest.raises(ValidationError, match="is not of type"):
        schemathesis.openapi.from_dict(broken).validate()


def test_every_reference_has_its_target_and_every_target_a_reference() -> None:
    components = committed()["components"]
    named = {
        f"#/components/{kind}/{name}"
        for kind in ("schemas", "responses", "headers")
        for name in components[kind]
    }
    assert set(references_in(committed())) == named


@pytest.mark.parametrize(
    ("method", "path"), [(method, path) for method, path, _ in operations_of(committed())]
)
def test_every_operation_is_described_and_its_examples_fit(method: str, path: str) -> None:
    operation = committed()["paths"][path][method]
    assert operation["summary"] and not operation["summary"].startswith(method.upper())
    for parameter in operation.get("parameters", []):
        assert parameter.get("description"), f"{parameter['name']} has no description"
        if "example" in parameter:
            validator(parameter["schema"]).validate(parameter["example"])
    for media in operation.get("requestBody", {}).get("content", {}).values():
        assert "example" in media, "a field of the body has no example"
        validator(media["schema"]).validate(media["example"])
    for status, response in operation["responses"].items():
        answer = resolved(response)
        assert answer["description"]
        assert answer["headers"]["X-Correlation-Id"]
        for media in answer.get("content", {}).values():
            for example in given_examples(media):
                validator(media["schema"]).validate(example)
                assert "status" not in example or status.startswith("2") or example["status"] == int(status)


def resolved(response: dict[str, Any]) -> dict[str, Any]:
    """The response, or the shared one that it refers to."""
    shared = committed()["components"]["responses"]
    return shared[response["$ref"].rpartition("/")[2]] if "$ref" in response else response


@cache
def component_schemas() -> dict[str, Any]:
    schemas: dict[str, Any] = committed()["components"]["schemas"]
    return schemas


def validator(schema: dict[str, Any]) -> Draft202012Validator:
    """A validator of values against a schema of the document."""
    whole = {**schema, "components": {"schemas": component_schemas()}}
    meta.validate(whole)
    return Draft202012Validator(whole)


def given_examples(media: dict[str, Any]) -> list[Any]:
    several = [example["value"] for example in media.get("examples", {}).values()]
    return [*several, *([media["example"]] if "example" in media else [])]


@pytest.mark.parametrize("name", component_schemas())
def test_a_schema_reads_as_json_schema_and_not_as_python(name: str) -> None:
    schema = component_schemas()[name]
    meta.validate(schema)
    assert "__" not in name
    assert "title" not in schema
    assert schema.get("description"), "the model has no docstring"
    for limit in ("minimum", "maximum"):
        assert not any(isinstance(part.get(limit), float) for part in schema.get("properties", {}).values())


# The generator at work on services of the test's own.


class Nothing(BaseModel):
    """Nothing."""


def thing(sku: Any = ..., size: Any = ...) -> type[BaseModel]:
    """A model named `Thing`, each of whose fields is there if it has an example; without any, `sku` has none."""
    fields: dict[str, Any] = {}
    if sku is not ...:
        fields["sku"] = (str, Field(examples=[sku]))
    if size is not ...:
        fields["size"] = (Annotated[int, Field(ge=1, le=9)], Field(examples=[size]))
    return create_model("Thing", __doc__="A thing.", **(fields or {"sku": (str, ...)}))


READ = "/read_thing/{thing_id}"
MUG, SEVEN = thing(sku="MUG"), thing(size=7)


def service(
    model: type[BaseModel], function_name: str = "read_thing", *, tag: str = "orders"
) -> APIGatewayRestResolver:
    """A service with one route, `GET /<function name>/<thing_id>`, that answers a `model`."""
    app = api_resolver()

    def read_thing(
        thing_id: Annotated[str, Path(max_length=9)],
        idempotency_key: IdempotencyKey,
        after: str | None = None,
    ) -> Any:
        """Reads a thing. It stays as it is:
        nothing happens."""

    read_thing.__name__ = function_name
    read_thing.__annotations__["return"] = model
    options = contract(Access.OWNER, tag=tag, raises=(NotFound,))
    app.get(f"/{function_name}/<thing_id>", **options)(read_thing)
    return app


def test_an_operation_is_named_after_its_function_and_described_by_its_docstring() -> None:
    operation = openapi_document({"orders": service(MUG)})["paths"][READ]["get"]
    assert operation["operationId"] == "read_thing"
    assert operation["summary"] == "Reads a thing"
    assert operation["description"] == "Reads a thing. It stays as it is: nothing happens."


def test_a_header_has_its_usual_name_and_an_optional_parameter_is_not_null() -> None:
    operation = openapi_document({"orders": service(MUG)})["paths"][READ]["get"]
    parameters = {parameter["name"]: parameter for parameter in operation["parameters"]}
    assert set(parameters) == {"thing_id", "Idempotency-Key", "after"}
    assert parameters["after"]["schema"] == {"type": "string"}
    assert parameters["thing_id"]["schema"] == {"type": "string", "maxLength": 9}


def test_a_body_has_an_example_made_of_its_fields_examples() -> None:
    operation = openapi_document({"orders": service(thing(sku="MUG", size=7))})["paths"][
        "/read_thing/{thing_id}"
    ]["get"]
    content = operation["responses"]["200"]["content"]["application/json"]
    assert content["example"] == {"sku": "MUG", "size": 7}


def test_a_body_with_a_required_field_without_an_example_has_none() -> None:
    operation = openapi_document({"orders": service(thing())})["paths"][READ]["get"]
    assert "example" not in operation["responses"]["200"]["content"]["application/json"]


def test_an_answer_without_a_body_is_described_without_one() -> None:
    app = api_resolver()

    def remove() -> None:
        """Removes it."""

    app.delete("/it", **contract(Access.OWNER, tag="orders", status=HTTPStatus.NO_CONTENT))(remove)
    answers = openapi_document({"orders": app})["paths"]["/it"]["delete"]["responses"]
    assert "content" not in answers["204"]


def test_the_same_problem_is_described_once() -> None:
    document = openapi_document({"orders": service(MUG, "one"), "catalog": service(MUG, "other")})
    for _, _, operation in operations_of(document):
        assert operation["responses"]["404"] == {"$ref": "#/components/responses/NotFound"}
    assert document["components"]["responses"]["NotFound"]["headers"]["X-Correlation-Id"]


def test_two_services_schemas_of_one_name_get_different_names_if_they_differ() -> None:
    alike = openapi_document({"orders": service(MUG, "one"), "catalog": service(MUG, "other")})
    different = openapi_document({"orders": service(MUG, "one"), "catalog": service(SEVEN, "other")})
    assert "Thing" in alike["components"]["schemas"]
    assert {"CatalogThing", "OrdersThing"} <= different["components"]["schemas"].keys()
    answered = different["paths"]["/other/{thing_id}"]["get"]["responses"]["200"]["content"][
        "application/json"
    ]
    assert answered["schema"] == {"$ref": "#/components/schemas/CatalogThing"}
    assert different["components"]["schemas"]["CatalogThing"]["properties"]["size"]["maximum"] == 9
    assert "1.0" not in json.dumps(different["components"]["schemas"])


def test_schemas_that_no_operation_uses_are_left_out() -> None:
    schemas = openapi_document({"orders": service(MUG)})["components"]["schemas"]
    assert set(schemas) == {"FieldErrorView", "ProblemDetails", "Thing"}


def test_an_operation_without_a_docstring_or_with_an_unknown_tag_is_not_described() -> None:
    with pytest.raises(NotDescribed, match="tag nonsense"):
        openapi_document({"orders": service(MUG, tag="nonsense")})
    app = api_resolver()

    def silent() -> Nothing:
        return Nothing()

    app.get("/silent", **contract(Access.ANYONE, tag="orders"))(silent)
    with pytest.raises(NotDescribed, match="GET /silent"):
        openapi_document({"orders": app})


def test_two_operations_of_one_name_are_refused() -> None:
    first, second = service(MUG, "read"), api_resolver()

    def read() -> dict[str, str]:
        """Reads."""
        return {}

    second.get("/elsewhere", **contract(Access.ANYONE, tag="users"))(read)
    with pytest.raises(OperationIdTaken, match="read"):
        openapi_document({"orders": first, "users": second})


def test_the_matrix_says_what_the_checks_answer() -> None:
    app = api_resolver()
    for access in Access:

        def route() -> Nothing:
            """Does it."""
            return Nothing()

        route.__name__ = f"for_{access.name.lower()}"
        whose = Whose.LISTED if access is Access.ADMIN else None
        app.get(f"/{access.value}", **contract(access, tag="orders", whose=whose))(route)
    none = "\N{EN DASH}"
    assert matrix(openapi_document({"orders": app})) == {
        "GET /anyone": ["200", "200", "200", none, "200", none],
        "GET /signed-in": ["401", "200", "200", none, "200", none],
        "GET /customer": ["401", "403", "200", none, "403", none],
        "GET /owner": ["401", "404", "404", "200", "200", "owner"],
        "GET /admin": ["401", "403", "403", none, "200", "listed"],
    }

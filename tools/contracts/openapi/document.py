"""The OpenAPI document of the whole API, made from the routes of every service.

It depends on the code alone: the same code gives the same document, byte for byte.
"""

import json
import tomllib
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, cast

from aws_lambda_powertools.event_handler import APIGatewayRestResolver
from pydantic import TypeAdapter

from shared.api import CORRELATION_HEADER, CORRELATION_ID
from shared.problems import MEDIA_TYPE, ProblemDetails
from tools.contracts.openapi.schemas import REFERENCE, NoExample, Schema, example_of, needed, subschemas, tidy
from tools.contracts.openapi.service_part import SECURITY_SCHEME, NotDescribed, contents_of, distinct, part_of
from tools.contracts.template import resources
from tools.services import MANIFEST, camel, services
from tools.settings import REPOSITORY

DOCUMENT = REPOSITORY / "services" / "gateway" / "gateway" / "openapi.json"
TITLE = "Cartwright"
SUMMARY = "The API of a shop for its customers and its operators"
INTRODUCTION = Path(__file__).parent / "introduction.md"

# The sandbox stands in for another company's API.
_NOT_PUBLIC = {"payments_sandbox"}
_METHODS = ("get", "head", "post", "put", "patch", "delete")
_CORRELATION = "CorrelationId"


class OperationIdTaken(Exception):
    """Two routes' functions have the same name, but generated clients name the operation after it."""


def public_apis() -> dict[str, APIGatewayRestResolver]:
    """The resolvers that make up the public API, by service."""
    modules = sorted((REPOSITORY / "services").glob("*/*/functions/api.py"))
    services = [name for module in modules if (name := module.parents[1].name) not in _NOT_PUBLIC]
    return {service: import_module(f"{service}.functions.api").app for service in services}


def tags() -> dict[str, str]:
    """A sentence about each service's routes, by their tag, in the template's order; the API's own come last.

    Each `service.toml` has its own. Raises NotDescribed if a public API has none.
    """
    found: list[tuple[bool, int, str, str]] = []
    for service in public_apis():
        reference = services()[service].reference
        if reference is None:
            raise NotDescribed(
                f"services/{service} has routes: write `[reference]` with a `description` of them into its {MANIFEST}"
            )
        place = list(resources()).index(f"{camel(service)}ApiFunction")
        found.append((bool(reference.tag), place, reference.tag or service, reference.description))
    return {tag: description for _, _, tag, description in sorted(found)}


def version() -> str:
    """The system's version, as pyproject.toml has it."""
    return str(tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["version"])


def operations_of(document: Mapping[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every operation of `document`: its method, its path and its description."""
    for path, item in document["paths"].items():
        for method in _METHODS:
            if method in item:
                yield method, path, item[method]


def written(document: Mapping[str, Any]) -> str:
    """The text of `document` in the committed file."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def openapi_document(apis: Mapping[str, APIGatewayRestResolver]) -> dict[str, Any]:
    """The document of `apis`, resolvers by service.

    Raises NotDescribed for a route without a docstring or with a tag that no service has, and OperationIdTaken.
    """
    parts = distinct(part_of(service, app) for service, app in apis.items())
    problem_schemas = _schemas_of_problems()
    schemas = problem_schemas | {name: schema for part in parts for name, schema in part.schemas.items()}
    paths = {path: operations for part in parts for path, operations in part.paths.items()}
    _require_known_tags(paths)
    _require_unique_ids(paths)
    for operation in _operations(paths):
        _give_examples(operation, schemas)
        for response in operation["responses"].values():
            response.setdefault("headers", {})[CORRELATION_HEADER] = {
                "$ref": f"#/components/headers/{_CORRELATION}"
            }
    responses = _shared_responses(paths)
    used = {operation["tags"][0] for operation in _operations(paths)}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": TITLE,
            "version": version(),
            "summary": SUMMARY,
            "description": INTRODUCTION.read_text(encoding="utf-8").rstrip(),
        },
        "servers": [{"url": ".", "description": "Where this document is served"}],
        "tags": [{"name": name, "description": about} for name, about in tags().items() if name in used],
        "paths": _in_order(paths),
        "components": {
            "schemas": needed([paths, responses], schemas),
            "responses": responses,
            "headers": {_CORRELATION: _correlation_header()},
            "securitySchemes": {SECURITY_SCHEME: _security_scheme()},
        },
    }


def _require_known_tags(paths: Mapping[str, Mapping[str, dict[str, Any]]]) -> None:
    for method, path, operation in operations_of({"paths": paths}):
        if unknown := set(operation["tags"]) - tags().keys():
            raise NotDescribed(
                f"{method.upper()} {path}: the tag {', '.join(unknown)} is no service's. Its `contract` takes the name "
                f"of the service, or the `tag` of its {MANIFEST}."
            )


def _require_unique_ids(paths: Mapping[str, Mapping[str, dict[str, Any]]]) -> None:
    seen: set[str] = set()
    for operation in _operations(paths):
        if operation["operationId"] in seen:
            raise OperationIdTaken(operation["operationId"])
        seen.add(operation["operationId"])


def _give_examples(operation: dict[str, Any], schemas: Mapping[str, Schema]) -> None:
    """Gives each body an example, made from its fields' examples if they suffice."""
    for content in contents_of(operation):
        if not {"example", "examples"} & content.keys():
            try:
                content["example"] = example_of(content["schema"], schemas)
            except NoExample:
                continue


def _shared_responses(paths: Mapping[str, Mapping[str, dict[str, Any]]]) -> dict[str, Any]:
    """Moves each answer with a single problem out of the operations, which then refer to it: `TooManyRequests`."""
    shared: dict[str, Any] = {}
    for operation in _operations(paths):
        for status, response in operation["responses"].items():
            problems = response.get("content", {}).get(MEDIA_TYPE, {}).get("examples", {})
            if len(problems) != 1:
                continue
            name = "".join(word.capitalize() for word in next(iter(problems)).split("-"))
            if shared.setdefault(name, response) == response:
                operation["responses"][status] = {"$ref": f"#/components/responses/{name}"}
    return dict(sorted(shared.items()))


def _schemas_of_problems() -> dict[str, Schema]:
    generated = TypeAdapter(ProblemDetails).json_schema(ref_template=REFERENCE + "{model}")
    schemas = {**generated.pop("$defs", {}), ProblemDetails.__name__: generated}
    for schema in schemas.values():
        tidy(schema)
        for inner in subschemas(schema):
            if inner.get("default", ...) is None:
                del inner["default"]
    return schemas


def _in_order(paths: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """The paths in the order of their tags, then by name; methods from reading to deleting."""
    known = list(tags())

    def place(path: str) -> tuple[int, str]:
        first = next(iter(paths[path].values()))
        return known.index(first["tags"][0]), path

    return {
        path: {method: paths[path][method] for method in _METHODS if method in paths[path]}
        for path in sorted(paths, key=place)
    }


def _operations(paths: Mapping[str, Mapping[str, dict[str, Any]]]) -> list[dict[str, Any]]:
    return [operation for _, _, operation in operations_of({"paths": paths})]


def _correlation_header() -> dict[str, Any]:
    return {
        "description": "Identifies the request and all its effects: the id that the client sent, if it has this form",
        "schema": {"type": "string", "minLength": 16, "maxLength": 64, "pattern": CORRELATION_ID.pattern},
        "example": "3d2b8f0e-7c1a-4a52-9c1e-0f6f2f5f9a10",
    }


def _security_scheme() -> dict[str, Any]:
    return {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "The identity token of a session with the Cognito user pool",
    }


def committed() -> dict[str, Any]:
    """The committed document."""
    return cast(dict[str, Any], json.loads(DOCUMENT.read_text(encoding="utf-8")))

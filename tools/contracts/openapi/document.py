"""The OpenAPI document of the whole API, put together from the routes of every service.

It depends on the code alone: the same code gives the same document, byte for byte.
"""

import inspect
import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from importlib import import_module
from typing import Any, cast

from aws_lambda_powertools.event_handler import APIGatewayRestResolver
from aws_lambda_powertools.event_handler.openapi.models import HTTPBearer
from pydantic import TypeAdapter

from shared.api import CORRELATION_HEADER, routes_of
from shared.errors import MalformedJson, PayloadTooLarge, UnsupportedMediaType
from shared.problems import MEDIA_TYPE, ProblemDetails
from tools.contracts.openapi.schemas import (
    REFERENCE,
    NoExample,
    Schema,
    example_of,
    needed,
    redirected,
    subschemas,
    tidy,
    without_null,
)
from tools.settings import REPOSITORY

DOCUMENT = REPOSITORY / "services" / "gateway" / "gateway" / "openapi.json"
SECURITY_SCHEME = "Cognito"

TITLE = "Cartwright"
SUMMARY = "Everything a shop's customers and its operators do over HTTP"
DESCRIPTION = """\
**Signing in.** Sign up with `POST /users`, confirm the address and sign in with the Cognito user pool, then send its
identity token: `Authorization: Bearer <token>`. The groups in the token decide what you may do: `customer` shops,
`admin` runs the shop. Each operation names who may call it in `x-access`. What is not yours does not exist for you:
it answers 404.

**Retrying.** An operation that takes an `Idempotency-Key` is done once for each key, however often it is sent: choose
a key for each thing to be done (a UUID serves well), and send the same request with the same key until it is
answered. The same key with another body answers 422.

**Changing.** What you read comes with an `ETag`. A change that takes `If-Match` wants it back, and answers 412 when
somebody else was faster: read again, decide again.

**Paging.** A list answers a page and `next`. Hand `next` back as `cursor`, unchanged and with the same filters, for
the following page; it is null on the last. What is added meanwhile neither repeats nor hides an entry.

**Errors** are problem details (RFC 9457). Tell them apart by `type`, which stays the same; `errors` points to the
values that are wrong. 429 and 503 may be sent again in a moment; a request that changes something, with the same
`Idempotency-Key`.

**Tracing.** Every answer has an `X-Correlation-Id`, and so has everything that the request causes, to the last mail.
Send your own (128 printable ASCII characters at most) or be given one; quote it to support.

**Values.** Money is an integer in the currency's minor units (cents for EUR). Times are RFC 3339 in UTC. A body is
JSON in UTF-8 of at most 64 KiB. New properties may be added to answers at any time: ignore those you do not know."""

TAGS = {
    "users": "Signing up, and what the shop knows of a user",
    "catalog": "The products on sale",
    "orders": "Placing orders, and what becomes of them",
    "inventory": "What is in stock, for those who run the shop",
    "jobs": "Work that takes longer than a request, for those who run the shop",
    "api": "The API itself",
}

# The sandbox stands in for another company's API.
_NOT_PUBLIC = {"payments_sandbox"}
_METHODS = ("get", "head", "post", "put", "patch", "delete")
_CORRELATION = "CorrelationId"


class NotDescribed(Exception):
    """Something would stand in the reference without a word on what it is; the message says what."""


class OperationIdTaken(Exception):
    """Two routes' functions have the same name, which names the operation in every generated client."""


@dataclass(frozen=True)
class _Described:
    """One service's part of the document."""

    service: str
    paths: dict[str, dict[str, dict[str, Any]]]
    schemas: dict[str, Schema]


def public_apis() -> dict[str, APIGatewayRestResolver]:
    """The resolvers that make up the public API, by service."""
    modules = sorted((REPOSITORY / "services").glob("*/*/functions/api.py"))
    services = [name for module in modules if (name := module.parents[1].name) not in _NOT_PUBLIC]
    return {service: import_module(f"{service}.functions.api").app for service in services}


def version() -> str:
    """The system's version, as pyproject.toml has it."""
    return str(tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["version"])


def operations_of(document: Mapping[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every operation of `document`: its method, its path and what it says."""
    for path, item in document["paths"].items():
        for method in _METHODS:
            if method in item:
                yield method, path, item[method]


def written(document: Mapping[str, Any]) -> str:
    """The text of `document` as it is committed."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def openapi_document(apis: Mapping[str, APIGatewayRestResolver]) -> dict[str, Any]:
    """The document of `apis`, resolvers by service.

    Raises NotDescribed for a route without a docstring or with a tag that is not in TAGS, and OperationIdTaken.
    """
    parts = _apart([_described(service, app) for service, app in apis.items()])
    problem_schemas = _schemas_of_problems()
    schemas = problem_schemas | {name: schema for part in parts for name, schema in part.schemas.items()}
    paths = {path: operations for part in parts for path, operations in part.paths.items()}
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
        "info": {"title": TITLE, "version": version(), "summary": SUMMARY, "description": DESCRIPTION},
        "servers": [{"url": ".", "description": "Where this document is served"}],
        "tags": [{"name": name, "description": TAGS[name]} for name in TAGS if name in used],
        "paths": _in_order(paths),
        "components": {
            "schemas": needed([paths, responses], schemas),
            "responses": responses,
            "headers": {_CORRELATION: _correlation_header()},
            "securitySchemes": {SECURITY_SCHEME: _security_scheme()},
        },
    }


def _described(service: str, app: APIGatewayRestResolver) -> _Described:
    generated = app.get_openapi_schema(
        title=service, openapi_version="3.1.0", security_schemes={SECURITY_SCHEME: HTTPBearer()}
    ).model_dump(mode="json", by_alias=True, exclude_none=True)
    paths = generated["paths"]
    for route in routes_of(app):
        if route.include_in_schema:
            operation = paths[route.openapi_path][route.method.lower()]
            _name(operation, f"{route.method} {route.openapi_path}", route.func)
            _normalize(operation)
    schemas = generated.get("components", {}).get("schemas", {})
    for schema in schemas.values():
        tidy(schema)
    return _Described(service, paths, schemas)


def _name(operation: dict[str, Any], route: str, function: Any) -> None:
    """Gives the operation the id, the summary and the description that its function's name and docstring are."""
    text = inspect.getdoc(function)
    if not text:
        raise NotDescribed(f"{route}: {function.__name__} has no docstring")
    unknown = set(operation["tags"]) - TAGS.keys()
    if unknown:
        raise NotDescribed(f"{route}: the tag {', '.join(unknown)} is not in TAGS")
    description = "\n\n".join(" ".join(paragraph.split()) for paragraph in text.split("\n\n"))
    summary = re.split(r"(?<=[.:;])\s", description, maxsplit=1)[0].rstrip(".:;")
    operation["operationId"] = function.__name__
    operation["summary"] = summary
    operation.pop("description", None)
    if description.rstrip(".") != summary:
        operation["description"] = description


def _normalize(operation: dict[str, Any]) -> None:
    for parameter in operation.get("parameters", []):
        parameter["schema"] = without_null(parameter["schema"])
        tidy(parameter["schema"])
        # Said once, on the parameter; the schema's examples become the parameter's, where tools look for them.
        parameter["schema"].pop("description", None)
        examples = parameter["schema"].pop("examples", None)
        if examples:
            parameter["example"] = examples[0]
        if parameter["in"] == "header":
            parameter["name"] = "-".join(word.capitalize() for word in parameter["name"].split("-"))
    for content in _contents(operation):
        tidy(content["schema"])
    operation["responses"].get(str(int(HTTPStatus.NO_CONTENT)), {}).pop("content", None)
    if "requestBody" not in operation:
        _drop_problems_of_bodies(operation["responses"])
    operation["responses"] = dict(sorted(operation["responses"].items()))


def _drop_problems_of_bodies(responses: dict[str, Any]) -> None:
    """Leaves out what only a body can be refused for."""
    for problem in (MalformedJson, PayloadTooLarge, UnsupportedMediaType):
        status = str(int(problem.status))
        content = responses.get(status, {}).get("content", {}).get(MEDIA_TYPE, {})
        examples = content.get("examples", {})
        examples.pop(problem.code, None)
        if content and not examples:
            del responses[status]


def _contents(operation: dict[str, Any]) -> list[dict[str, Any]]:
    """The media type objects of the operation's body and of all its answers."""
    bodies = [operation.get("requestBody", {}), *operation["responses"].values()]
    return [content for body in bodies for content in body.get("content", {}).values()]


def _apart(parts: list[_Described]) -> list[_Described]:
    """The parts, with every schema renamed of which another service has a different one of the same name: `Line` of
    orders becomes `OrdersLine`."""
    texts: dict[str, set[str]] = {}
    for part in parts:
        for name, schema in part.schemas.items():
            texts.setdefault(name, set()).add(json.dumps(schema, sort_keys=True))
    clashing = {name for name, versions in texts.items() if len(versions) > 1}
    return [_renamed(part, clashing & needed(part.paths, part.schemas).keys()) for part in parts]


def _renamed(part: _Described, names: set[str]) -> _Described:
    prefix = part.service.title().replace("_", "")
    targets = {REFERENCE + name: f"{REFERENCE}{prefix}{name}" for name in names}

    def target(reference: str) -> str:
        return targets.get(reference, reference)

    return _Described(
        part.service,
        redirected(part.paths, target),
        {
            target(REFERENCE + name).removeprefix(REFERENCE): redirected(schema, target)
            for name, schema in part.schemas.items()
        },
    )


def _require_unique_ids(paths: Mapping[str, Mapping[str, dict[str, Any]]]) -> None:
    seen: set[str] = set()
    for operation in _operations(paths):
        if operation["operationId"] in seen:
            raise OperationIdTaken(operation["operationId"])
        seen.add(operation["operationId"])


def _give_examples(operation: dict[str, Any], schemas: Mapping[str, Schema]) -> None:
    """Gives each body, sent or answered, an example made of its fields' examples, where these suffice."""
    for content in _contents(operation):
        if not {"example", "examples"} & content.keys():
            try:
                content["example"] = example_of(content["schema"], schemas)
            except NoExample:
                continue


def _shared_responses(paths: Mapping[str, Mapping[str, dict[str, Any]]]) -> dict[str, Any]:
    """Takes the answers that mean one problem out of the operations, which then refer to them: `TooManyRequests`."""
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
    """The paths as the tags are ordered, then by name; methods from reading to deleting."""
    tags = list(TAGS)

    def place(path: str) -> tuple[int, str]:
        first = next(iter(paths[path].values()))
        return tags.index(first["tags"][0]), path

    return {
        path: {method: paths[path][method] for method in _METHODS if method in paths[path]}
        for path in sorted(paths, key=place)
    }


def _operations(paths: Mapping[str, Mapping[str, dict[str, Any]]]) -> list[dict[str, Any]]:
    return [operation for _, _, operation in operations_of({"paths": paths})]


def _correlation_header() -> dict[str, Any]:
    return {
        "description": "What ties all that the request caused together; the client's own where it sent one",
        "schema": {"type": "string", "minLength": 1, "maxLength": 128},
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
    """The document as it is committed."""
    return cast(dict[str, Any], json.loads(DOCUMENT.read_text(encoding="utf-8")))

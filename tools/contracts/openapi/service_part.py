"""One service's part of the OpenAPI document: its operations, described by their functions, and its schemas."""

import inspect
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayRestResolver
from aws_lambda_powertools.event_handler.openapi.models import HTTPBearer

from shared.api import routes_of
from shared.errors import MalformedJson, PayloadTooLarge, UnsupportedMediaType
from shared.problems import MEDIA_TYPE
from tools.contracts.openapi.schemas import REFERENCE, Schema, needed, redirected, tidy, without_null

SECURITY_SCHEME = "Cognito"


class NotDescribed(Exception):
    """A part of the reference has no description; the message says which."""


@dataclass(frozen=True)
class ServicePart:
    """One service's part of the document."""

    service: str
    paths: dict[str, dict[str, dict[str, Any]]]
    schemas: dict[str, Schema]


def part_of(service: str, app: APIGatewayRestResolver) -> ServicePart:
    """The part of a service, from its resolver; raises NotDescribed for a route without a docstring."""
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
    return ServicePart(service, paths, schemas)


def _name(operation: dict[str, Any], route: str, function: Any) -> None:
    """Takes the operation's id from its function's name, and its summary and description from the docstring."""
    text = inspect.getdoc(function)
    if not text:
        raise NotDescribed(f"{route}: {function.__name__} has no docstring")
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
        # The parameter has the description already. Tools look for the example there, too.
        parameter["schema"].pop("description", None)
        examples = parameter["schema"].pop("examples", None)
        if examples:
            parameter["example"] = examples[0]
        if parameter["in"] == "header":
            parameter["name"] = "-".join(word.capitalize() for word in parameter["name"].split("-"))
    for content in contents_of(operation):
        tidy(content["schema"])
    operation["responses"].get(str(int(HTTPStatus.NO_CONTENT)), {}).pop("content", None)
    if "requestBody" not in operation:
        _drop_problems_of_bodies(operation["responses"])
    operation["responses"] = dict(sorted(operation["responses"].items()))


def _drop_problems_of_bodies(responses: dict[str, Any]) -> None:
    """Removes the problems that only a body can have."""
    for problem in (MalformedJson, PayloadTooLarge, UnsupportedMediaType):
        status = str(int(problem.status))
        content = responses.get(status, {}).get("content", {}).get(MEDIA_TYPE, {})
        examples = content.get("examples", {})
        examples.pop(problem.code, None)
        if content and not examples:
            del responses[status]


def contents_of(operation: dict[str, Any]) -> list[dict[str, Any]]:
    """The media type objects of the operation's body and of all its answers."""
    bodies = [operation.get("requestBody", {}), *operation["responses"].values()]
    return [content for body in bodies for content in body.get("content", {}).values()]


def distinct(parts: Iterable[ServicePart]) -> list[ServicePart]:
    """The parts, with a service's prefix on the names of schemas that differ between services.

    `Line` of orders becomes `OrdersLine` if another service has a different `Line`.
    """
    parts = list(parts)
    texts: dict[str, set[str]] = {}
    for part in parts:
        for name, schema in part.schemas.items():
            texts.setdefault(name, set()).add(json.dumps(schema, sort_keys=True))
    clashing = {name for name, versions in texts.items() if len(versions) > 1}
    return [_renamed(part, clashing & needed(part.paths, part.schemas).keys()) for part in parts]


def _renamed(part: ServicePart, names: set[str]) -> ServicePart:
    prefix = part.service.title().replace("_", "")
    targets = {REFERENCE + name: f"{REFERENCE}{prefix}{name}" for name in names}

    def target(reference: str) -> str:
        return targets.get(reference, reference)

    return ServicePart(
        part.service,
        redirected(part.paths, target),
        {
            target(REFERENCE + name).removeprefix(REFERENCE): redirected(schema, target)
            for name, schema in part.schemas.items()
        },
    )

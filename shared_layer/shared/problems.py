"""Answers other than success: RFC 9457 problem details, for every way in which a request can fail.

An answer has a stable `type`, says what was wrong and where, and never holds a stack trace.
"""

import json
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from aws_lambda_powertools.event_handler.exceptions import ServiceError
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field

from shared.errors import (
    FieldError,
    InternalError,
    InvalidRequest,
    MalformedJson,
    NotFound,
    Problem,
    TemporarilyUnavailable,
    TransientError,
    problem_details,
)
from shared.observability import logger

MEDIA_TYPE = "application/problem+json"


class FieldErrorView(BaseModel):
    """What is wrong with one value of the request."""

    pointer: str = Field(
        description="JSON pointer into the request: /body, /query, /path or /header, then the value"
    )
    detail: str


class ProblemDetails(BaseModel):
    """Problem details for HTTP APIs (RFC 9457)."""

    type: str = Field(description="Stable; what a client should tell problems apart by")
    title: str
    status: int
    detail: str
    errors: list[FieldErrorView] | None = None


def answer_problems(app: APIGatewayRestResolver) -> None:
    """Makes `app` answer every failure as problem details."""

    @app.exception_handler(Problem)
    def problem(error: Problem) -> Response[str]:
        return problem_answer(error)

    @app.exception_handler(RequestValidationError)
    def invalid(error: RequestValidationError) -> Response[str]:
        if any(entry.get("type") == "json_invalid" for entry in error.errors()):
            malformed = [_field_error(entry, None) for entry in error.errors()]
            return problem_answer(MalformedJson("The body is not JSON.", malformed))
        body = app.current_event.json_body if app.current_event.body else None
        errors = [_field_error(entry, body) for entry in error.errors()]
        named = ", ".join(entry["pointer"] for entry in errors)
        return problem_answer(InvalidRequest(f"Invalid: {named}.", errors))

    @app.exception_handler(TransientError)
    def transient(error: TransientError) -> Response[str]:
        logger.warning("request failed for now", error=type(error).__name__, reason=str(error))
        detail = "This cannot be done just now; send the same request again in a moment."
        return problem_answer(TemporarilyUnavailable(detail))

    @app.exception_handler(ServiceError)
    def service_error(error: ServiceError) -> Response[str]:
        status = HTTPStatus(error.status_code)
        return _answer(status, status.phrase.lower().replace(" ", "-"), str(error.msg), [])

    @app.not_found
    def no_route(_: Exception) -> Response[str]:
        return problem_answer(NotFound("There is no such resource."))

    @app.exception_handler(Exception)
    def unexpected(_: Exception) -> Response[str]:
        logger.exception("request failed unexpectedly")
        detail = f"Something went wrong on our side; quote {logger.get_correlation_id()} to support."
        return problem_answer(InternalError(detail))


def problem_answer(problem: Problem) -> Response[str]:
    """The answer that tells of `problem`."""
    return _answer(problem.status, problem.code, problem.detail, problem.errors)


def documented(problems: Iterable[type[Problem]]) -> dict[int, dict[str, Any]]:
    """The OpenAPI responses for `problems`, by status: what each means, and its `type` by example."""
    by_status: dict[int, list[type[Problem]]] = {}
    for kind in problems:
        kinds = by_status.setdefault(int(kind.status), [])
        if kind not in kinds:
            kinds.append(kind)
    return {
        status: {
            "description": " ".join(_summary(kind) for kind in kinds),
            "content": {
                MEDIA_TYPE: {
                    "schema": {"$ref": f"#/components/schemas/{ProblemDetails.__name__}"},
                    "examples": {
                        kind.code: {"value": problem_details(kind.status, kind.code, _summary(kind), [])}
                        for kind in kinds
                    },
                }
            },
        }
        for status, kinds in by_status.items()
    }


def _summary(kind: type[Problem]) -> str:
    return (kind.__doc__ or "").strip().splitlines()[0]


def _field_error(entry: Any, body: Any) -> FieldError:
    """A validation error as a JSON pointer into the part of the request it is about (`/body/lines/0/sku`).

    Where a body may be of several kinds, pydantic names the kind in between, which is no place in the body.
    """
    location = [str(part) for part in entry.get("loc", ())]
    if len(location) > 2 and isinstance(body, dict):
        named = location[1]
        if named not in body and named in body.values():
            del location[1]
    return FieldError("/" + "/".join(location), str(entry.get("msg", "invalid")))


def _answer(status: HTTPStatus, code: str, detail: str, errors: list[FieldError]) -> Response[str]:
    return Response(
        status_code=int(status),
        content_type=MEDIA_TYPE,
        body=json.dumps(problem_details(status, code, detail, errors)),
    )

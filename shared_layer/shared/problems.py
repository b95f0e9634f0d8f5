"""Problem details (RFC 9457): the answer to every request that fails.

An answer has a stable `type`, names the fault and its place, and never holds a stack trace.
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
    """The fault in one value of the request."""

    pointer: str = Field(
        description="JSON pointer into the request: /body, /query, /path or /header, then the value"
    )
    detail: str


class ProblemDetails(BaseModel):
    """Problem details for HTTP APIs (RFC 9457)."""

    type: str = Field(description="Stable: a client distinguishes problems by it")
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
        detail = "The service cannot do this at the moment. Send the same request again shortly."
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
        detail = f"Something went wrong on our side. Quote {logger.get_correlation_id()} to support."
        return problem_answer(InternalError(detail))


def problem_answer(problem: Problem) -> Response[str]:
    """`problem` as an HTTP response."""
    headers = {} if problem.retry_after is None else {"Retry-After": str(problem.retry_after)}
    return _answer(problem.status, problem.code, problem.detail, problem.errors, headers)


def documented(problems: Iterable[type[Problem]]) -> dict[int, dict[str, Any]]:
    """The OpenAPI responses for `problems`, by status: the meaning of each, and an example with its `type`."""
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
    """A validation error with a JSON pointer to its place in the request (`/body/lines/0/sku`).

    If a body may be of several kinds, pydantic puts the kind into the location; it is no place in the body.
    """
    location = [str(part) for part in entry.get("loc", ())]
    if str(entry.get("type")).startswith("union_tag"):
        location.append(str(entry["ctx"]["discriminator"]).strip("'"))
    if len(location) > 2 and isinstance(body, dict):
        named = location[1]
        if named not in body and named in body.values():
            del location[1]
    return FieldError("/" + "/".join(location), str(entry.get("msg", "invalid")))


def _answer(
    status: HTTPStatus,
    code: str,
    detail: str,
    errors: list[FieldError],
    headers: dict[str, str] | None = None,
) -> Response[str]:
    return Response(
        status_code=int(status),
        content_type=MEDIA_TYPE,
        body=json.dumps(problem_details(status, code, detail, errors)),
        headers=dict(headers or {}),
    )

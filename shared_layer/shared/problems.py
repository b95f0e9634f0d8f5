"""Problem details (RFC 9457): the answer to every request that fails.

An answer has a stable `type`, names the fault and its place, and never holds a stack trace.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Annotated, Any

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from aws_lambda_powertools.event_handler.api_gateway import Route
from aws_lambda_powertools.event_handler.exceptions import ServiceError
from aws_lambda_powertools.event_handler.openapi.exceptions import (
    RequestValidationError,
)

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
from shared.record import About, Record
from shared.validation import place_of, pointer_to, words_of

MEDIA_TYPE = "application/problem+json"


class FieldErrorView(Record):
    """The fault in one value of the request."""

    pointer: Annotated[
        str,
        About(description="JSON pointer into the request: /body, /query, /path or /header, then the value"),
    ]
    detail: str


class ProblemDetails(Record):
    """Problem details for HTTP APIs (RFC 9457)."""

    type: Annotated[str, About(description="Stable: a client distinguishes problems by it")]
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
        return problem_answer(_invalid(error.errors(), app.context["_route"]))

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
        return problem_answer(_our_fault())


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


def _invalid(faults: Sequence[Mapping[str, Any]], route: Route) -> Problem:
    """The problem of a request with these faults; also of an answer, for which Powertools raises the same."""
    match faults[0]:
        case {"loc": ("response", *_)}:
            errors = [f"{pointer_to(place_of(fault))}: {words_of(fault)}" for fault in faults]
            logger.error("answer does not fit its schema", errors=errors)
            return _our_fault()
        case {"type": "json_invalid", "loc": (_, position), "ctx": {"error": reason}}:
            fault = FieldError("/body", f"Not JSON at character {position}: {reason}")
            return MalformedJson("The body is not JSON.", [fault])
    body_is_tagged = any(
        getattr(body.field_info, "discriminator", None) for body in route.dependant.body_params
    )
    found = [
        FieldError(
            pointer_to(place_of(fault, tag_at=1 if body_is_tagged and fault["loc"][0] == "body" else None)),
            words_of(fault),
        )
        for fault in faults
    ]
    named = ", ".join(entry["pointer"] for entry in found)
    return InvalidRequest(f"Invalid: {named}.", found)


def _our_fault() -> InternalError:
    return InternalError(f"Something went wrong on our side. Quote {logger.get_correlation_id()} to support.")


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

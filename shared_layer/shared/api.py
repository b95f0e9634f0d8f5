"""The API resolver every HTTP service uses: validated routes, problem details, correlation id, CORS.

Error answers are RFC 9457 problem details (`application/problem+json`): a stable `type`, what was wrong, where, and
never a stack trace.
"""

import json
import os
from collections.abc import Callable
from http import HTTPStatus
from typing import Any
from uuid import uuid4

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, CORSConfig, Response
from aws_lambda_powertools.event_handler.exceptions import ServiceError
from aws_lambda_powertools.event_handler.openapi.exceptions import (
    RequestUnsupportedContentType,
    RequestValidationError,
)
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import BaseModel

from shared.errors import FieldError, Problem, TransientError, Unauthorized
from shared.observability import logger, metrics, tracer

CORRELATION_HEADER = "X-Correlation-Id"
_PROBLEM_TYPES = "https://cartwright.example/problems/"
_MAX_CORRELATION_ID = 128


class Caller(BaseModel):
    """Who calls, as Cognito's verified token says."""

    user_id: str
    email: str
    name: str = ""
    locale: str = ""
    groups: frozenset[str] = frozenset()


def api_resolver() -> APIGatewayRestResolver:
    """A resolver that validates requests against the routes' types and answers every failure as problem details."""
    app = APIGatewayRestResolver(
        enable_validation=True,
        cors=CORSConfig(
            allow_origin=os.environ.get("CORS_ALLOW_ORIGIN", "*"),
            allow_headers=["Content-Type", "Authorization", "Idempotency-Key", CORRELATION_HEADER],
            expose_headers=[CORRELATION_HEADER, "Location"],
            max_age=3600,
        ),
        serializer=_to_json,
        json_body_deserializer=_from_json,
    )

    _answer_unreadable_requests(app)

    @app.exception_handler(Problem)
    def problem(error: Problem) -> Response[str]:
        return _answer(error.status, error.code, error.detail, error.errors)

    @app.exception_handler(TransientError)
    def transient(error: TransientError) -> Response[str]:
        logger.warning("request failed for now", error=type(error).__name__, reason=str(error))
        detail = "This cannot be done just now; send the same request again in a moment."
        return _answer(HTTPStatus.SERVICE_UNAVAILABLE, "temporarily-unavailable", detail, [])

    @app.exception_handler(ServiceError)
    def service_error(error: ServiceError) -> Response[str]:
        status = HTTPStatus(error.status_code)
        return _answer(status, status.phrase.lower().replace(" ", "-"), str(error.msg), [])

    @app.not_found
    def no_route(_: Exception) -> Response[str]:
        return _answer(HTTPStatus.NOT_FOUND, "not-found", "There is no such resource.", [])

    @app.exception_handler(Exception)
    def unexpected(_: Exception) -> Response[str]:
        logger.exception("request failed unexpectedly")
        detail = f"Something went wrong on our side; quote {logger.get_correlation_id()} to support."
        return _answer(HTTPStatus.INTERNAL_SERVER_ERROR, "internal-error", detail, [])

    return app


def caller_of(app: APIGatewayRestResolver) -> Caller:
    """The authenticated caller of the current request; raises Unauthorized when no verified token came with it."""
    authorizer: Any = app.current_event.request_context.authorizer
    claims = (authorizer or {}).get("claims") or {}
    if "sub" not in claims:
        raise Unauthorized("This resource needs a token.")
    return Caller(
        user_id=claims["sub"],
        email=claims.get("email", ""),
        name=claims.get("name", ""),
        locale=claims.get("locale", ""),
        groups=frozenset(
            filter(None, str(claims.get("cognito:groups", "")).strip("[]").replace(",", " ").split())
        ),
    )


def api_handler(app: APIGatewayRestResolver) -> Callable[[dict[str, Any], LambdaContext], dict[str, Any]]:
    """The Lambda handler that serves `app`.

    The correlation id is set here, around the resolver, since a resolver's exception handlers run outside of its
    middlewares: every answer carries it, whichever way it came about.
    """

    @metrics.log_metrics
    @tracer.capture_lambda_handler(capture_response=False)
    @logger.inject_lambda_context(clear_state=True)
    def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
        identifier = _correlation_id_of(event)
        logger.set_correlation_id(identifier)
        answer = app.resolve(event, context)
        answer["multiValueHeaders"][CORRELATION_HEADER] = [identifier]
        return answer

    return handler


def correlation_id() -> str:
    """The id that ties everything caused by the current request together."""
    return logger.get_correlation_id() or ""


def _answer_unreadable_requests(app: APIGatewayRestResolver) -> None:
    """What `app` answers to a request that does not fit its route's types."""

    @app.exception_handler(RequestValidationError)
    def invalid(error: RequestValidationError) -> Response[str]:
        errors = [_field_error(entry) for entry in error.errors()]
        if any(entry.get("type") == "json_invalid" for entry in error.errors()):
            return _answer(HTTPStatus.BAD_REQUEST, "malformed-json", "The body is not JSON.", errors)
        named = ", ".join(entry["pointer"] for entry in errors)
        return _answer(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid-request", f"Invalid: {named}.", errors)

    @app.exception_handler(RequestUnsupportedContentType)
    def unsupported(_: RequestUnsupportedContentType) -> Response[str]:
        detail = "Send the body as application/json."
        return _answer(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", detail, [])


def _correlation_id_of(event: dict[str, Any]) -> str:
    """The client's correlation id where it sent a usable one, or a new one."""
    headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    given = str(headers.get(CORRELATION_HEADER.lower()) or "")
    usable = 0 < len(given) <= _MAX_CORRELATION_ID and given.isascii() and given.isprintable()
    return given if usable else str(uuid4())


def _field_error(entry: Any) -> FieldError:
    """A validation error as a JSON pointer into the part of the request it is about (`/body/lines/0/sku`)."""
    location = [str(part) for part in entry.get("loc", ())]
    return FieldError("/" + "/".join(location), str(entry.get("msg", "invalid")))


def _answer(status: HTTPStatus, code: str, detail: str, errors: list[FieldError]) -> Response[str]:
    problem: dict[str, Any] = {
        "type": _PROBLEM_TYPES + code,
        "title": status.phrase,
        "status": int(status),
        "detail": detail,
    }
    if errors:
        problem["errors"] = errors
    return Response(
        status_code=int(status), content_type="application/problem+json", body=json.dumps(problem)
    )


def _from_json(body: str) -> Any:
    """What `body` says; raises JSONDecodeError for everything unreadable, also for what is too deep or too long."""
    try:
        return json.loads(body)
    except json.JSONDecodeError:
        raise
    except (ValueError, RecursionError) as error:
        raise json.JSONDecodeError(str(error), body, 0) from error


def _to_json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)

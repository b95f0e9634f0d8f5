"""The API resolver every HTTP service uses: admitted callers, validated requests, problem details, correlation id."""

import json
import os
import re
import time
from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Any
from uuid import uuid4

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, CORSConfig, Response
from aws_lambda_powertools.event_handler.api_gateway import Route
from aws_lambda_powertools.event_handler.middlewares import NextMiddleware
from aws_lambda_powertools.event_handler.middlewares.openapi_validation import (
    OpenAPIRequestValidationMiddleware,
)
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError
from aws_lambda_powertools.utilities.typing import LambdaContext

from shared.access import Access, Whose, verified_caller
from shared.bodies import require_readable
from shared.cause import caused_by
from shared.errors import (
    Forbidden,
    InternalError,
    InvalidRequest,
    MalformedJson,
    PayloadTooLarge,
    Problem,
    TemporarilyUnavailable,
    TooManyRequests,
    Unauthorized,
    UnsupportedMediaType,
)
from shared.etag import NotModified
from shared.links import path_in_api
from shared.observability import entry_point, logger
from shared.problems import answer_problems, documented

CORRELATION_HEADER = "X-Correlation-Id"
CORRELATION_ID = re.compile(r"^(?=.*[0-9])(?=.*[A-Za-z])[A-Za-z0-9_-]{16,64}$")
"""The form of a client's correlation id. Logs, events and the payment provider keep it, so it must not name a person.
It is no mail address. It has letters and digits, so it is no card number, no telephone number and no plain name."""

SECURITY_HEADERS = {
    # RFC 6797, for two years. Subdomains are left out, since a domain of a deployment's own may have others.
    "Strict-Transport-Security": "max-age=63072000",
    "X-Content-Type-Options": "nosniff",
}
"""Headers of every answer. API Gateway sets them on its own answers, by the template."""
_ACCESS = "x-access"
_AUDITED = "x-audited"
_READS = {"GET", "HEAD"}


class UndeclaredAccess(Exception):
    """A route does not say who may call it, or whose data an admin reaches by it."""


class Gate(OpenAPIRequestValidationMiddleware):
    """Checks a request before its route runs: first the caller's access, then the body's form, then every type.

    A caller without access learns nothing about how to use the route."""

    def handler(self, app: Any, next_middleware: NextMiddleware) -> Response[Any]:
        """See BaseMiddlewareHandler; raises Unauthorized, Forbidden, RequestValidationError, or as
        `require_readable`."""
        route = app.context["_route"]
        access = _declared_access(route)
        # Every route of ours declares its access (see api_handler); Powertools' own, which answers 404, is open.
        if access is not None:
            access.admit(verified_caller(app))
        if route.dependant.body_params:
            require_readable(app.current_event)
        return super().handler(app, next_middleware)

    def _get_body(self, app: Any) -> Any:
        """The body as a JSON object, after `require_readable`; raises RequestValidationError.

        Powertools' own method reads the type in lower case only. It also takes an object out of a list of one.
        """
        body: object = self._parse_json_data(app)
        if body is not None and not isinstance(body, dict):
            raise RequestValidationError([{"type": "model_type", "loc": ("body",), "msg": "", "ctx": {}}])
        return body


def api_resolver() -> APIGatewayRestResolver:
    """A resolver that puts every route behind the `Gate` and answers every failure as problem details.

    Each route takes its options from `contract`.
    """
    app = APIGatewayRestResolver(
        enable_validation=True,
        cors=CORSConfig(
            allow_origin=os.environ.get("CORS_ALLOW_ORIGIN", "*"),
            allow_headers=[
                "Content-Type",
                "Authorization",
                "Idempotency-Key",
                "If-Match",
                "If-None-Match",
                CORRELATION_HEADER,
            ],
            expose_headers=[
                "Allow",
                "Content-Disposition",
                "ETag",
                "Idempotent-Replayed",
                "Location",
                "Retry-After",
                CORRELATION_HEADER,
            ],
            max_age=3600,
        ),
        serializer=_to_json,
        json_body_deserializer=_from_json,
    )
    # Powertools runs its own validation before any other middleware; the gate is that validation and more.
    app._request_validation_middleware = Gate()  # type: ignore[no-untyped-call]
    answer_problems(app)

    @app.exception_handler(NotModified)
    def not_modified(answer: NotModified) -> Response[str]:
        return Response(status_code=HTTPStatus.NOT_MODIFIED, body="", headers=answer.headers)

    return app


def contract(
    access: Access,
    *,
    tag: str,
    whose: Whose | None = None,
    raises: tuple[type[Problem], ...] = (),
    status: HTTPStatus = HTTPStatus.OK,
    answers: str = "Success",
    headers: dict[str, str] | None = None,
    conditional: bool = False,
) -> dict[str, Any]:
    """The options of a route, as keyword arguments of the resolver's `get`, `post` and so on.

    The gate enforces `access`; the OpenAPI document shows everything. Raises UndeclaredAccess.

    `whose` says whose data an admin reaches by the route. A route of Access.ADMIN must say it, and then calls
    `record_access` unless it is the shop's. With Access.OWNER it is the owner's; `require_owner` leaves the line.
    `raises` lists the route's own problems; any route can also answer with the general ones. `status` and `answers` are
    its success as a number and in words. `headers` are the success's own headers and their meaning. A `conditional`
    read also answers 304 with them.
    """
    refusals: tuple[type[Problem], ...] = () if access is Access.ANYONE else (Unauthorized, Forbidden)
    always = (
        MalformedJson,
        PayloadTooLarge,
        UnsupportedMediaType,
        InvalidRequest,
        TooManyRequests,
        InternalError,
        TemporarilyUnavailable,
    )
    return {
        "status_code": int(status),
        "responses": {
            int(status): success(status, answers, headers),
            **(_not_modified(headers) if conditional else {}),
            **documented([*refusals, *raises, *always]),
        },
        "tags": [tag],
        "security": None if access is Access.ANYONE else [{"Cognito": []}],
        "openapi_extensions": {_ACCESS: access.value, **_audited(access, whose)},
    }


def _audited(access: Access, whose: Whose | None) -> dict[str, str]:
    if access is Access.ADMIN and whose is None:
        raise UndeclaredAccess("A route for admins says whose data they reach by it (shared.access.Whose).")
    if whose is None and access is Access.OWNER:
        whose = Whose.OWNER
    return {} if whose in (None, Whose.SHOP) else {_AUDITED: str(whose)}


def _not_modified(headers: dict[str, str] | None) -> dict[int, dict[str, Any]]:
    status = HTTPStatus.NOT_MODIFIED
    return {int(status): success(status, "The client has the latest version", headers)}


def success(status: HTTPStatus, answers: str, headers: dict[str, str] | None = None) -> dict[str, Any]:
    """The OpenAPI response of a success: its meaning in words, and its own headers with their meaning."""
    response: dict[str, Any] = {"description": answers}
    if headers:
        response["headers"] = {
            name: {"description": description, "schema": {"type": "string"}}
            for name, description in headers.items()
        }
    if status in {HTTPStatus.NO_CONTENT, HTTPStatus.FOUND, HTTPStatus.NOT_MODIFIED}:
        response["content"] = {}  # otherwise Powertools gives it a body
    return response


def api_handler(
    app: APIGatewayRestResolver, *, calls: Sequence[str] = (), expects: Sequence[Callable[..., Any]] = ()
) -> Callable[[dict[str, Any], LambdaContext], dict[str, Any]]:
    """The Lambda handler that serves `app`; raises UndeclaredAccess when a route has no `contract`.

    The function is prepared for the AWS services that it `calls` (`shared.aws.prepare`). It also makes the schemas of
    the routes that it `expects` before their first request.

    The correlation id is set around the resolver, because a resolver's exception handlers run outside of its
    middlewares. So every answer carries it, also an answer to a failure. The same holds for SECURITY_HEADERS, and for
    `Cache-Control`: nobody stores an answer unless its route says otherwise, since most have personal data.
    """
    undeclared = [
        f"{route.method} {route.path}" for route in routes_of(app) if _declared_access(route) is None
    ]
    if undeclared:
        raise UndeclaredAccess(", ".join(undeclared))
    if calls:
        from shared.aws import prepare  # noqa: PLC0415 - a function without calls starts sooner

        prepare(*calls)

    for route in routes_of(app):
        if route.func in expects:
            _ = route.dependant

    @entry_point
    def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
        identifier = _correlation_id_of(event)
        logger.set_correlation_id(identifier)
        started = time.perf_counter()
        # API Gateway's access log has the request under the same id.
        with caused_by(str(event["requestContext"].get("requestId") or context.aws_request_id)):
            answer = _answer(app, event, context)
            # API Gateway's access log has each request. What changed nothing has no more to tell.
            is_read = event["httpMethod"] in _READS and answer["statusCode"] < HTTPStatus.BAD_REQUEST
            log = logger.debug if is_read else logger.info
            log(
                "request answered",
                method=event["httpMethod"],
                resource=event["resource"],
                status=answer["statusCode"],
                duration_ms=round((time.perf_counter() - started) * 1000),
            )
        headers = answer["multiValueHeaders"]
        headers.setdefault("Cache-Control", ["no-store"])
        headers |= {name: [value] for name, value in SECURITY_HEADERS.items()}
        headers[CORRELATION_HEADER] = [identifier]
        return answer | {"body": answer["body"] or ""}

    return handler


def _answer(app: APIGatewayRestResolver, event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """The route's answer. HEAD has the headers of GET and no body (RFC 9110, section 9.3.2)."""
    routed = event | {"path": path_in_api(event)}
    if event["httpMethod"] != "HEAD":
        return app.resolve(routed, context)
    answer = app.resolve(routed | {"httpMethod": "GET"}, context)
    if answer["body"]:
        answer["multiValueHeaders"]["Content-Length"] = [str(len(answer["body"].encode()))]
    return answer | {"body": ""}


def routes_of(app: APIGatewayRestResolver) -> list[Route]:
    """The routes of `app`, in the order in which they are tried."""
    return [*app._static_routes, *app._dynamic_routes]


def correlation_id() -> str:
    """The id that connects everything that the current request causes."""
    return logger.get_correlation_id() or ""


def _declared_access(route: Route) -> Access | None:
    declared = (route.openapi_extensions or {}).get(_ACCESS)
    return None if declared is None else Access(declared)


def _correlation_id_of(event: dict[str, Any]) -> str:
    """The client's correlation id, or a new one: an id to trace a request by is no reason to refuse the request."""
    headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    given = str(headers.get(CORRELATION_HEADER.lower()) or "")
    return given if CORRELATION_ID.fullmatch(given) else str(uuid4())


def _from_json(body: str) -> Any:
    """The value in `body`; raises JSONDecodeError if it is unreadable, too deep, or has too long a number."""
    # In these three cases Python's own words are about Python.
    if body.startswith("\ufeff"):
        raise json.JSONDecodeError("A byte-order mark stands before it", body, 0)
    try:
        return json.loads(body)
    except json.JSONDecodeError:
        raise
    except ValueError as error:
        raise json.JSONDecodeError("A number has too many digits", body, 0) from error
    except RecursionError as error:
        raise json.JSONDecodeError("It is nested too deeply", body, 0) from error


def _to_json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)

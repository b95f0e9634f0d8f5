"""The WebSocket's routes: a connection begins, ends, and asks.

Every message comes here by the route `$default`, and its `action` is read with the rest of it, so that whatever is
wrong with a message is answered in one way. Answers go out as pushes do, through the management API: API Gateway would
need a response of its own for each route to hand back what the function returns.
"""

from typing import Annotated, Any

from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import BaseModel, Field

from live.adapters.sockets import Gone
from live.dependencies import live_store, sockets
from live.domain.feed import Connection, Missed, superfluous
from live.domain.handshake import chosen_protocol
from live.domain.messages import (
    Answer,
    CatchUp,
    CaughtUp,
    Failure,
    Ping,
    Pong,
    Request,
    Subscribe,
    Subscribed,
    Unsubscribed,
    read,
    text,
)
from shared.clock import utc_now
from shared.errors import InternalError, Problem
from shared.observability import count, logger, metrics, tracer


class _Caller(BaseModel):
    """What the authorizer found out when the connection began."""

    customer_id: Annotated[str, Field(min_length=1)]
    expires_at: int


class _Context(BaseModel):
    """What API Gateway says of a request."""

    event_type: Annotated[str, Field(alias="eventType")]
    connection_id: Annotated[str, Field(alias="connectionId")]
    request_id: Annotated[str, Field(alias="requestId")]
    authorizer: _Caller


class _ConnectionOver(Exception):
    """The connection was dropped, or its token has run out."""


@metrics.log_metrics
@tracer.capture_lambda_handler(capture_response=False)
@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Serves one request of a WebSocket; a status other than 200 refuses a connection."""
    about = _Context.model_validate(event["requestContext"])
    logger.append_keys(
        connection_id=about.connection_id,
        customer_id=about.authorizer.customer_id,
        correlation_id=about.request_id,
    )
    try:
        match about.event_type:
            case "CONNECT":
                return _connect(about, event.get("headers") or {})
            case "DISCONNECT":
                live_store().disconnect(about.authorizer.customer_id, about.connection_id)
            case _:
                _message(about, event.get("body") or "")
    except Exception:  # noqa: BLE001 - logged; without a status of ours API Gateway tells the client of its own parts
        logger.exception("request failed unexpectedly")
        count("RequestsFailed")
        return {"statusCode": 500}
    return {"statusCode": 200}


def _connect(about: _Context, headers: dict[str, Any]) -> dict[str, Any]:
    caller = about.authorizer
    connection = Connection.opened(
        about.connection_id, caller.customer_id, token_expires_at=caller.expires_at, now=utc_now()
    )
    try:
        live_store().connect(connection)
    except Problem as problem:
        logger.info("connection refused", reason=problem.code)
        return {"statusCode": int(problem.status)}
    for old in superfluous(live_store().connections(caller.customer_id)):
        sockets().close(old.connection_id)
        live_store().disconnect(old.customer_id, old.connection_id)
    count("Connections")
    protocol = chosen_protocol(headers)
    return {"statusCode": 200} | ({"headers": {"Sec-WebSocket-Protocol": protocol}} if protocol else {})


def _message(about: _Context, body: str) -> None:
    customer_id, connection_id = about.authorizer.customer_id, about.connection_id
    try:
        sockets().send(connection_id, text(_answered(about, body)))
    except _ConnectionOver:
        sockets().close(connection_id)
        live_store().disconnect(customer_id, connection_id)
    except Gone:
        live_store().disconnect(customer_id, connection_id)
        count("ConnectionsGone")


def _answered(about: _Context, body: str) -> Answer:
    """The answer to a message, whatever it was; raises _ConnectionOver."""
    request: Request | None = None
    try:
        request = read(body)
        connection = live_store().connection(about.authorizer.customer_id, about.connection_id)
        if connection is None or connection.is_over(utc_now()):
            raise _ConnectionOver
        return _answer(request, connection)
    except Problem as problem:
        logger.info("message refused", reason=problem.code)
        return Failure.telling(problem, request.request_id if request else None)
    except _ConnectionOver:
        raise
    except Exception:  # noqa: BLE001 - logged, and answered as over HTTP
        logger.exception("message failed unexpectedly")
        count("RequestsFailed")
        detail = f"Something went wrong on our side; quote {about.request_id} to support."
        return Failure.telling(InternalError(detail), request.request_id if request else None)


def _answer(request: Request, connection: Connection) -> Answer:
    match request:
        case Ping():
            return Pong(request_id=request.request_id)
        case CatchUp():
            return CaughtUp.of(_missed(request, connection.customer_id), request.request_id)
        case Subscribe():
            if request.order_id:
                connection.may_watch(request.order_id)
            watching = _there(live_store().watch(connection, request.order_id))
            # Read after the subscription is written: what comes into the feed behind this is pushed.
            position = live_store().position(connection.customer_id)
            return Subscribed.of(watching, position, request.request_id)
        case _:
            left = _there(live_store().ignore(connection, request.order_id))
            return Unsubscribed.of(left, request.request_id)


def _missed(request: CatchUp, customer_id: str) -> Missed:
    end, after = live_store().position(customer_id), int(request.after)
    kept = live_store().told_after(customer_id, after, request.limit)
    return Missed.between(after, end, kept, request.limit, request.order_id)


def _there(connection: Connection | None) -> Connection:
    """The connection; raises _ConnectionOver when it has gone meanwhile."""
    if connection is None:
        raise _ConnectionOver
    return connection

"""The WebSocket's routes: a client connects, disconnects, and sends requests.

Every message comes by the route `$default`, so that one place answers every invalid message. Answers go out through the
management API, as changes do: API Gateway would need a response for each route to return them.
"""

from typing import Annotated, Any

from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import BaseModel, Field

from live.adapters.sockets import ConnectionGone
from live.dependencies import live_store, sockets
from live.domain.answering import ConnectionOver, answer
from live.domain.connection import AccountClosed, Connection, excess
from live.domain.handshake import chosen_protocol
from live.domain.messages import Answer, Failure, as_text, read, request_id_in
from shared.clock import utc_now
from shared.errors import InternalError, Problem
from shared.observability import count, entry_point, logger


class _Caller(BaseModel):
    """The authorizer's context from the beginning of the connection."""

    customer_id: Annotated[str, Field(min_length=1)]
    expires_at: int


class _Context(BaseModel):
    """API Gateway's context of a request."""

    event_type: Annotated[str, Field(alias="eventType")]
    connection_id: Annotated[str, Field(alias="connectionId")]
    request_id: Annotated[str, Field(alias="requestId")]
    # On $disconnect API Gateway does not promise the authorizer's context.
    authorizer: dict[str, Any] | None = None

    @property
    def caller(self) -> _Caller:
        """The caller; raises pydantic's ValidationError if the authorizer's context is missing."""
        return _Caller.model_validate(self.authorizer)

    @property
    def customer_id(self) -> str | None:
        """The customer, or None if the authorizer's context is missing."""
        return (self.authorizer or {}).get("customer_id")


@entry_point
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Serves one request of a WebSocket; a status other than 200 refuses a connection."""
    request = _Context.model_validate(event["requestContext"])
    logger.append_keys(
        connection_id=request.connection_id,
        customer_id=request.customer_id,
        correlation_id=request.request_id,
    )
    try:
        match request.event_type:
            case "CONNECT":
                return _connect(request, event.get("headers") or {})
            case "DISCONNECT":
                _disconnect(request)
            case _:
                _message(request, event.get("body") or "")
    except Exception:  # noqa: BLE001 - logged; without this status API Gateway would send an error of its own
        logger.exception("request failed unexpectedly")
        count("RequestsFailed")
        return {"statusCode": 500}
    return {"statusCode": 200}


def _connect(request: _Context, headers: dict[str, Any]) -> dict[str, Any]:
    caller = request.caller
    connection = Connection.opened(
        request.connection_id, caller.customer_id, token_expires_at=caller.expires_at, now=utc_now()
    )
    try:
        live_store().connect(connection)
    except AccountClosed as problem:
        logger.info("connection refused", reason=problem.code)
        return {"statusCode": int(problem.status)}
    for old in excess(live_store().connections(caller.customer_id)):
        _close(old.customer_id, old.connection_id)
    count("Connections")
    protocol = chosen_protocol(headers)
    return {"statusCode": 200} | ({"headers": {"Sec-WebSocket-Protocol": protocol}} if protocol else {})


def _disconnect(request: _Context) -> None:
    """Deletes the connection. Without its customer the key is unknown: the next push or its expiry deletes it."""
    if request.customer_id:
        live_store().disconnect(request.customer_id, request.connection_id)
    else:
        logger.info("a connection of an unknown customer ended")


def _message(request: _Context, body: str) -> None:
    customer_id, connection_id = request.caller.customer_id, request.connection_id
    try:
        sockets().send(connection_id, as_text(_answer_to(request, body)))
    except ConnectionOver:
        _close(customer_id, connection_id)
    except ConnectionGone:
        live_store().disconnect(customer_id, connection_id)
        count("ConnectionsGone")


def _answer_to(request: _Context, body: str) -> Answer:
    """The answer to a message, also to one that is invalid or fails; raises ConnectionOver."""
    request_id = request_id_in(body)
    try:
        asked = read(body)
        connection = live_store().connection(request.caller.customer_id, request.connection_id)
        if connection is None or connection.is_over(utc_now()):
            raise ConnectionOver
        return answer(asked, connection, live_store())
    except Problem as problem:
        logger.info("message refused", reason=problem.code)
        return Failure.of(problem, request_id)
    except ConnectionOver:
        raise
    except Exception:  # noqa: BLE001 - logged, and answered as over HTTP
        logger.exception("message failed unexpectedly")
        count("RequestsFailed")
        detail = f"Something went wrong on the server; quote {request.request_id} to support."
        return Failure.of(InternalError(detail), request_id)


def _close(customer_id: str, connection_id: str) -> None:
    sockets().close(connection_id)
    live_store().disconnect(customer_id, connection_id)

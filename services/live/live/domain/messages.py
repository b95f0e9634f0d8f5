"""The messages of the WebSocket: what a client may ask, and what it is told. docs/asyncapi.json is made from them."""

import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from live.domain.feed import Change, Connection, Cursor, Entry, Missed, OrderId, plain
from shared.errors import FieldError, InvalidRequest, MalformedJson, Problem

MAX_PAGE = 100
_PAGE = 50

RequestId = Annotated[
    str,
    Field(min_length=1, max_length=64, description="Comes back in the answer, unchanged", examples=["7"]),
]


class _Request(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    request_id: RequestId | None = None


class Subscribe(_Request):
    """Tell of one order, or of all orders of the customer. An order that is somebody else's is as one that there is
    not: nothing is ever told of it."""

    action: Literal["subscribe"]
    order_id: OrderId | None = None


class Unsubscribe(_Request):
    """Tell no more of one order, or of any."""

    action: Literal["unsubscribe"]
    order_id: OrderId | None = None


class CatchUp(_Request):
    """Tell what was told behind a cursor; without one, all that is kept (7 days)."""

    action: Literal["catch_up"]
    after: Cursor = "0"
    order_id: OrderId | None = Field(default=None, description="Of this order alone")
    limit: Annotated[int, Field(ge=1, le=MAX_PAGE, description="How many changes at most")] = _PAGE


class Ping(_Request):
    """Keeps the connection from being closed as idle, which happens after ten minutes."""

    action: Literal["ping"]


Request = Subscribe | Unsubscribe | CatchUp | Ping
_requests: TypeAdapter[Request] = TypeAdapter(Annotated[Request, Field(discriminator="action")])


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True)


class _Reply(_Answer):
    request_id: RequestId | None = None


class OrderChanged(_Answer, Change):
    """An order came into another status. It may be told twice: the `cursor` and the `event_id` are the same then."""

    type: Literal["order.changed"] = "order.changed"
    cursor: Cursor

    @classmethod
    def of(cls, entry: Entry) -> "OrderChanged":
        """The message about an entry of the feed."""
        return cls(cursor=str(entry.position), **plain(entry.change))


class Watching(_Reply):
    """What the connection watches now."""

    all_orders: bool
    order_ids: list[OrderId] = Field(description="Single orders that it watches")


class Subscribed(Watching):
    """From now on, all that is told of these orders stands behind `cursor`."""

    type: Literal["subscribed"] = "subscribed"
    cursor: Cursor

    @classmethod
    def of(cls, connection: Connection, position: int, request_id: str | None) -> "Subscribed":
        """The answer when the feed is at `position`."""
        return cls(cursor=str(position), request_id=request_id, **_watched(connection))


class Unsubscribed(Watching):
    """What is left."""

    type: Literal["unsubscribed"] = "unsubscribed"

    @classmethod
    def of(cls, connection: Connection, request_id: str | None) -> "Unsubscribed":
        """The answer."""
        return cls(request_id=request_id, **_watched(connection))


class CaughtUp(_Reply):
    """A page of what was missed, oldest first. The next one is behind `cursor`."""

    type: Literal["caught_up"] = "caught_up"
    changes: list[OrderChanged]
    cursor: Cursor
    more: bool = Field(description="Whether there is another page")
    complete: bool = Field(
        description="False when some of what was missed is no longer kept: read the orders over HTTP"
    )

    @classmethod
    def of(cls, missed: Missed, request_id: str | None) -> "CaughtUp":
        """The answer."""
        return cls(
            request_id=request_id,
            changes=[OrderChanged.of(entry) for entry in missed.entries],
            cursor=str(missed.position),
            more=missed.more,
            complete=missed.complete,
        )


class Pong(_Reply):
    """The connection is there."""

    type: Literal["pong"] = "pong"


class Failure(_Reply):
    """The message could not be served; `problem` says why, as over HTTP (RFC 9457)."""

    type: Literal["error"] = "error"
    problem: dict[str, Any] = Field(
        examples=[
            {
                "type": "https://cartwright.example/problems/invalid-request",
                "title": "Unprocessable Content",
                "status": 422,
                "detail": "Invalid: /order_id.",
                "errors": [{"pointer": "/order_id", "detail": "String should match pattern"}],
            }
        ]
    )

    @classmethod
    def telling(cls, problem: Problem, request_id: str | None = None) -> "Failure":
        """The message that tells of `problem`."""
        return cls(problem=problem.details(), request_id=request_id)


Answer = OrderChanged | Subscribed | Unsubscribed | CaughtUp | Pong | Failure


def read(body: str) -> Request:
    """What a client asks; raises MalformedJson or InvalidRequest, which says where it is wrong."""
    try:
        return _requests.validate_json(body)
    except ValidationError as error:
        errors = [_field_error(entry) for entry in error.errors(include_url=False, include_input=False)]
        if any(entry["type"] == "json_invalid" for entry in error.errors(include_url=False)):
            raise MalformedJson("The message is not JSON.") from error
        named = ", ".join(entry["pointer"] or "the message" for entry in errors)
        raise InvalidRequest(f"Invalid: {named}.", errors) from error


def text(answer: Answer) -> str:
    """The message as it is sent: its type first, and without what it does not tell."""
    return json.dumps({"type": answer.type, **answer.model_dump(mode="json", exclude_none=True)})


def _watched(connection: Connection) -> dict[str, Any]:
    return {"all_orders": connection.all_orders, "order_ids": sorted(connection.order_ids)}


def _field_error(entry: Any) -> FieldError:
    # What a union's error names first is the member that was meant: the action, and not a part of the message.
    location = entry["loc"][1:] if entry["loc"] else ()
    if entry["type"].startswith("union_tag"):
        return FieldError("/action", "is one of subscribe, unsubscribe, catch_up, ping")
    return FieldError("".join(f"/{part}" for part in location), str(entry["msg"]))

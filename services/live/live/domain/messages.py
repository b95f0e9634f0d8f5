"""The messages of the WebSocket: requests, answers and changes. docs/asyncapi.json is made from them."""

import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic_core import from_json

from live.domain.connection import Connection
from live.domain.feed import Change, Cursor, Entry, OrderId, Page, ReturnChange, present_fields
from shared.errors import FieldError, InvalidRequest, MalformedJson, Problem
from shared.validation import place_of, pointer_to, words_of

MAX_PAGE = 100
_DEFAULT_PAGE = 50

RequestId = Annotated[
    str,
    Field(min_length=1, max_length=64, description="The answer repeats it unchanged", examples=["7"]),
]


class _Request(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    request_id: RequestId | None = None


class _Named(BaseModel):
    request_id: RequestId | None = None


class Subscribe(_Request):
    """Subscribes to the changes of one order, or of all orders of the customer. For another customer's order the answer
    is the same as for an unknown one, and no change ever comes."""

    action: Literal["subscribe"]
    order_id: OrderId | None = None


class Unsubscribe(_Request):
    """Ends the subscription to one order, or all subscriptions."""

    action: Literal["unsubscribe"]
    order_id: OrderId | None = None


class CatchUp(_Request):
    """Asks for the changes behind a cursor; without a cursor, for all stored changes (of 7 days)."""

    action: Literal["catch_up"]
    after: Cursor = "0"
    order_id: OrderId | None = Field(default=None, description="Only the changes of this order")
    limit: Annotated[
        int, Field(ge=1, le=MAX_PAGE, description="The largest number of changes in the answer")
    ] = _DEFAULT_PAGE


class Ping(_Request):
    """Keeps the connection open: API Gateway closes one that is idle for ten minutes."""

    action: Literal["ping"]


Request = Subscribe | Unsubscribe | CatchUp | Ping
_requests: TypeAdapter[Request] = TypeAdapter(Annotated[Request, Field(discriminator="action")])


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True)


class _Reply(_Answer):
    request_id: RequestId | None = None


class OrderChanged(_Answer, Change):
    """An order has a new status. The same change may come twice, with the same `cursor` and `event_id`."""

    type: Literal["order.changed"] = "order.changed"
    cursor: Cursor


class ReturnChanged(_Answer, ReturnChange):
    """A return of an order has a new status. The same change may come twice, with the same `cursor` and `event_id`.

    A subscription to an order has its returns, too.
    """

    type: Literal["return.changed"] = "return.changed"
    cursor: Cursor


def changed(entry: Entry) -> OrderChanged | ReturnChanged:
    """The message for an entry of the feed."""
    kind = ReturnChanged if isinstance(entry.change, ReturnChange) else OrderChanged
    return kind(cursor=str(entry.position), **present_fields(entry.change))


class Subscriptions(_Reply):
    """The subscriptions of the connection."""

    all_orders: bool = Field(description="Whether it is subscribed to all orders of the customer")
    order_ids: list[OrderId] = Field(description="The single orders that it is subscribed to")


class Subscribed(Subscriptions):
    """The subscription is made: every later change of these orders has a position behind `cursor`."""

    type: Literal["subscribed"] = "subscribed"
    cursor: Cursor

    @classmethod
    def of(cls, connection: Connection, position: int, request_id: str | None) -> "Subscribed":
        """The answer if the feed has reached `position`."""
        return cls(cursor=str(position), request_id=request_id, **_subscriptions(connection))


class Unsubscribed(Subscriptions):
    """The subscription is ended; the answer lists the remaining ones."""

    type: Literal["unsubscribed"] = "unsubscribed"

    @classmethod
    def of(cls, connection: Connection, request_id: str | None) -> "Unsubscribed":
        """The answer."""
        return cls(request_id=request_id, **_subscriptions(connection))


class CaughtUp(_Reply):
    """A page of the missed changes, oldest first. The next page is behind `cursor`."""

    type: Literal["caught_up"] = "caught_up"
    changes: list[Annotated[OrderChanged | ReturnChanged, Field(discriminator="type")]]
    cursor: Cursor
    more: bool = Field(description="Whether there is another page")
    complete: bool = Field(description="False if some missed changes have expired: read the orders over HTTP")

    @classmethod
    def of(cls, page: Page, request_id: str | None) -> "CaughtUp":
        """The answer."""
        return cls(
            request_id=request_id,
            changes=[changed(entry) for entry in page.entries],
            cursor=str(page.position),
            more=page.more,
            complete=page.complete,
        )


class Pong(_Reply):
    """The connection is open."""

    type: Literal["pong"] = "pong"


class Failure(_Reply):
    """The request failed; `problem` says why, as over HTTP (RFC 9457)."""

    type: Literal["error"] = "error"
    problem: dict[str, Any] = Field(
        examples=[
            {
                "type": "https://cartwright.example/problems/invalid-request",
                "title": "Unprocessable Content",
                "status": 422,
                "detail": "Invalid: /order_id.",
                "errors": [{"pointer": "/order_id", "detail": "Use the id as the API gave it"}],
            }
        ]
    )

    @classmethod
    def of(cls, problem: Problem, request_id: str | None = None) -> "Failure":
        """The message for `problem`."""
        return cls(problem=problem.details(), request_id=request_id)


Answer = OrderChanged | ReturnChanged | Subscribed | Unsubscribed | CaughtUp | Pong | Failure


def read(body: str) -> Request:
    """The client's request in `body`; raises MalformedJson, or InvalidRequest with the invalid fields."""
    try:
        return _requests.validate_json(body)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_input=False)
        if any(fault["type"] == "json_invalid" for fault in faults):
            raise MalformedJson("The message is not JSON.") from error
        errors = [FieldError(pointer_to(place_of(fault, tag_at=0)), words_of(fault)) for fault in faults]
        named = ", ".join(entry["pointer"] or "the message" for entry in errors)
        raise InvalidRequest(f"Invalid: {named}.", errors) from error


def request_id_in(body: str) -> str | None:
    """The request's id in `body`, also if the rest of the request is invalid or no JSON; None if none can be read."""
    try:
        return _Named.model_validate(_readable_part(body)).request_id
    except (ValueError, RecursionError):
        # Not JSON, no object, or no valid id; `read` says so to the client.
        return None


def _readable_part(body: str) -> Any:
    """The value in `body`, or its part before the place that is no JSON; raises ValueError or RecursionError."""
    try:
        # Python's reader takes deeper values than pydantic's. It takes a whole number of any length as a float.
        return json.loads(body, parse_int=float)
    except json.JSONDecodeError as error:
        return from_json(body[: error.pos], allow_partial=True)


def as_text(answer: Answer) -> str:
    """The message as it is sent: its type first, and without empty fields."""
    return json.dumps({"type": answer.type, **answer.model_dump(mode="json", exclude_none=True)})


def _subscriptions(connection: Connection) -> dict[str, Any]:
    return {"all_orders": connection.all_orders, "order_ids": sorted(connection.order_ids)}

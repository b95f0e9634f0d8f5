"""The answers to a client's requests over its WebSocket."""

from typing import Protocol

from live.domain.connection import Connection
from live.domain.feed import Entry, Page
from live.domain.messages import (
    Answer,
    CatchUp,
    CaughtUp,
    Ping,
    Pong,
    Request,
    Subscribe,
    Subscribed,
    Unsubscribed,
)


class ConnectionOver(Exception):
    """The connection has ended, or its token has expired."""


class Feeds(Protocol):
    """The stored feeds, and the subscriptions of connections."""

    def position(self, customer_id: str) -> int:
        """The last position in the customer's feed; 0 before the first change."""

    def entries_after(self, customer_id: str, position: int, limit: int) -> list[Entry]:
        """The first `limit` unexpired entries behind `position`, oldest first."""

    def subscribe(self, connection: Connection, order_id: str | None) -> Connection | None:
        """Subscribes the connection to one order, or to all; None if the connection has ended."""

    def unsubscribe(self, connection: Connection, order_id: str | None) -> Connection | None:
        """Ends the subscription to one order, or all subscriptions; None if the connection has ended."""


def answer(request: Request, connection: Connection, feeds: Feeds) -> Answer:
    """The answer to `request`. Raises ConnectionOver, or the Problem that makes the request impossible."""
    match request:
        case Ping():
            return Pong(request_id=request.request_id)
        case CatchUp():
            return CaughtUp.of(_missed(request, connection.customer_id, feeds), request.request_id)
        case Subscribe():
            if request.order_id:
                connection.require_room_for(request.order_id)
            subscribed = _still_open(feeds.subscribe(connection, request.order_id))
            # Read after the subscription is written: the client receives every change behind this position.
            position = feeds.position(connection.customer_id)
            return Subscribed.of(subscribed, position, request.request_id)
        case _:
            left = _still_open(feeds.unsubscribe(connection, request.order_id))
            return Unsubscribed.of(left, request.request_id)


def _missed(request: CatchUp, customer_id: str, feeds: Feeds) -> Page:
    end, after = feeds.position(customer_id), int(request.after)
    stored = feeds.entries_after(customer_id, after, request.limit)
    return Page.between(after, end, stored, request.limit, request.order_id)


def _still_open(connection: Connection | None) -> Connection:
    if connection is None:
        raise ConnectionOver
    return connection

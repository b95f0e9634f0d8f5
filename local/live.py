"""A client of the live updates, as a customer's app would be: connect, subscribe, catch up (docs/live-updates.md)."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from live.handshake import PROTOCOL
from local.stack import Stack
from local.waiting import NotInTime

_ANSWER_SECONDS = 30.0
# API Gateway closes a connection after ten minutes of silence.
_PING_SECONDS = 300.0


class Watcher:
    """A WebSocket of a customer. What it was told of orders, in the order in which it came, is `changes`."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.changes: list[dict[str, Any]] = []

    def ask(self, action: str, **arguments: Any) -> dict[str, Any]:
        """Sends a request and returns its answer; what is told meanwhile is kept."""
        request_id = uuid4().hex
        self.socket.send(json.dumps({"action": action, "request_id": request_id, **arguments}))
        return self._answer(
            lambda message: message.get("request_id") == request_id, f"the answer to {action}"
        )

    def say(self, text: str) -> dict[str, Any]:
        """Sends whatever text and returns the next answer."""
        self.socket.send(text)
        return self._answer(lambda message: message["type"] != "order.changed", "an answer")

    def told(self, order_id: str, status: str, *, seconds: float = 60) -> dict[str, Any]:
        """The message that the order is in `status`, once it is there; raises NotInTime."""

        def wanted(message: dict[str, Any]) -> bool:
            return bool(message.get("order_id") == order_id and message.get("status") == status)

        before = next(filter(wanted, self.changes), None)
        return before or self._answer(wanted, f"{order_id} to be {status}", seconds)

    def follow(self) -> Iterator[dict[str, Any]]:
        """What is told, as it comes, until the connection ends."""
        while True:
            try:
                yield self._next(_PING_SECONDS)
            except TimeoutError:
                self.ask("ping")
            except ConnectionClosed:
                return

    def _answer(self, wanted: Any, what: str, seconds: float = _ANSWER_SECONDS) -> dict[str, Any]:
        deadline = time.monotonic() + seconds
        while True:
            try:
                message = self._next(max(0.0, deadline - time.monotonic()))
            except TimeoutError as error:
                raise NotInTime(f"waited {seconds:.0f} s in vain for {what}") from error
            if wanted(message):
                return message

    def _next(self, seconds: float) -> dict[str, Any]:
        message: dict[str, Any] = json.loads(self.socket.recv(timeout=seconds))
        if message["type"] == "order.changed":
            self.changes.append(message)
        return message


@contextmanager
def watching(stack: Stack, token: str, *, as_browser: bool = False) -> Iterator[Watcher]:
    """An open WebSocket of the customer whose token it is; `as_browser` hands the token over as a browser must.

    Raises websockets' InvalidStatus when the server refuses.
    """
    offered = {"subprotocols": [PROTOCOL, f"cartwright.bearer.{token}"]} if as_browser else {}
    headers = {} if as_browser else {"Authorization": f"Bearer {token}"}
    options: Any = {**offered, "additional_headers": headers, "proxy": None, "open_timeout": _ANSWER_SECONDS}
    with connect(stack.live_url, **options) as socket:
        yield Watcher(socket)


def watch(stack: Stack, token: str, *, after: str | None = None) -> None:
    """Prints what becomes of the customer's orders, as it happens, until the connection ends."""
    with watching(stack, token) as watcher:
        subscribed = watcher.ask("subscribe")
        if after is not None:
            for missed in watcher.ask("catch_up", after=after)["changes"]:
                print(line(missed), flush=True)
        print(f"watching all orders from cursor {subscribed['cursor']} on; Ctrl-C ends it", flush=True)
        for message in watcher.follow():
            print(line(message), flush=True)


def line(change: dict[str, Any]) -> str:
    """A change of an order, for people."""
    why = "".join(
        f"  {name}: {change[name]}" for name in ("reason", "by", "tracking_reference") if name in change
    )
    return f"{change['at']}  {change['order_id']}  {change['status']}{why}"

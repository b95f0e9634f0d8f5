"""A client of the live updates, as a customer's app would be: connect, subscribe, catch up (docs/live-updates.md)."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from live.domain.handshake import PROTOCOL
from tools.console import StepError
from tools.shop.client import Customer, Shop
from tools.stack import Stack
from tools.waiting import NotInTime

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


def watch(stack: Stack, token: str) -> None:
    """Prints what was told of the customer's orders, and then what becomes of them, until the connection ends.

    Raises StepError when the server refuses the token.
    """
    try:
        _watch(stack, token)
    except InvalidStatus as refusal:
        raise StepError(
            f"The server refused the token ({refusal.response.status_code}).",
            "`make token` gets a fresh one.",
        ) from refusal


def _watch(stack: Stack, token: str) -> None:
    with watching(stack, token) as watcher:
        end = watcher.ask("subscribe")["cursor"]
        cursor = "0"
        while int(cursor) < int(end):
            page = watcher.ask("catch_up", after=cursor)
            cursor = page["cursor"]
            for change in page["changes"]:
                print(line(change), flush=True)
        print("Watching all orders of this customer; Ctrl-C ends it.", flush=True)
        for message in watcher.follow():
            print(line(message), flush=True)


def watched_order(stack: Stack, shop: Shop, customer: Customer, lines: dict[str, int]) -> list[str]:
    """Places an order that its customer watches until it is confirmed; what they were told, and how soon."""
    with watching(stack, customer.token, as_browser=True) as watcher:
        watcher.ask("subscribe")
        placed = shop.place(customer, lines)
        placed.raise_for_status()
        told: list[str] = []
        for change in watcher.follow():
            if change.get("order_id") != placed.json()["order_id"]:
                continue
            seconds = (datetime.now(UTC) - datetime.fromisoformat(change["at"])).total_seconds()
            told.append(
                f"{change['status']:<10} told {seconds:.2f} s after it happened, cursor {change['cursor']}"
            )
            if change["status"] == "confirmed":
                break
    return told


def line(change: dict[str, Any]) -> str:
    """A change of an order, for people."""
    why = "".join(
        f"  {name}: {change[name]}" for name in ("reason", "by", "tracking_reference") if name in change
    )
    return f"{change['at']}  {change['order_id']}  {change['status']}{why}"

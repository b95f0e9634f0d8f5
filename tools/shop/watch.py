"""`make watch`, and the client of the live updates behind it: connect, subscribe, catch up (docs/live-updates.md)."""

import argparse
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import jwt
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from live.domain.handshake import PROTOCOL
from tools.command_line import Subcommands, add_command, add_stack_option
from tools.console import StepError
from tools.shop.client import Customer, Shop
from tools.stack import Stack
from tools.waiting import NotInTime

_ANSWER_SECONDS = 30.0
_CHANGES = {"order.changed", "return.changed"}
# API Gateway closes a connection after ten minutes of silence.
_PING_SECONDS = 300.0


def register(subcommands: Subcommands) -> None:
    """Registers `watch`."""
    parser = add_command(
        subcommands,
        "watch",
        _watch_orders,
        description="show the changes of a customer's orders as they happen",
    )
    parser.add_argument(
        "--token",
        default=os.environ.get("TOKEN", ""),
        help="the customer's identity token (default: $TOKEN, or a new customer's)",
    )
    add_stack_option(parser)


def _watch_orders(arguments: argparse.Namespace) -> None:
    stack, token = Stack.named(arguments.stack, arguments.region), arguments.token
    if not token:
        stack.refuse_production("`make watch` without TOKEN")
        token = Shop(stack).sign_up("Guest Example").token
        print(f"Place orders as this customer:\n\n  export API={stack.api_url}\n  export TOKEN={token}\n")
    else:
        print(f"Watching with the token of {whose(token)}.")
    watch(stack, token)


def whose(token: str) -> str:
    """The address and the id in an identity token, as it says itself: the server checks it."""
    try:
        claims = jwt.decode(token, options={"verify_signature": False})
    except jwt.InvalidTokenError as error:
        raise StepError(
            f"TOKEN is no identity token: {error}.", "`make token` prints a fresh one."
        ) from error
    return f"{claims.get('email', 'an unknown address')}, user {claims.get('sub', 'unknown')}"


class Watcher:
    """A customer's WebSocket. `changes` holds the messages about orders, in the order of their arrival."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.changes: list[dict[str, Any]] = []

    def request(self, action: str, **arguments: Any) -> dict[str, Any]:
        """Sends a request and returns its answer; messages that arrive meanwhile go to `changes`."""
        request_id = uuid4().hex
        self.socket.send(json.dumps({"action": action, "request_id": request_id, **arguments}))
        return self._answer(
            lambda message: message.get("request_id") == request_id, f"the answer to {action}"
        )

    def send(self, text: str) -> dict[str, Any]:
        """Sends any text and returns the next answer."""
        self.socket.send(text)
        return self._answer(lambda message: message["type"] not in _CHANGES, "an answer")

    def wait_for_change(self, order_id: str, status: str, *, seconds: float = 60) -> dict[str, Any]:
        """The message that the order is in `status`, once it has arrived; raises NotInTime."""

        def wanted(message: dict[str, Any]) -> bool:
            return bool(message.get("order_id") == order_id and message.get("status") == status)

        before = next(filter(wanted, self.changes), None)
        return before or self._answer(wanted, f"{order_id} to be {status}", seconds)

    def follow(self) -> Iterator[dict[str, Any]]:
        """The messages as they arrive, until the connection ends."""
        while True:
            try:
                yield self._next(_PING_SECONDS)
            except TimeoutError:
                self.request("ping")
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
        if message["type"] in _CHANGES:
            self.changes.append(message)
        return message


@contextmanager
def watching(stack: Stack, token: str, *, as_browser: bool = False) -> Iterator[Watcher]:
    """An open WebSocket of the customer with that token; `as_browser` passes the token as a browser must.

    Raises websockets' InvalidStatus if the server refuses.
    """
    offered = {"subprotocols": [PROTOCOL, f"cartwright.bearer.{token}"]} if as_browser else {}
    headers = {} if as_browser else {"Authorization": f"Bearer {token}"}
    options: Any = {**offered, "additional_headers": headers, "proxy": None, "open_timeout": _ANSWER_SECONDS}
    with connect(stack.live_url, **options) as socket:
        yield Watcher(socket)


def watch(stack: Stack, token: str) -> None:
    """Prints the past changes of the customer's orders, and then each new one, until the connection ends.

    Raises StepError if the server refuses the token.
    """
    try:
        _watch(stack, token)
    except InvalidStatus as refusal:
        raise StepError(
            f"The server refused the token ({refusal.response.status_code}).",
            "`make token` prints a fresh one.",
        ) from refusal


def _watch(stack: Stack, token: str) -> None:
    with watching(stack, token) as watcher:
        end = watcher.request("subscribe")["cursor"]
        cursor = "0"
        while int(cursor) < int(end):
            page = watcher.request("catch_up", after=cursor)
            cursor = page["cursor"]
            for change in page["changes"]:
                print(line(change), flush=True)
        print("Watching all orders of this customer. Ctrl-C ends it.", flush=True)
        for message in watcher.follow():
            print(line(message), flush=True)


def watched_order(stack: Stack, shop: Shop, customer: Customer, lines: dict[str, int]) -> list[str]:
    """Places an order and watches it until it is confirmed; returns a line for each message, with its delay."""
    with watching(stack, customer.token, as_browser=True) as watcher:
        watcher.request("subscribe")
        placed = shop.place(customer, lines)
        placed.raise_for_status()
        lines_shown: list[str] = []
        for change in watcher.follow():
            if change.get("order_id") != placed.json()["order_id"]:
                continue
            seconds = (datetime.now(UTC) - datetime.fromisoformat(change["at"])).total_seconds()
            lines_shown.append(
                f"{change['status']:<10} arrived {seconds:.2f} s after the change, cursor {change['cursor']}"
            )
            if change["status"] == "confirmed":
                break
    return lines_shown


def line(change: dict[str, Any]) -> str:
    """A change of an order as a line of text."""
    why = "".join(
        f"  {name}: {change[name]}" for name in ("reason", "by", "tracking_reference") if name in change
    )
    return f"{change['at']}  {change['order_id']}  {change['status']}{why}"

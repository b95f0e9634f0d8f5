"""The WebSocket: others' orders, tokens in wrong places, messages that are too large, too many or none."""

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.sync.client import ClientConnection, connect

from tests.attacks.attempts import Attempts
from tests.system.products import TEA
from tools.shop.client import Customer, Shop
from tools.shop.watch import Watcher, watching
from tools.stack import Stack
from tools.waiting import NotInTime

# API Gateway takes messages of 128 KiB, in frames of 32 KiB.
_TOO_LARGE = 150_000
_FLOOD = 200


@contextmanager
def opened(stack: Stack, path: str = "", **options: Any) -> Iterator[ClientConnection | None]:
    """A connection, or None if the server refuses it."""
    try:
        with connect(stack.live_url + path, proxy=None, open_timeout=30, **options) as socket:
            yield socket
    except InvalidHandshake:
        yield None


def test_a_token_in_a_wrong_place_opens_nothing(attempts: Attempts, stack: Stack, attacker: Customer) -> None:
    token = attacker.token
    places: dict[str, dict[str, Any]] = {
        "nowhere": {},
        "the query's token": {"path": f"?token={token}"},
        "the query's access_token": {"path": f"?access_token={token}"},
        "the query's Authorization": {"path": f"?Authorization={token}"},
        "a cookie": {"additional_headers": {"Cookie": f"Authorization={token}; token={token}"}},
        "X-Authorization": {"additional_headers": {"X-Authorization": token}},
        "another scheme": {"additional_headers": {"Authorization": f"Basic {token}"}},
        "another subprotocol": {"subprotocols": ["cartwright.v1", f"attack.bearer.{token}"]},
        "a subprotocol without its name": {"subprotocols": ["cartwright.v1", token]},
        "behind a valid scheme, twice": {"additional_headers": {"Authorization": f"Bearer {token} {token}x"}},
    }
    for place in attempts.some(places, short=4):
        with opened(stack, **places[place]) as socket:
            attempts.check(f"a token in {place}", held=socket is None)


def test_nobody_watches_anothers_orders(
    attempts: Attempts,
    stack: Stack,
    shop: Shop,
    victim: Customer,
    attacker: Customer,
    orders_of_victim: list[str],
) -> None:
    with watching(stack, attacker.token) as watcher:
        watcher.request("subscribe")
        ways: list[tuple[str, dict[str, Any]]] = [
            ("subscribe", {"order_id": orders_of_victim[0]}),
            ("catch_up", {"order_id": orders_of_victim[0]}),
            *(("subscribe", {name: victim.user_id}) for name in ("customer_id", "user_id", "sub", "owner")),
            *(("catch_up", {name: victim.user_id, "after": "0"}) for name in ("customer_id", "pk", "feed")),
            ("subscribe", {"order_id": "*"}),
            ("subscribe", {"order_id": [orders_of_victim[0]]}),
            ("subscribe", {"order_id": f"{victim.user_id}#{orders_of_victim[0]}"}),
            ("catch_up", {"after": "-1"}),
            ("catch_up", {"limit": 10**9}),
            ("catch_up", {"after": f"0 OR pk = {victim.user_id}"}),
            ("broadcast", {"order_id": orders_of_victim[0]}),
        ]
        for action, arguments in ways:
            answer = watcher.request(action, **arguments)
            held = not _about_others(answer.get("changes", []), orders_of_victim)
            attempts.check(f"{action} {arguments}", held=held, seen=answer)
        placed = shop.place(victim, {TEA: 1}).json()["order_id"]
        shop.settled(victim, placed)
        mine = shop.place(attacker, {TEA: 1}).json()["order_id"]
        watcher.wait_for_change(mine, "confirmed")
        seen = _about_others(watcher.changes, [placed, *orders_of_victim])
        attempts.check("the changes of another's order", held=not seen, seen=seen)


def test_no_message_breaks_the_connection_of_others(
    attempts: Attempts, stack: Stack, attacker: Customer, victim: Customer
) -> None:
    messages: dict[str, str | bytes] = {
        "deep lists": "[" * 20_000,
        "deep objects": '{"a":' * 5_000,
        "an action that is a list": '{"action": []}',
        "an action that is an object": '{"action": {"action": "ping"}}',
        "two actions": '{"action": "ping", "action": "subscribe"}',
        "NaN": '{"action": "catch_up", "limit": NaN}',
        "a huge number": '{"action": "catch_up", "limit": ' + "9" * 5000 + "}",
        "a huge id": json.dumps({"action": "ping", "request_id": "x" * 30_000}),
        "a null": json.dumps({"action": "subscribe", "order_id": "a\x00b"}),
        "a lone surrogate": '{"action": "ping", "request_id": "\\ud800"}',
        "a script": '{"action": "<script>alert(1)</script>"}',
        "a format string": '{"action": "{0.__class__}%n${7*7}"}',
        "nothing": "",
        "binary": b"\x00\xff\xfe",
        "fields of others": '{"action": "ping", "requestContext": {"authorizer": {"customer_id": "x"}}}',
        "API Gateway's event": '{"action": "$connect"}',
    }
    with watching(stack, victim.token) as witness:
        for name in attempts.some(messages, short=6):
            with watching(stack, attacker.token) as watcher:
                watcher.socket.send(messages[name])
                answer = _next(watcher)
                held = answer is None or answer.get("problem", {}).get("status", 0) < 500
                attempts.check(f"the message {name}", held=held, seen=answer)
        attempts.check("the connection of another", held=witness.request("ping")["type"] == "pong")


def test_a_message_that_is_too_large_has_no_effect(
    attempts: Attempts, stack: Stack, attacker: Customer, victim: Customer
) -> None:
    with watching(stack, victim.token) as witness:
        with watching(stack, attacker.token) as watcher:
            watcher.socket.send(
                json.dumps({"action": "subscribe", "request_id": "1", "order_id": "x" * _TOO_LARGE})
            )
            answer = _next(watcher)
            held = answer is None or answer["type"] == "error"
            attempts.check("a message of 150 kB", held=held, seen=answer)
        attempts.check("the connection of another", held=witness.request("ping")["type"] == "pong")


@pytest.mark.long
def test_a_flood_reaches_nobody_else(
    attempts: Attempts, stack: Stack, attacker: Customer, victim: Customer
) -> None:
    with watching(stack, victim.token) as witness:
        with watching(stack, attacker.token) as watcher:
            for number in range(_FLOOD):
                watcher.socket.send(json.dumps({"action": "ping", "request_id": str(number)}))
            answered = sum(_next(watcher) is not None for _ in range(_FLOOD))
        attempts.check("the connection of another", held=witness.request("ping")["type"] == "pong")
    attempts.check(f"{answered} of {_FLOOD} messages are answered", held=answered <= _FLOOD)


@pytest.mark.long
def test_a_customer_has_few_connections(attempts: Attempts, stack: Stack, shop: Shop) -> None:
    hoarder = shop.sign_up("Hoarder Example")
    headers = {"Authorization": hoarder.token}
    with ExitStack() as block:
        sockets = [block.enter_context(opened(stack, additional_headers=headers)) for _ in range(14)]
        alive = [socket for socket in sockets if socket is not None and _answers(socket)]
        attempts.check("fourteen connections of one customer", held=0 < len(alive) <= 10, seen=len(alive))


def _answers(socket: ClientConnection) -> bool:
    try:
        return Watcher(socket).request("ping")["type"] == "pong"
    except (ConnectionClosed, NotInTime):
        return False


def _next(watcher: Watcher) -> dict[str, Any] | None:
    """The next answer; None if the server ends the connection or answers nothing for five seconds."""
    try:
        message: dict[str, Any] = json.loads(watcher.socket.recv(timeout=5))
    except (ConnectionClosed, TimeoutError):
        return None
    return message


def _about_others(changes: list[dict[str, Any]], order_ids: list[str]) -> list[dict[str, Any]]:
    return [change for change in changes if change["order_id"] in order_ids]

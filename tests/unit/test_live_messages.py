"""The messages of the WebSocket: valid requests, and the answers to invalid ones."""

import json

import pytest

from live.domain.connection import Connection
from live.domain.feed import Change, Entry
from live.domain.handshake import PROTOCOL, chosen_protocol, token_in
from live.domain.messages import (
    CatchUp,
    Failure,
    Ping,
    Subscribe,
    Subscribed,
    Unsubscribe,
    as_text,
    changed,
    read,
    request_id_in,
)
from shared.errors import BadRequest, InvalidRequest, MalformedJson

ORDER = "ord_5b0c8a526b7e5c1e8f432f7a0c9f2d11"


def test_each_action_is_understood() -> None:
    assert read('{"action": "subscribe"}') == Subscribe(action="subscribe")
    assert read(f'{{"action": "subscribe", "order_id": "{ORDER}"}}') == Subscribe(
        action="subscribe", order_id=ORDER
    )
    assert read('{"action": "unsubscribe"}') == Unsubscribe(action="unsubscribe")
    assert read('{"action": "catch_up", "after": "12", "limit": 5}') == CatchUp(
        action="catch_up", after="12", limit=5
    )
    assert read('{"action": "ping", "request_id": "7"}') == Ping(action="ping", request_id="7")


@pytest.mark.parametrize("body", ["", "{", "subscribe", "\ud83d"])
def test_a_message_that_is_not_json_is_refused(body: str) -> None:
    with pytest.raises(MalformedJson):
        read(body.encode("utf-8", "replace").decode())


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ("[]", ""),
        ("null", ""),
        ("{}", "/action"),
        ('{"action": "listen"}', "/action"),
        ('{"action": 1}', "/action"),
        ('{"action": "subscribe", "order_id": "*"}', "/order_id"),
        ('{"action": "subscribe", "orders": []}', "/orders"),
        ('{"action": "catch_up", "after": "-1"}', "/after"),
        ('{"action": "catch_up", "after": "9999999999999"}', "/after"),
        ('{"action": "catch_up", "after": 12}', "/after"),
        ('{"action": "catch_up", "limit": 101}', "/limit"),
        ('{"action": "ping", "request_id": ""}', "/request_id"),
    ],
)
def test_the_refusal_of_an_invalid_message_points_to_the_field(body: str, pointer: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        read(body)

    assert [error["pointer"] for error in refused.value.errors] == [pointer]


@pytest.mark.parametrize(
    "body",
    [
        '{"request_id": "7"}',
        '{"request_id": "7", "action": "listen"}',
        '{"request_id": "7", "action": ["ping"]}',
        '{"action": "subscribe", "order_id": 5, "request_id": "7"}',
        '{"action": "ping", "request_id": "7", "more": {"deep": []}}',
        '{"action": "catch_up", "request_id": "7", "limit": 1e400}',
        '{"request_id": "7", "action": "pi',
        '{"action": "ping", "request_id": "7"',
        '{"request_id": "7", "action": ping}',
        '{"request_id": "7", "action": "ping",}',
        '{"request_id": "7", "action": "\\x"}',
        '{"request_id": "7", "action": "ping"} ping',
        f'{{"request_id": "7", "action": "ping", "more": {"[" * 500}{"]" * 500}}}',
        f'{{"request_id": "7", "action": "catch_up", "limit": {"1" * 5000}}}',
    ],
)
def test_the_id_of_an_invalid_request_can_be_read(body: str) -> None:
    with pytest.raises((InvalidRequest, MalformedJson)):
        read(body)

    assert request_id_in(body) == "7"


@pytest.mark.parametrize(
    "body",
    [
        "",
        "[]",
        "null",
        '"7"',
        "{}",
        '{"request_id": 7}',
        '{"request_id": ""}',
        f'{{"request_id": "{"7" * 65}"}}',
        '{"request_id": "7',
        "[" * 100_000,
    ],
)
def test_a_message_without_a_valid_id_has_none(body: str) -> None:
    assert request_id_in(body) is None


def test_a_change_has_its_cursor_and_no_empty_fields() -> None:
    change = Change(event_id="e", order_id=ORDER, version=2, status="confirmed", at="2026")

    assert json.loads(as_text(changed(Entry(12, change)))) == {
        "type": "order.changed",
        "cursor": "12",
        "event_id": "e",
        "order_id": ORDER,
        "version": 2,
        "status": "confirmed",
        "at": "2026",
    }


def test_an_answer_has_the_request_s_id() -> None:
    connection = Connection(
        connection_id="c", customer_id="u", connected_at="2026", expires_at=0, order_ids=frozenset({ORDER})
    )

    assert json.loads(as_text(Subscribed.of(connection, 3, "7"))) == {
        "type": "subscribed",
        "request_id": "7",
        "all_orders": False,
        "order_ids": [ORDER],
        "cursor": "3",
    }


def test_a_failure_is_sent_as_problem_details() -> None:
    sent = json.loads(as_text(Failure.of(BadRequest("No."))))

    assert sent == {
        "type": "error",
        "problem": {
            "type": "https://cartwright.example/problems/bad-request",
            "title": "Bad Request",
            "status": 400,
            "detail": "No.",
        },
    }


@pytest.mark.parametrize(
    ("headers", "token"),
    [
        ({"Authorization": "Bearer a.b.c"}, "a.b.c"),
        ({"authorization": "a.b.c"}, "a.b.c"),
        ({"Authorization": "Basic a.b.c"}, None),
        ({"Sec-WebSocket-Protocol": f"{PROTOCOL}, cartwright.bearer.a.b.c"}, "a.b.c"),
        ({"Sec-WebSocket-Protocol": PROTOCOL}, None),
        ({"Authorization": "", "Sec-WebSocket-Protocol": "cartwright.bearer.a.b.c"}, "a.b.c"),
        ({}, None),
    ],
)
def test_the_token_comes_in_a_header_or_as_a_browser_can_send_it(
    headers: dict[str, str], token: str | None
) -> None:
    assert token_in(headers) == token


def test_the_token_is_never_the_protocol_that_is_chosen() -> None:
    assert chosen_protocol({"sec-websocket-protocol": f"cartwright.bearer.x,{PROTOCOL}"}) == PROTOCOL
    assert chosen_protocol({"sec-websocket-protocol": "cartwright.bearer.x"}) is None
    assert chosen_protocol({}) is None

"""Connections and their requests: limits, invalid messages, subscriptions, and changes that a client missed."""

import json
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from live.dependencies import live_store
from live.domain.connection import MAX_CONNECTIONS, MAX_ORDERS
from shared.aws import client
from tests.component.live.service import CONNECTED, CUSTOMER, ORDER, OTHER_ORDER, LiveService, event


@pytest.mark.parametrize(
    ("message", "problem"),
    [
        ("", "malformed-json"),
        ("{", "malformed-json"),
        ('{"action": "listen"}', "invalid-request"),
        ('{"action": "catch_up", "after": "1"}', "invalid-cursor"),
    ],
)
def test_an_invalid_message_is_answered_with_the_reason(
    live: LiveService, message: str, problem: str
) -> None:
    live.connect()

    answer = live.ask(message)

    assert answer["type"] == "error"
    assert answer["problem"]["type"].endswith(f"/{problem}")


@pytest.mark.parametrize(
    "message",
    [
        {"action": "listen"},
        {"action": "subscribe", "order_id": ["*"]},
        {"action": "catch_up", "limit": 101},
        {"action": "catch_up", "after": "1"},
        {"action": "ping", "padding": "x" * 100_000},
    ],
)
def test_a_refusal_names_its_request(live: LiveService, message: dict[str, object]) -> None:
    live.connect()

    answer = live.ask(message | {"request_id": "7"})

    assert (answer["type"], answer["request_id"]) == ("error", "7")


def test_a_failure_of_the_server_is_answered_too(live: LiveService, monkeypatch: pytest.MonkeyPatch) -> None:
    live.connect()
    monkeypatch.setattr(live_store(), "subscribe", lambda *_: 1 / 0)

    answer = live.ask({"action": "subscribe", "request_id": "7"})

    assert (answer["type"], answer["request_id"], answer["problem"]["status"]) == ("error", "7", 500)
    assert "division" not in json.dumps(answer)


def test_a_ping_is_answered(live: LiveService) -> None:
    live.connect()

    assert live.ask({"action": "ping", "request_id": "7"}) == {"type": "pong", "request_id": "7"}


def test_more_single_orders_than_a_connection_may_watch_are_refused(live: LiveService) -> None:
    live.connect()
    boto3.client("dynamodb").update_item(
        TableName="live",
        Key={"pk": {"S": CUSTOMER}, "sk": {"S": "connection#c1"}},
        UpdateExpression="SET order_ids = :orders",
        ExpressionAttributeValues={":orders": {"SS": [f"ord_{number}" for number in range(MAX_ORDERS)]}},
    )

    answer = live.ask({"action": "subscribe", "order_id": ORDER})

    assert answer["problem"]["type"].endswith("/too-many-subscriptions")


def test_one_connection_too_many_closes_the_oldest(live: LiveService) -> None:
    for number in range(MAX_CONNECTIONS + 1):
        assert live.connect(f"c{number}") == 200

    assert live.gateway.closed == ["c0"]
    assert len(live_store().connections(CUSTOMER)) == MAX_CONNECTIONS


def test_a_connection_whose_token_has_expired_is_closed_and_receives_nothing(live: LiveService) -> None:
    live.watching("c1")
    live.connect("c2", expires_at="1000000000")
    boto3.client("dynamodb").update_item(
        TableName="live",
        Key={"pk": {"S": CUSTOMER}, "sk": {"S": "connection#c1"}},
        UpdateExpression="SET expires_at = :past",
        ExpressionAttributeValues={":past": {"N": "1000000000"}},
    )

    live.happens(event("confirmed", 2))

    assert sorted(live.gateway.closed) == ["c1", "c2"]
    assert not live.received("c1")
    assert live_store().connections(CUSTOMER) == []


def test_a_message_of_a_deleted_connection_closes_it(live: LiveService) -> None:
    live.request("MESSAGE", "c1", CUSTOMER, body='{"action": "ping"}')

    assert live.gateway.closed == ["c1"]
    assert not live.gateway.sent["c1"]


def test_a_subscription_and_a_disconnection_wait_for_the_transaction_that_they_meet(
    live: LiveService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection's own, for example, which has just stored it."""
    live.connect()
    met = {name: meet_a_transaction_once(name, monkeypatch) for name in ("update_item", "delete_item")}

    assert live.ask({"action": "subscribe", "order_id": ORDER})["type"] == "subscribed"
    assert live.request("DISCONNECT", "c1", CUSTOMER) == {"statusCode": 200}

    assert all(met.values())
    assert live_store().connections(CUSTOMER) == []


def meet_a_transaction_once(operation: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """DynamoDB refuses the first such write; the list then names its table."""
    dynamodb = client("dynamodb")
    write = getattr(dynamodb, operation)
    met: list[str] = []

    def meet(**arguments: Any) -> Any:
        if not met:
            met.append(arguments["TableName"])
            raise ClientError({"Error": {"Code": "TransactionConflictException", "Message": ""}}, operation)
        return write(**arguments)

    monkeypatch.setattr(dynamodb, operation, meet, raising=False)
    return met


@pytest.mark.parametrize("authorizer", [None, {}, {"principalId": CUSTOMER}])
def test_a_connection_ends_without_the_authorizer_s_context(
    live: LiveService, authorizer: dict[str, str] | None
) -> None:
    """API Gateway does not promise the context on `$disconnect`. The next push then deletes the connection."""
    live.watching()
    context = {**CONNECTED, "eventType": "DISCONNECT", "connectionId": "c1", "authorizer": authorizer}
    if authorizer is None:
        del context["authorizer"]

    answer = live.connections.handler({"requestContext": context}, live.context)
    live.gateway.gone.add("c1")
    live.happens(event("confirmed", 2))

    assert answer == {"statusCode": 200}
    assert live_store().connections(CUSTOMER) == []


def test_a_connection_without_a_customer_is_refused(live: LiveService) -> None:
    context = {name: value for name, value in CONNECTED.items() if name != "authorizer"}

    answer = live.connections.handler({"requestContext": {**context, "eventType": "CONNECT"}}, live.context)

    assert answer == {"statusCode": 500}


def test_the_answer_names_the_chosen_subprotocol_and_not_the_token(live: LiveService) -> None:
    headers = {"Sec-WebSocket-Protocol": "cartwright.v1, cartwright.bearer.a.b.c"}

    answer = live.request("CONNECT", "c1", CUSTOMER, headers=headers)

    assert answer == {"statusCode": 200, "headers": {"Sec-WebSocket-Protocol": "cartwright.v1"}}


def test_a_connection_that_could_not_be_stored_is_refused(
    live: LiveService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_store(), "connect", lambda _: 1 / 0)

    assert live.connect() == 500


def test_a_client_that_comes_back_gets_exactly_the_changes_that_it_missed(live: LiveService) -> None:
    live.watching("c1")
    live.happens(event("confirmed", 2))
    live.request("DISCONNECT", "c1", CUSTOMER)
    live.happens(event("cancelled", 4), event("confirmed", 2, OTHER_ORDER))
    live.connect("c2")

    first = live.ask({"action": "catch_up", "after": "1", "limit": 1}, "c2")
    second = live.ask({"action": "catch_up", "after": first["cursor"]}, "c2")

    assert [change["status"] for change in first["changes"]] == ["cancelled"]
    assert [change["order_id"] for change in second["changes"]] == [OTHER_ORDER]
    assert (first["more"], second["more"]) == (True, False)
    assert first["complete"] and second["complete"]
    assert second["cursor"] == "3"


def test_changes_after_the_subscription_have_positions_behind_its_cursor(live: LiveService) -> None:
    live.happens(event("confirmed", 2))
    live.connect()

    subscribed = live.ask({"action": "subscribe"})
    live.happens(event("cancelled", 4))

    assert subscribed["cursor"] == "1"
    assert live.received() == [("2", "cancelled")]


def test_a_feed_with_expired_changes_says_so(live: LiveService) -> None:
    live.happens(event("confirmed", 2), event("cancelled", 4))
    boto3.client("dynamodb").delete_item(
        TableName="live", Key={"pk": {"S": CUSTOMER}, "sk": {"S": "change#000000000001"}}
    )
    live.connect()

    missed = live.ask({"action": "catch_up"})

    assert not missed["complete"]
    assert [change["status"] for change in missed["changes"]] == ["cancelled"]

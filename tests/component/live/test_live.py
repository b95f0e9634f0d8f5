"""The live service against a pretended DynamoDB: connections, subscriptions, pushes and what was missed."""

import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib import import_module, reload
from pathlib import Path
from types import ModuleType
from typing import Any

import boto3
import jwt
import pytest
from aws_lambda_powertools.utilities.batch.exceptions import BatchProcessingError
from botocore.exceptions import ClientError
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm
from requests import Response

from live import dependencies as resources
from live.adapters.sockets import Sockets
from live.domain.feed import MAX_CONNECTIONS, MAX_ORDERS
from shared.events import Event
from tools.contracts.template import resources as template_resources

EVENTS = Path(__file__).parents[3] / "events"
CONNECTED = json.loads((EVENTS / "live_connections.json").read_text())["requestContext"]
CUSTOMER = CONNECTED["authorizer"]["customer_id"]
ORDER, OTHER_ORDER = f"ord_{'a' * 32}", f"ord_{'b' * 32}"


@dataclass
class Gateway:
    """API Gateway's management API: what each connection got, which are gone, and which it cannot serve."""

    sent: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    closed: list[str] = field(default_factory=list)
    gone: set[str] = field(default_factory=set)
    busy: set[str] = field(default_factory=set)

    def post_to_connection(self, *, ConnectionId: str, Data: bytes) -> None:  # noqa: N803 - as boto3 has them
        self._fail(ConnectionId, "PostToConnection")
        self.sent[ConnectionId].append(json.loads(Data))

    def delete_connection(self, *, ConnectionId: str) -> None:  # noqa: N803 - as boto3 has them
        self._fail(ConnectionId, "DeleteConnection")
        self.closed.append(ConnectionId)

    def _fail(self, connection_id: str, operation: str) -> None:
        if connection_id in self.gone:
            raise ClientError({"Error": {"Code": "GoneException", "Message": ""}}, operation)
        if connection_id in self.busy:
            raise ClientError({"Error": {"Code": "LimitExceededException", "Message": ""}}, operation)


@dataclass
class Live:
    """The deployed service."""

    gateway: Gateway
    connections: ModuleType
    push: ModuleType
    erase: ModuleType
    context: Any
    dead_letters: str

    def request(self, event_type: str, connection_id: str, customer_id: str, **more: Any) -> dict[str, Any]:
        authorizer = CONNECTED["authorizer"] | {"customer_id": customer_id}
        if "expires_at" in more:
            authorizer["expires_at"] = more.pop("expires_at")
        about = CONNECTED | {
            "eventType": event_type,
            "connectionId": connection_id,
            "authorizer": authorizer,
        }
        answer: dict[str, Any] = self.connections.handler({"requestContext": about, **more}, self.context)
        return answer

    def connect(self, connection_id: str = "c1", customer_id: str = CUSTOMER, **more: Any) -> int:
        return int(self.request("CONNECT", connection_id, customer_id, **more)["statusCode"])

    def ask(self, message: Any, connection_id: str = "c1", customer_id: str = CUSTOMER) -> dict[str, Any]:
        body = message if isinstance(message, str) else json.dumps(message)
        self.request("MESSAGE", connection_id, customer_id, body=body)
        return self.gateway.sent[connection_id][-1]

    def watching(self, connection_id: str = "c1", customer_id: str = CUSTOMER, **subscription: str) -> None:
        self.connect(connection_id, customer_id)
        self.ask({"action": "subscribe", **subscription}, connection_id, customer_id)
        self.gateway.sent[connection_id].clear()

    def happens(self, *events: Event) -> list[str]:
        """Delivers the events in one batch; which of them the queue will deliver again."""
        records = [
            {
                "messageId": event.event_id,
                "receiptHandle": "handle",
                "body": event.model_dump_json(),
                "attributes": {"ApproximateReceiveCount": "1"},
                "messageAttributes": {},
                "eventSource": "aws:sqs",
                "eventSourceARN": "arn:aws:sqs:eu-central-1:123456789012:queue",
                "awsRegion": "eu-central-1",
            }
            for event in events
        ]
        consumer = self.erase if events[0].event_type == "user.deleted" else self.push
        try:
            answer = consumer.handler({"Records": records}, self.context)
        except BatchProcessingError:
            return [event.event_id for event in events]
        return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]

    def told(self, connection_id: str = "c1") -> list[tuple[str, str]]:
        """The cursor and the status of each change that a connection was told of."""
        return [
            (message["cursor"], message["status"])
            for message in self.gateway.sent[connection_id]
            if message["type"] == "order.changed"
        ]

    def letters(self) -> list[str]:
        answer = boto3.client("sqs").receive_message(
            QueueUrl=self.dead_letters, MessageAttributeNames=["All"], MaxNumberOfMessages=10
        )
        return [
            message["MessageAttributes"]["reason"]["StringValue"] for message in answer.get("Messages", [])
        ]


@pytest.fixture
def live(aws: None, lambda_context: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Live]:
    properties = template_resources()["LiveTable"]["Properties"]
    wanted = ("BillingMode", "AttributeDefinitions", "KeySchema")
    boto3.client("dynamodb").create_table(TableName="live", **{name: properties[name] for name in wanted})
    queue = boto3.client("sqs").create_queue(QueueName="dead-letters")["QueueUrl"]
    monkeypatch.setenv("TABLE_NAME", "live")
    monkeypatch.setenv("DLQ_URL", queue)
    gateway = Gateway()
    resources.live_store.cache_clear()
    connections, push, erase = (
        reload(import_module(f"live.functions.{name}")) for name in ("connections", "push", "erase")
    )
    for module in (connections, push, erase):
        monkeypatch.setattr(module, "sockets", lambda: Sockets(gateway))
    yield Live(gateway, connections, push, erase, lambda_context, queue)
    resources.live_store.cache_clear()


def event(status: str, version: int, order_id: str = ORDER, customer_id: str = CUSTOMER) -> Event:
    return Event(
        event_id=f"{order_id}:{version}:order.{status}",
        event_type=f"order.{status}",
        occurred_at=f"2026-11-21T10:15:0{version}.000Z",
        aggregate_id=order_id,
        aggregate_version=version,
        correlation_id="test",
        data={"order_id": order_id, "customer_id": customer_id, "status": status},
    )


def deleted(customer_id: str = CUSTOMER) -> Event:
    return event("user.deleted", 4).model_copy(
        update={"event_type": "user.deleted", "aggregate_id": customer_id, "data": {"user_id": customer_id}}
    )


def test_a_customer_is_told_of_each_status_of_their_orders_in_order(live: Live) -> None:
    live.watching()

    live.happens(event("confirmed", 2), event("cancelled", 4), event("confirmed", 2, OTHER_ORDER))

    assert live.told() == [("1", "confirmed"), ("2", "cancelled"), ("3", "confirmed")]


def test_nobody_is_told_of_somebody_else_s_orders(live: Live) -> None:
    live.watching("c2", "somebody-else")
    live.watching("c3", "another", order_id=ORDER)

    live.happens(event("confirmed", 2))

    assert not live.told("c2") and not live.told("c3")


def test_an_order_of_somebody_else_is_as_one_that_there_is_not(live: Live) -> None:
    live.happens(event("confirmed", 2))
    live.connect("c2", "somebody-else")

    theirs = live.ask({"action": "subscribe", "order_id": ORDER}, "c2", "somebody-else")
    none = live.ask({"action": "subscribe", "order_id": OTHER_ORDER}, "c2", "somebody-else")
    missed = live.ask({"action": "catch_up", "order_id": ORDER}, "c2", "somebody-else")

    assert (theirs["type"], theirs["cursor"]) == (none["type"], none["cursor"]) == ("subscribed", "0")
    assert missed["changes"] == []


def test_who_connected_without_subscribing_is_told_nothing(live: Live) -> None:
    live.connect()

    live.happens(event("confirmed", 2))

    assert not live.told()


def test_one_order_can_be_watched_alone(live: Live) -> None:
    live.watching(order_id=ORDER)

    live.happens(event("confirmed", 2), event("confirmed", 2, OTHER_ORDER))

    assert live.told() == [("1", "confirmed")]


def test_every_connection_of_the_customer_is_told(live: Live) -> None:
    live.watching("c1")
    live.watching("c2")

    live.happens(event("confirmed", 2))

    assert live.told("c1") == live.told("c2") == [("1", "confirmed")]


def test_who_unsubscribed_is_told_no_more(live: Live) -> None:
    live.watching()
    live.ask({"action": "subscribe", "order_id": ORDER})

    assert live.ask({"action": "unsubscribe"})["order_ids"] == []
    live.happens(event("confirmed", 2))

    assert not live.told()


def test_an_order_can_be_left_while_another_is_watched(live: Live) -> None:
    live.watching(order_id=ORDER)
    live.ask({"action": "subscribe", "order_id": OTHER_ORDER})

    assert live.ask({"action": "unsubscribe", "order_id": ORDER})["order_ids"] == [OTHER_ORDER]
    live.happens(event("confirmed", 2), event("confirmed", 2, OTHER_ORDER))

    assert live.told() == [("2", "confirmed")]


def test_an_event_delivered_again_has_the_same_place(live: Live) -> None:
    live.watching()

    for _ in range(3):
        live.happens(event("confirmed", 2))

    assert set(live.told()) == {("1", "confirmed")}
    assert len(live.ask({"action": "catch_up"})["changes"]) == 1


def test_an_older_status_that_comes_late_is_not_told(live: Live) -> None:
    live.watching()

    live.happens(event("fulfilled", 5), event("confirmed", 2))

    assert live.told() == [("1", "fulfilled")]
    assert [change["status"] for change in live.ask({"action": "catch_up"})["changes"]] == ["fulfilled"]


@pytest.mark.parametrize(
    ("first", "second", "told"),
    [
        (event("confirmed", 2), event("fulfilled", 5), ["fulfilled"]),
        (event("fulfilled", 5), event("confirmed", 2), ["confirmed", "fulfilled"]),
        (event("confirmed", 2), event("confirmed", 2, OTHER_ORDER), ["confirmed", "confirmed"]),
    ],
)
def test_two_changes_at_once_get_a_place_each_and_no_status_goes_back(
    live: Live, monkeypatch: pytest.MonkeyPatch, first: Event, second: Event, told: list[str]
) -> None:
    """`second` comes between what `first` reads and what it writes."""
    store = resources.live_store()
    append = store._append

    def overtaken(*arguments: Any) -> bool:
        monkeypatch.setattr(store, "_append", append)
        live.happens(second)
        return append(*arguments)

    monkeypatch.setattr(store, "_append", overtaken)
    live.happens(first)

    live.connect()
    changes = live.ask({"action": "catch_up"})["changes"]
    assert [change["status"] for change in changes] == told
    assert [change["cursor"] for change in changes] == [str(place + 1) for place in range(len(told))]


def test_a_gone_connection_is_forgotten_and_the_others_are_served(live: Live) -> None:
    live.watching("c1")
    live.watching("c2")
    live.gateway.gone.add("c1")

    assert live.happens(event("confirmed", 2)) == []

    assert live.told("c2") == [("1", "confirmed")]
    assert [left.connection_id for left in resources.live_store().connections(CUSTOMER)] == ["c2"]


def test_a_connection_that_cannot_be_served_now_is_tried_again(live: Live) -> None:
    live.watching("c1")
    live.watching("c2")
    live.gateway.busy.add("c1")

    failed = live.happens(event("confirmed", 2))
    assert failed == [event("confirmed", 2).event_id]
    assert live.told("c2") == [("1", "confirmed")]

    live.gateway.busy.clear()
    assert live.happens(event("confirmed", 2)) == []

    assert live.told("c1") == [("1", "confirmed")]
    assert set(live.told("c2")) == {("1", "confirmed")}


def test_who_comes_back_gets_exactly_what_it_missed(live: Live) -> None:
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


def test_what_is_told_after_the_subscription_stands_behind_its_cursor(live: Live) -> None:
    live.happens(event("confirmed", 2))
    live.connect()

    subscribed = live.ask({"action": "subscribe"})
    live.happens(event("cancelled", 4))

    assert subscribed["cursor"] == "1"
    assert live.told() == [("2", "cancelled")]


def test_a_feed_that_has_lost_something_says_so(live: Live) -> None:
    live.happens(event("confirmed", 2), event("cancelled", 4))
    boto3.client("dynamodb").delete_item(
        TableName="live", Key={"pk": {"S": CUSTOMER}, "sk": {"S": "change#000000000001"}}
    )
    live.connect()

    missed = live.ask({"action": "catch_up"})

    assert not missed["complete"]
    assert [change["status"] for change in missed["changes"]] == ["cancelled"]


@pytest.mark.parametrize(
    ("message", "problem"),
    [
        ("", "malformed-json"),
        ("{", "malformed-json"),
        ('{"action": "listen"}', "invalid-request"),
        ('{"action": "catch_up", "after": "1"}', "invalid-cursor"),
    ],
)
def test_a_message_that_cannot_be_served_is_answered_with_the_reason(
    live: Live, message: str, problem: str
) -> None:
    live.connect()

    answer = live.ask(message)

    assert answer["type"] == "error"
    assert answer["problem"]["type"].endswith(f"/{problem}")


def test_a_failure_on_our_side_is_answered_too(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    live.connect()
    monkeypatch.setattr(resources.live_store(), "watch", lambda *_: 1 / 0)

    answer = live.ask({"action": "subscribe", "request_id": "7"})

    assert (answer["type"], answer["request_id"], answer["problem"]["status"]) == ("error", "7", 500)
    assert "division" not in json.dumps(answer)


def test_a_ping_is_answered(live: Live) -> None:
    live.connect()

    assert live.ask({"action": "ping", "request_id": "7"}) == {"type": "pong", "request_id": "7"}


def test_more_single_orders_than_a_connection_may_watch_are_refused(live: Live) -> None:
    live.connect()
    boto3.client("dynamodb").update_item(
        TableName="live",
        Key={"pk": {"S": CUSTOMER}, "sk": {"S": "connection#c1"}},
        UpdateExpression="SET order_ids = :orders",
        ExpressionAttributeValues={":orders": {"SS": [f"ord_{number}" for number in range(MAX_ORDERS)]}},
    )

    answer = live.ask({"action": "subscribe", "order_id": ORDER})

    assert answer["problem"]["type"].endswith("/too-many-subscriptions")


def test_the_oldest_connection_gives_way_to_one_too_many(live: Live) -> None:
    for number in range(MAX_CONNECTIONS + 1):
        assert live.connect(f"c{number}") == 200

    assert live.gateway.closed == ["c0"]
    assert len(resources.live_store().connections(CUSTOMER)) == MAX_CONNECTIONS


def test_a_connection_whose_token_has_run_out_is_closed_and_told_nothing(live: Live) -> None:
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
    assert not live.told("c1")
    assert resources.live_store().connections(CUSTOMER) == []


def test_a_message_by_a_connection_that_was_dropped_closes_it(live: Live) -> None:
    live.request("MESSAGE", "c1", CUSTOMER, body='{"action": "ping"}')

    assert live.gateway.closed == ["c1"]
    assert not live.gateway.sent["c1"]


def test_the_chosen_subprotocol_is_told_and_the_token_is_not(live: Live) -> None:
    headers = {"Sec-WebSocket-Protocol": "cartwright.v1, cartwright.bearer.a.b.c"}

    answer = live.request("CONNECT", "c1", CUSTOMER, headers=headers)

    assert answer == {"statusCode": 200, "headers": {"Sec-WebSocket-Protocol": "cartwright.v1"}}


def test_a_connection_that_could_not_be_kept_is_refused(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resources.live_store(), "connect", lambda _: 1 / 0)

    assert live.connect() == 500


def test_of_a_deleted_user_nothing_is_left_and_nothing_comes_back(live: Live) -> None:
    live.watching("c1")
    live.watching("c2", "somebody-else")
    live.happens(event("confirmed", 2))

    for _ in range(2):
        live.happens(deleted())
    live.happens(event("cancelled", 4))

    assert live.gateway.closed == ["c1"]
    assert live.connect("c3") == 403
    left = boto3.client("dynamodb").query(
        TableName="live",
        KeyConditionExpression="pk = :customer",
        ExpressionAttributeValues={":customer": {"S": CUSTOMER}},
    )["Items"]
    assert [item["sk"]["S"] for item in left] == ["feed"]
    assert [found.connection_id for found in resources.live_store().connections("somebody-else")] == ["c2"]


def test_what_is_told_expires(live: Live) -> None:
    live.watching()
    live.happens(event("confirmed", 2))

    items = boto3.client("dynamodb").scan(TableName="live")["Items"]

    assert {item["sk"]["S"].partition("#")[0] for item in items if "expires_at" not in item} == {"feed"}


def test_an_event_that_tells_no_status_is_a_dead_letter(live: Live) -> None:
    assert live.happens(event("collection_requested", 2)) == []

    assert [letter.partition(":")[0] for letter in live.letters()] == ["UnknownEvent"]


KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture
def authorize(
    aws: None, lambda_context: Any, monkeypatch: pytest.MonkeyPatch
) -> Callable[[dict[str, str]], dict[str, Any]]:
    """The authorizer's answer to a request with given headers; the pool's keys are where the template says."""
    for name, value in {"ISSUER": "https://issuer", "AUDIENCE": "client", "JWKS_URL": "https://keys"}.items():
        monkeypatch.setenv(name, value)
    authorizer = reload(import_module("live.functions.authorizer"))
    example = json.loads((EVENTS / "live_authorizer.json").read_text())
    published = Response()
    published.status_code = 200
    key = json.loads(RSAAlgorithm.to_jwk(KEY.public_key())) | {"kid": "k"}
    published._content = json.dumps({"keys": [key]}).encode()
    monkeypatch.setattr(authorizer.requests, "get", lambda url, **_: {"https://keys": published}[url])

    def decide(headers: dict[str, str]) -> dict[str, Any]:
        answer: dict[str, Any] = authorizer.handler(example | {"headers": headers}, lambda_context)
        return answer

    return decide


def test_whoever_holds_a_valid_token_is_let_in_as_who_they_are(
    authorize: Callable[[dict[str, str]], dict[str, Any]],
) -> None:
    said = {"sub": CUSTOMER, "iss": "https://issuer", "aud": "client", "token_use": "id"}
    token = jwt.encode(
        said | {"iat": 1_000_000_000, "exp": 4_000_000_000}, KEY, "RS256", headers={"kid": "k"}
    )

    answer = authorize({"Authorization": f"Bearer {token}"})

    assert answer["principalId"] == CUSTOMER
    assert answer["policyDocument"]["Statement"][0]["Effect"] == "Allow"
    assert answer["context"] == {"customer_id": CUSTOMER, "expires_at": "4000000000"}


@pytest.mark.parametrize("headers", [{"Host": "example"}, {"Authorization": "Bearer garbage"}])
def test_without_a_valid_token_nobody_is_let_in(
    authorize: Callable[[dict[str, str]], dict[str, Any]], headers: dict[str, str]
) -> None:
    answer = authorize(headers)

    assert answer["policyDocument"]["Statement"][0]["Effect"] == "Deny"
    assert "context" not in answer

"""Admins look at dead letters and send them again; nothing is lost, and nothing of a message's content is shown."""

import json
from collections.abc import Callable, Iterator
from importlib import import_module, reload
from typing import Any

import boto3
import pytest

import cleanup.dependencies
from shared.dead_letters import send_to_dlq
from tests.component.audit_trail import lines, make_audit_trail
from tests.component.rest_events import claims_of, json_body, rest_event

ORDER = "ord_118ebd08bdee58bf9a4d0d7d1e76a930"
FUTURE = "2099-01-01T00:00:00.000Z"
type Send = Callable[..., dict[str, Any]]


class Queues:
    """The queues of two consumers, and the relays' dead letters."""

    def __init__(self) -> None:
        self.sqs = boto3.client("sqs")
        names = ("EraseDead", "Erase", "PushDead", "Push", "RelayDead")
        self.urls = {name: self.sqs.create_queue(QueueName=name)["QueueUrl"] for name in names}

    def put(self, queue: str, body: str, **attributes: str) -> None:
        self.sqs.send_message(
            QueueUrl=self.urls[queue],
            MessageBody=body,
            MessageAttributes={
                name: {"DataType": "String", "StringValue": text} for name, text in attributes.items()
            },
        )

    def taken(self, queue: str) -> list[Any]:
        """The messages that a consumer would get now, at most ten."""
        answer = self.sqs.receive_message(
            QueueUrl=self.urls[queue],
            MaxNumberOfMessages=10,
            VisibilityTimeout=0,
            MessageAttributeNames=["All"],
        )
        return list(answer.get("Messages", []))


@pytest.fixture
def queues(aws: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Queues]:
    make_audit_trail()
    found = Queues()
    monkeypatch.setenv("QUEUES", "OrdersErase=EraseDead=Erase,LivePush=PushDead=Push,Relay=RelayDead=")
    monkeypatch.setenv("RELAY_DEAD_LETTER_QUEUE_URL", found.urls["RelayDead"])
    monkeypatch.setenv("AUDIT_TRAIL_TABLE_NAME", "AuditTrailTable")
    monkeypatch.setenv("ADMIN_CLIENT_ID", "AdminUserPoolClient")
    cleanup.dependencies.dead_letter_box.cache_clear()
    yield found
    cleanup.dependencies.dead_letter_box.cache_clear()


@pytest.fixture
def send(queues: Queues, lambda_context: Any) -> Send:
    api = reload(import_module("cleanup.functions.api"))

    def sent(method: str, path: str, body: Any = None) -> dict[str, Any]:
        event = rest_event(method, path, body=body, claims=claims_of("root", groups="admin"))
        answer: dict[str, Any] = api.handler(event, lambda_context)
        return answer

    return sent


def event(number: int, event_type: str = "user.deleted") -> str:
    return json.dumps(
        {"event_type": event_type, "aggregate_id": f"usr_{number}", "data": {"email": "ada@example.com"}}
    )


def test_the_list_has_every_queue_with_its_messages(queues: Queues, send: Send) -> None:
    queues.put("PushDead", "1")
    queues.put("PushDead", "2")
    assert json_body(send("GET", "/dead-letters"))["queues"] == [
        {"queue": "OrdersErase", "waiting": 0, "redrivable": True},
        {"queue": "LivePush", "waiting": 2, "redrivable": True},
        {"queue": "Relay", "waiting": 0, "redrivable": False},
    ]
    assert lines() == []


def test_messages_that_failed_alike_are_one_group(queues: Queues, send: Send) -> None:
    for number in range(3):
        reason = f"NotThere: ord_{number:032x} is not there"
        send_to_dlq(queues.urls["EraseDead"], event(number), reason)
    queues.put("EraseDead", event(9, "user.changed"))
    queues.put("EraseDead", "no event at all")

    found = json_body(send("GET", "/dead-letters/OrdersErase"))

    assert (found["waiting"], found["inspected"], found["redrivable"]) == (5, 5, True)
    groups = {(group.get("event_type"), group.get("reason")): group for group in found["groups"]}
    alike = groups["user.deleted", "NotThere: … is not there"]
    assert (alike["count"], sorted(alike["aggregate_ids"])) == (3, ["usr_0", "usr_1", "usr_2"])
    assert found["groups"][0] == alike
    assert groups["user.changed", None]["count"] == 1
    assert groups[None, None]["aggregate_ids"] == []


def test_a_group_shows_some_ids_and_nothing_else_of_the_messages(queues: Queues, send: Send) -> None:
    for number in range(7):
        queues.put("EraseDead", event(number))
    answer = send("GET", "/dead-letters/OrdersErase")
    [group] = json_body(answer)["groups"]
    assert len(group["aggregate_ids"]) == 5
    assert "ada@example.com" not in answer["body"]


def test_looking_leaves_the_messages_visible(queues: Queues, send: Send) -> None:
    for number in range(12):
        queues.put("EraseDead", event(number))
    assert json_body(send("GET", "/dead-letters/OrdersErase"))["inspected"] == 12
    assert json_body(send("GET", "/dead-letters/OrdersErase"))["inspected"] == 12


def test_a_redrive_sends_messages_as_they_were(queues: Queues, send: Send) -> None:
    queues.put("EraseDead", event(1), event_type="user.deleted", reason="gone", source_message_id="1")

    answer = send("POST", "/dead-letters/OrdersErase/redrive", {"before": FUTURE})

    assert json_body(answer) == {"queue": "OrdersErase", "sent": 1, "waiting": 0}
    [message] = queues.taken("Erase")
    assert message["Body"] == event(1)
    assert {name: value["StringValue"] for name, value in message["MessageAttributes"].items()} == {
        "event_type": "user.deleted"
    }
    assert queues.taken("EraseDead") == [] == queues.taken("Push")


def test_a_repeat_leaves_what_came_after_the_moment(queues: Queues, send: Send) -> None:
    queues.put("EraseDead", event(1))
    body = {"before": "2020-01-01T00:00:00Z"}

    assert json_body(send("POST", "/dead-letters/OrdersErase/redrive", body))["sent"] == 0

    assert [message["Body"] for message in queues.taken("EraseDead")] == [event(1)]
    assert queues.taken("Erase") == []


def test_the_moment_of_an_inspection_covers_what_it_showed(queues: Queues, send: Send) -> None:
    queues.put("EraseDead", event(1))
    seen = json_body(send("GET", "/dead-letters/OrdersErase"))
    answer = send("POST", "/dead-letters/OrdersErase/redrive", {"before": seen["as_of"]})
    assert json_body(answer)["sent"] == seen["inspected"] == 1


def test_one_request_sends_a_hundred_at_most(queues: Queues, send: Send) -> None:
    for number in range(103):
        queues.put("EraseDead", event(number))
    sent = [
        json_body(send("POST", "/dead-letters/OrdersErase/redrive", {"before": FUTURE}))["sent"]
        for _ in range(3)
    ]
    assert sent == [100, 3, 0]


def test_a_message_that_cannot_be_sent_stays_and_is_visible(
    queues: Queues, send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    queues.put("EraseDead", event(1))
    queues.sqs.delete_queue(QueueUrl=queues.urls["Erase"])
    assert send("POST", "/dead-letters/OrdersErase/redrive", {"before": FUTURE})["statusCode"] >= 500
    assert [message["Body"] for message in queues.taken("EraseDead")] == [event(1)]


def test_relays_letters_are_shown_and_stay(queues: Queues, send: Send) -> None:
    queues.put("RelayDead", json.dumps({"dynamodb": {"NewImage": {}}}), reason="ValidationError")
    found = json_body(send("GET", "/dead-letters/Relay"))
    assert (found["redrivable"], found["groups"][0]["reason"]) == (False, "ValidationError")

    answer = send("POST", "/dead-letters/Relay/redrive", {"before": FUTURE})

    assert (answer["statusCode"], json_body(answer)["type"].rpartition("/")[2]) == (409, "not-redrivable")
    assert len(queues.taken("RelayDead")) == 1


@pytest.mark.parametrize(("method", "path"), [("GET", "None"), ("POST", "None/redrive"), ("GET", "Eraser")])
def test_an_unknown_queue_is_not_found(send: Send, method: str, path: str) -> None:
    body = {"before": FUTURE} if method == "POST" else None
    assert send(method, f"/dead-letters/{path}", body)["statusCode"] == 404
    assert lines() == []


@pytest.mark.parametrize(
    "before",
    [0, "1", "2026-03-02", "2026-03-02T09:30:00", "2026-13-02T09:30:00Z", "2026-03-02T09:30:00+24:00"],
)
def test_a_moment_is_one_of_rfc_3339(send: Send, before: Any) -> None:
    answer = send("POST", "/dead-letters/OrdersErase/redrive", {"before": before})
    assert (answer["statusCode"], json_body(answer)["errors"][0]["pointer"]) == (422, "/body/before")

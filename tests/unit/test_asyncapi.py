"""The AsyncAPI document of the live updates: it follows the models, and real messages fit it."""

import json
from typing import Any

import pytest
from jsonschema_rs import Draft202012Validator, ValidationError

from live.domain.connection import Connection
from live.domain.feed import Change, Entry, Page, ReturnChange
from live.domain.messages import (
    Answer,
    CaughtUp,
    Failure,
    Pong,
    Subscribed,
    Unsubscribed,
    as_text,
    changed,
)
from shared.errors import BadRequest, FieldError
from tools.contracts.asyncapi import DOCUMENT, document, written

ENTRY = Entry(
    12,
    Change(event_id="e", order_id="ord_1", version=2, status="rejected", at="2026", reason="out_of_stock"),
)
RETURN_ENTRY = Entry(
    13,
    ReturnChange(event_id="e", order_id="ord_1", return_id="ret_1", version=2, status="requested", at="2026"),
)
CONNECTION = Connection(connection_id="c", customer_id="u", connected_at="2026", expires_at=0)
SENT: list[Answer] = [
    changed(ENTRY),
    changed(RETURN_ENTRY),
    Subscribed.of(CONNECTION, 12, "7"),
    Unsubscribed.of(CONNECTION, None),
    CaughtUp.of(Page([ENTRY, RETURN_ENTRY], 13, more=False, complete=True), "7"),
    Pong(),
    Failure.of(BadRequest("No.", [FieldError("/after", "no")])),
]
REQUESTS: dict[str, dict[str, Any]] = {
    "Subscribe": {"action": "subscribe", "order_id": "ord_1", "request_id": "1"},
    "Unsubscribe": {"action": "unsubscribe"},
    "CatchUp": {"action": "catch_up", "after": "12", "limit": 10},
    "Ping": {"action": "ping"},
}


def check(name: str, message: Any) -> None:
    described = document()
    schema = {"$ref": f"#/components/schemas/{name}", "components": described["components"]}
    Draft202012Validator(schema).validate(message)


def references(value: Any) -> list[str]:
    match value:
        case {"$ref": str(reference)}:
            return [reference]
        case dict():
            return [found for member in value.values() for found in references(member)]
        case list():
            return [found for member in value for found in references(member)]
    return []


def test_the_document_follows_the_messages() -> None:
    """If not: `make asyncapi`."""
    assert DOCUMENT.read_text() == written()


def test_every_reference_can_be_resolved() -> None:
    described = document()

    for reference in references(described):
        found: Any = described
        for part in reference.removeprefix("#/").split("/"):
            found = found[part]


@pytest.mark.parametrize("answer", SENT, ids=lambda answer: answer.type)
def test_sent_messages_fit_the_document(answer: Answer) -> None:
    check(type(answer).__name__, json.loads(as_text(answer)))


@pytest.mark.parametrize("name", REQUESTS)
def test_requests_fit_the_document(name: str) -> None:
    check(name, REQUESTS[name])

    with pytest.raises(ValidationError):
        check(name, REQUESTS[name] | {"action": "dance"})

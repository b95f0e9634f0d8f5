"""The transactional outbox: an item carries the events of its last change, and the table's stream publishes them.

State and events are one atomic write: both are stored, or neither. A service puts `outbox_of(events)` into the item;
its relay function (`shared.relay`) reads the stream. A change without events says so by a mark of its own, and Lambda's
filter spares the relay an invocation. A change that lacks the mark costs an invocation, and nothing else.

The pattern: https://microservices.io/patterns/data/transactional-outbox.html
"""

from collections.abc import Mapping
from typing import Any

from shared.cause import present_cause
from shared.dynamo import from_item
from shared.events import Event

type StreamRecord = Mapping[str, Any]
"""A change as the table's stream delivers it."""


def outbox_of(events: list[Event]) -> dict[str, Any]:
    """An item's attributes for the relay: the events of the change as JSON with their cause, or the mark of none."""
    if not events:
        return {"outbox": [], "publishes_nothing": True}
    return {"outbox": [with_cause(event, present_cause()).model_dump_json() for event in events]}


def with_cause(event: Event, cause: str | None) -> Event:
    """The event with `cause` as its causation id, unless it has one."""
    return event if event.causation_id else event.model_copy(update={"causation_id": cause})


def unpublished(record: StreamRecord) -> list[Event]:
    """The events that a stream record's change added: its new outbox, if the change renewed it.

    Raises ValidationError for an outbox that cannot be read.
    """
    # Of the item only the outbox is read: an attribute that an operator added by hand keeps no event from going out.
    change = record["dynamodb"]
    before, after = (change.get(image, {}).get("outbox", {"L": []}) for image in ("OldImage", "NewImage"))
    if after == before:
        return []
    return [Event.model_validate_json(entry) for entry in from_item({"outbox": after})["outbox"]]


def images_of(record: StreamRecord) -> tuple[dict[str, Any], dict[str, Any]]:
    """The item before and after the change, as plain values; empty if there was none, or is none any more."""
    change = record["dynamodb"]
    return from_item(change.get("OldImage", {})), from_item(change.get("NewImage", {}))

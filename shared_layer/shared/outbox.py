"""The transactional outbox: an item carries the events of its last change, and the table's stream publishes them.

State and events are one atomic write: both are stored, or neither. A service puts `outbox_of(events)` into the item;
its relay function (`shared.relay`) reads the stream. A change without events says so by a mark of its own, and Lambda's
filter spares the relay an invocation. A change that lacks the mark costs an invocation, and nothing else.

The pattern: https://microservices.io/patterns/data/transactional-outbox.html
"""

from typing import Any

from aws_lambda_powertools.utilities.data_classes.dynamo_db_stream_event import DynamoDBRecord

from shared.cause import present_cause
from shared.events import Event


def outbox_of(events: list[Event]) -> dict[str, Any]:
    """An item's attributes for the relay: the events of the change as JSON with their cause, or the mark of none."""
    if not events:
        return {"outbox": [], "publishes_nothing": True}
    return {"outbox": [with_cause(event, present_cause()).model_dump_json() for event in events]}


def with_cause(event: Event, cause: str | None) -> Event:
    """The event with `cause` as its causation id, unless it has one."""
    return event if event.causation_id else event.model_copy(update={"causation_id": cause})


def unpublished(record: DynamoDBRecord) -> list[Event]:
    """The events that a stream record's change added: its new outbox, if the change renewed it.

    Raises ValidationError for an outbox that cannot be read.
    """
    change = record.dynamodb
    if change is None or not change.new_image:
        return []
    outbox = change.new_image.get("outbox", [])
    if outbox == (change.old_image or {}).get("outbox", []):
        return []
    return [Event.model_validate_json(entry) for entry in outbox]

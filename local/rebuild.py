"""Rebuilding a projection from its source: `make rebuild PROJECTION=orders-prices`.

A table that a projection is made of carries the event of each item's last change in the item's outbox, with the item's
present version. These events are handed to the projection's own consumer once more, past the topic, so nobody else
hears of them (no mail goes out again). The system runs on meanwhile: the consumer passes over what is older than what
it has, so it does not matter whether a change or the rebuilding tells it first.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import batched
from typing import Any

from local.stack import Stack
from local.steps import StepError
from local.waiting import NotInTime, wait_for
from shared.dynamo import from_item

_BATCH = 10
_LONGEST_SECONDS = 600


@dataclass(frozen=True)
class Projection:
    """A projection: the table that it is made of, and the consumer that keeps it."""

    source: str
    consumer: str


PROJECTIONS = {
    "orders-prices": Projection("CatalogTable", "OrdersPrices"),
    "notifications-addresses": Projection("UsersTable", "NotificationsAddresses"),
}


def rebuild(stack: Stack, name: str) -> int:
    """Tells the projection's consumer of every item of its source, and waits until it has taken all in.

    Returns how many items that were. Raises StepError for a projection that there is not, or that SQS did not take all
    of, and NotInTime when the consumer does not come to an end.
    """
    if name not in PROJECTIONS:
        raise StepError(
            f"There is no projection {name or '(none given)'}.", f"There are {', '.join(PROJECTIONS)}."
        )
    projection = PROJECTIONS[name]
    sqs, queue = stack.client("sqs"), stack.resource(f"{projection.consumer}Queue")
    told = 0
    for bodies in batched(_present_state(stack, projection), _BATCH, strict=False):
        entries = [{"Id": str(number), "MessageBody": body} for number, body in enumerate(bodies)]
        answer = sqs.send_message_batch(QueueUrl=queue, Entries=entries)
        if answer.get("Failed"):
            reasons = ", ".join(sorted({entry["Code"] for entry in answer["Failed"]}))
            raise StepError(f"SQS did not take all messages: {reasons}.", "Run it again; that does no harm.")
        told += len(bodies)
    try:
        wait_for(
            lambda: _is_empty(sqs, queue), f"{projection.consumer} to take it in", seconds=_LONGEST_SECONDS
        )
    except NotInTime as error:
        raise StepError(
            f"{told} items told, but: {error}.", f"`make dlq` shows whether {projection.consumer} fails."
        ) from error
    return told


def _present_state(stack: Stack, projection: Projection) -> Iterator[str]:
    """The last event of each item of the source."""
    pages = (
        stack.client("dynamodb")
        .get_paginator("scan")
        .paginate(TableName=stack.resource(projection.source), ConsistentRead=True)
    )
    for page in pages:
        for item in page["Items"]:
            outbox: list[str] = from_item(item).get("outbox", [])
            yield from (event for event in outbox if _is_event(event))


def _is_event(text: str) -> bool:
    """Whether an entry of an outbox can be read; what cannot lies in the relays' dead letters."""
    try:
        return "event_id" in json.loads(text)
    except ValueError:
        return False


def _is_empty(sqs: Any, queue: str) -> bool:
    names = [
        "ApproximateNumberOfMessages",
        "ApproximateNumberOfMessagesNotVisible",
        "ApproximateNumberOfMessagesDelayed",
    ]
    attributes = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=names)["Attributes"]
    return all(int(attributes[name]) == 0 for name in names)

"""Rebuilding a projection from its source: `make rebuild PROJECTION=orders-prices`.

What a projection is told once more goes to its own consumer, past the topic, so nobody else hears of it (no mail goes
out again). The system runs on meanwhile: it does not matter whether a change or the rebuilding tells it first, for the
consumer passes over what is older than what it has, or writes each fact under a key of its own.

There are two kinds of sources. A table that tells of its items carries the event of each item's last change in the
item's outbox, with the item's present version; that is enough for a projection of what things are. One of what happened
is made from the archive, which has every event.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from archive.adapters import event_of
from shared.dynamo import from_item, to_item
from tools.console import Progress, StepError
from tools.stack import Stack
from tools.waiting import NotInTime, wait_for

# Of one SendMessageBatch request.
_BATCH = 10
_BATCH_BYTES = 256 * 1024

_WITHOUT_PROGRESS_SECONDS = 600
_ARCHIVE_BEHIND_SECONDS = 60

type Say = Callable[[str], None]


@dataclass(frozen=True)
class Projection:
    """A projection: what it holds, the table that it is made of, and the consumer that keeps it."""

    holds: str
    source: str
    consumer: str

    @property
    def is_made_of_events(self) -> bool:
        """Whether it is made of all that happened, and not of what its source's items are now."""
        return self.source == "ArchiveTable"


PROJECTIONS = {
    "orders-prices": Projection("the prices that orders go by", "CatalogTable", "OrdersRecordPrices"),
    "notifications-addresses": Projection("where mail goes", "UsersTable", "NotificationsRecordAddresses"),
    "reports-sales": Projection("what weekly reports are made of", "ArchiveTable", "ReportsRecordSales"),
}


def projection_of(name: str) -> Projection:
    """The projection of that name; raises StepError, which lists those that there are, for any other."""
    if name not in PROJECTIONS:
        listed = "\n".join(
            f"  PROJECTION={known:<24} {projection.holds}, from {projection.source}"
            for known, projection in PROJECTIONS.items()
        )
        wrong = f"There is no projection {name}." if name else "No projection was named."
        raise StepError(wrong, f"There are\n{listed}")
    return PROJECTIONS[name]


def rebuild(stack: Stack, name: str, say: Say = print) -> int:
    """Tells the projection's consumer of all that its source has, and waits until it has taken everything in.

    Returns how many items or events that were; `say` is told on long work how far it is. Raises StepError for a
    projection that there is not, that SQS did not take all of, or whose consumer takes nothing in.
    """
    projection = projection_of(name)
    sqs, queue = stack.client("sqs"), stack.resource(f"{projection.consumer}Queue")
    if projection.is_made_of_events:
        _let_the_archive_catch_up(stack, say)
        bodies = _history(stack, projection)
    else:
        bodies = _present_state(stack, projection)
    progress, told = Progress(say), 0
    for batch in _batches(bodies):
        entries = [{"Id": str(number), "MessageBody": body} for number, body in enumerate(batch)]
        answer = sqs.send_message_batch(QueueUrl=queue, Entries=entries)
        if answer.get("Failed"):
            reasons = ", ".join(sorted({entry["Code"] for entry in answer["Failed"]}))
            raise StepError(f"SQS did not take all messages: {reasons}.", "Run it again; that does no harm.")
        told += len(batch)
        progress.tell(f"{told:,} told so far")
    try:
        _wait_until_empty(sqs, queue, projection.consumer, progress)
    except NotInTime as error:
        raise StepError(
            f"{told} told, but: {error}.", f"`make dlq` shows whether {projection.consumer} fails."
        ) from error
    return told


def _present_state(stack: Stack, projection: Projection) -> Iterator[str]:
    """The last event of each item of the source."""
    for item in _scanned(stack, projection.source):
        outbox: list[str] = from_item(item).get("outbox", [])
        yield from (event for event in outbox if _is_event(event))


def _history(stack: Stack, projection: Projection) -> Iterator[str]:
    """Every archived event of the types that the consumer's subscription lets through, in no order."""
    subscription = stack.client("sns").get_subscription_attributes(
        SubscriptionArn=stack.resource(f"{projection.consumer}Subscription")
    )
    types = json.loads(subscription["Attributes"]["FilterPolicy"])["event_type"]
    values = {f":type{number}": event_type for number, event_type in enumerate(types)}
    wanted = {
        "FilterExpression": f"event_type IN ({', '.join(values)})",
        "ExpressionAttributeValues": to_item(values),
    }
    for item in _scanned(stack, projection.source, **wanted):
        yield event_of(item).model_dump_json()


def _scanned(stack: Stack, table: str, **options: Any) -> Iterator[dict[str, Any]]:
    pages = (
        stack.client("dynamodb")
        .get_paginator("scan")
        .paginate(TableName=stack.resource(table), ConsistentRead=True, **options)
    )
    for page in pages:
        yield from page["Items"]


def _is_event(text: str) -> bool:
    """Whether an entry of an outbox can be read; what cannot lies in the relays' dead letters."""
    try:
        return "event_id" in json.loads(text)
    except ValueError:
        return False


def _batches(bodies: Iterable[str]) -> Iterator[list[str]]:
    """The bodies in as few requests as SQS takes them in."""
    batch: list[str] = []
    size = 0
    for body in bodies:
        length = len(body.encode())
        if batch and (len(batch) == _BATCH or size + length > _BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(body)
        size += length
    if batch:
        yield batch


def _let_the_archive_catch_up(stack: Stack, say: Say) -> None:
    """Waits until the archive has what was told just now; says what it still lacks if that takes too long."""
    sqs = stack.client("sqs")
    queue = stack.resource("ArchiveStoreEventsQueue")
    try:
        wait_for(
            lambda: _waiting(sqs, queue) == 0, "the archive to catch up", seconds=_ARCHIVE_BEHIND_SECONDS
        )
    except NotInTime:
        say(
            f"{_waiting(sqs, queue):,} events still wait for the archive. Going on with what it has: "
            "run this once more later, which does no harm."
        )
    if lost := _waiting(sqs, stack.resource("ArchiveStoreEventsDeadLetterQueue")):
        say(
            f"{lost:,} messages lie in the archive's dead letters. What they tell will be missing: "
            "see `make dlq`, then `make redrive QUEUE=ArchiveStoreEvents`, and run this once more."
        )


def _wait_until_empty(sqs: Any, queue: str, consumer: str, progress: Progress) -> None:
    """Raises NotInTime when the queue does not get shorter for long; events that come anew count like the others."""
    left = _waiting(sqs, queue)
    while left:
        progress.tell(f"{left:,} wait for {consumer}")

        def shorter(than: int = left) -> tuple[int] | None:
            now = _waiting(sqs, queue)
            return (now,) if now < than else None

        (left,) = wait_for(shorter, f"{consumer} to take it in", seconds=_WITHOUT_PROGRESS_SECONDS)


def _waiting(sqs: Any, queue: str) -> int:
    """How many messages the queue holds, with those that are being worked on."""
    names = [
        "ApproximateNumberOfMessages",
        "ApproximateNumberOfMessagesNotVisible",
        "ApproximateNumberOfMessagesDelayed",
    ]
    attributes = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=names)["Attributes"]
    return sum(int(attributes[name]) for name in names)

"""`make rebuild PROJECTION=orders-prices`: rebuilds a projection from its source.

It sends the source's events to the queue of the projection's own consumer, past the topic. So no other consumer
receives them, and no mail goes out again. The system may run meanwhile, since the order of events does not
matter. The consumer skips an event that is older than its record, or writes each fact under a key of its own.

There are two kinds of sources. Each item of an aggregate's table carries the event of its last change in its outbox.
That is enough for a projection of present states. A projection of past facts needs the archive, which has every event.

Two have no events, and the command itself writes them. `catalog-shelves` gives each product its place in the lists
again, after a release that sorts names in another way. `orders-countries` copies the country of each address, for the
exports of orders, which may read no address. Release 0.7.0 and earlier wrote orders without that copy.
"""

import argparse
import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from archive.adapters import event_of
from catalog.adapters.product_store import ProductStore
from orders.adapters.order_store import OrderStore
from shared.dynamo import from_item, to_item
from tools.command_line import Subcommands, add_command, add_stack_option
from tools.console import Progress, StepError
from tools.filter_policy import lets_through, named_types
from tools.services import Projection, services
from tools.stack import Stack
from tools.waiting import NotInTime, wait_for

# The limits of one SendMessageBatch request.
_BATCH = 10
_BATCH_BYTES = 256 * 1024

_WITHOUT_PROGRESS_SECONDS = 600
# Longer than its batching window.
_ARCHIVE_BEHIND_SECONDS = 150

type Say = Callable[[str], None]


PROJECTIONS = {
    name: projection for manifest in services().values() for name, projection in manifest.projections.items()
}


def register(subcommands: Subcommands) -> None:
    """Registers `rebuild`."""
    parser = add_command(subcommands, "rebuild", _rebuild, description="rebuild a projection from its source")
    parser.add_argument(
        "projection",
        metavar="PROJECTION",
        nargs="?",
        default="",
        help=f"{', '.join(PROJECTIONS)}; without one, the command lists them",
    )
    add_stack_option(parser)


def _rebuild(arguments: argparse.Namespace) -> None:
    stack = Stack.named(arguments.stack, arguments.region)
    done = rebuild(stack, arguments.projection, say=lambda line: print(line, flush=True))
    print(outcome(stack, projection_of(arguments.projection), done))


def outcome(stack: Stack, projection: Projection, done: int) -> str:
    """A rebuild's outcome in words: how much it sent or changed (`done`), and how much the consumer's queues have left.

    A shop that runs sends the consumer new events all the time, so its queue may never be empty.
    """
    consumer = projection.consumer
    if consumer is None:
        products = projection.source == "CatalogTable"
        return f"Gave {done:,} {'products another place' if products else 'orders their country'}."
    sqs = stack.client("sqs")
    waiting = _waiting(sqs, stack.resource(f"{consumer}Queue"))
    dead = _waiting(sqs, stack.resource(f"{consumer}DeadLetterQueue"))
    lines = [f"Sent {done:,} {'events' if projection.is_made_of_events else 'items'} to {consumer}."]
    if waiting:
        lines += [
            "As many messages as waited then have left its queue.",
            f"It has {waiting:,} now: new events of the running shop, or the last of these.",
        ]
    else:
        lines += ["Its queue is empty." if dead else "Its queue is empty: it has processed all of them."]
    if dead:
        lines += [
            f"{dead:,} messages lie in its dead letters: see `make dlq`, then `make redrive QUEUE={consumer}`."
        ]
    return "\n".join(lines)


def projection_of(name: str) -> Projection:
    """The projection of that name; for any other, raises StepError with a list of the projections."""
    if name not in PROJECTIONS:
        listed = "\n".join(
            f"  PROJECTION={known:<24} {projection.content}, from {projection.source}"
            for known, projection in PROJECTIONS.items()
        )
        wrong = f"There is no projection {name}." if name else "No projection was named."
        raise StepError(wrong, f"Name one of these:\n{listed}")
    return PROJECTIONS[name]


def rebuild(stack: Stack, name: str, say: Say = print) -> int:
    """Sends the projection's consumer all events of its source, and waits until the consumer has processed them.

    Returns how many items or events it sent, or how many items it changed; `say` gets the progress of long
    work. Raises StepError if there is no such projection, SQS refuses a message, or the consumer makes no progress.
    """
    projection = projection_of(name)
    if projection.consumer is None:
        dynamodb, table = stack.client("dynamodb"), stack.resource(projection.source)
        if projection.source == "CatalogTable":
            return ProductStore(dynamodb, table).renew_places()
        return OrderStore(dynamodb, table).add_countries()
    sqs, queue = stack.client("sqs"), stack.resource(f"{projection.consumer}Queue")
    if projection.is_made_of_events:
        _let_the_archive_catch_up(stack, say)
        bodies = _history(stack, projection)
    else:
        bodies = _present_state(stack, projection)
    progress, sent = Progress(say), 0
    for batch in _batches(bodies):
        entries = [{"Id": str(number), "MessageBody": body} for number, body in enumerate(batch)]
        answer = sqs.send_message_batch(QueueUrl=queue, Entries=entries)
        if answer.get("Failed"):
            reasons = ", ".join(sorted({entry["Code"] for entry in answer["Failed"]}))
            raise StepError(f"SQS refused some messages: {reasons}.", "Run it again; that does no harm.")
        sent += len(batch)
        progress.report(f"{sent:,} sent so far")
    try:
        _let_as_many_leave(
            sqs,
            queue,
            _WITHOUT_PROGRESS_SECONDS,
            lambda left: progress.report(f"{left:,} wait for {projection.consumer}"),
        )
    except NotInTime as error:
        raise StepError(
            f"{sent:,} sent, but {_waiting(sqs, queue):,} wait for {projection.consumer}, and they become no fewer.",
            f"`make dlq` shows whether {projection.consumer} fails. If not, new events of the shop come as fast as it "
            "works, and it processes these among them.",
        ) from error
    return sent


def _present_state(stack: Stack, projection: Projection) -> Iterator[str]:
    """The last events of each item of the source, as far as the consumer's subscription lets them through."""
    policy = _policy(stack, projection)
    for item in _scanned(stack, projection.source):
        outbox: list[str] = from_item(item).get("outbox", [])
        yield from (event for event in outbox if _is_let_through(event, policy))


def _history(stack: Stack, projection: Projection) -> Iterator[str]:
    """Every archived event whose type the filter policy of the consumer's subscription names, in no order."""
    types = named_types(_policy(stack, projection))
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


def _policy(stack: Stack, projection: Projection) -> dict[str, Any]:
    """The filter policy of the consumer's subscription, for the projection's own types of events."""
    subscription = stack.client("sns").get_subscription_attributes(
        SubscriptionArn=stack.resource(f"{projection.consumer}Subscription")
    )
    policy: dict[str, Any] = json.loads(subscription["Attributes"]["FilterPolicy"])
    if not projection.events:
        return policy
    return {
        "event_type": [event_type for event_type in projection.events if lets_through(policy, event_type)]
    }


def _is_let_through(entry: str, policy: dict[str, Any]) -> bool:
    """Whether an entry of an outbox is an event that the policy lets through.

    One that is unreadable is not: the relays have moved it to their dead letters.
    """
    try:
        event_type = json.loads(entry)["event_type"]
    except (ValueError, KeyError, TypeError):
        return False
    return lets_through(policy, event_type)


def _batches(bodies: Iterable[str]) -> Iterator[list[str]]:
    """The bodies in as few requests as the limits of SQS allow."""
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
    """Waits until the archive has stored as many events as wait for it; says how many it lacks if that takes too long.

    A new event that waits there is not missing, since the projection's own consumer gets it from the topic as well.
    """
    sqs = stack.client("sqs")
    queue = stack.resource("ArchiveStoreEventsQueue")
    try:
        _let_as_many_leave(sqs, queue, _ARCHIVE_BEHIND_SECONDS)
    except NotInTime:
        say(
            f"{_waiting(sqs, queue):,} events still wait for the archive. It does not catch up, so the rebuild goes on "
            "without them: run it again later, which does no harm."
        )
    if lost := _waiting(sqs, stack.resource("ArchiveStoreEventsDeadLetterQueue")):
        say(
            f"{lost:,} messages wait in the archive's dead letters. Their events will be missing: "
            "see `make dlq`, then `make redrive QUEUE=ArchiveStoreEvents`, and run this again."
        )


def _let_as_many_leave(
    sqs: Any, queue: str, seconds: float, say: Callable[[int], None] = lambda _: None
) -> None:
    """Waits until as many messages have left the queue as it holds now, or it is empty; `say` gets how many it holds.

    A shop that runs sends new events all the time, so the queue may never be empty. Raises NotInTime if the queue gets
    no shorter for so many `seconds`.
    """
    to_do = left = _waiting(sqs, queue)
    while left and to_do > 0:
        say(left)
        before, left = wait_for(_fewer(sqs, queue, left), "a shorter queue", seconds=seconds)
        to_do -= before - left


def _fewer(sqs: Any, queue: str, last: int) -> Callable[[], tuple[int, int] | None]:
    """Asks how many messages the queue holds, until they are fewer than at the question before; answers both."""

    def ask() -> tuple[int, int] | None:
        nonlocal last
        before, last = last, _waiting(sqs, queue)
        return (before, last) if last < before else None

    return ask


def _waiting(sqs: Any, queue: str) -> int:
    """How many messages the queue holds, including the ones that the consumer processes just now."""
    names = [
        "ApproximateNumberOfMessages",
        "ApproximateNumberOfMessagesNotVisible",
        "ApproximateNumberOfMessagesDelayed",
    ]
    attributes = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=names)["Attributes"]
    return sum(int(attributes[name]) for name in names)

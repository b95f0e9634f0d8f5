"""Publishing a table's outbox from its stream: in order, and in as few requests as possible.

If an event cannot be published for now, the batch fails from its record on. The stream delivers that record and the
later ones again, for 24 hours. An event can never be published if its outbox is unreadable, or if SNS refuses it
permanently. Then the relay sends the whole record to the relays' dead-letter queue, and the stream goes on.

All relays publish on one topic, so each publishes the events about its service's aggregate alone. A function that can
write the service's table makes no other service obey a forged `user.deleted`.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from shared.aws import client
from shared.dead_letters import send_to_dlq
from shared.environment import LambdaEnvironment
from shared.errors import PermanentError, TransientError
from shared.events import Event
from shared.observability import count, entry_point, logger
from shared.outbox import StreamRecord, unpublished, with_cause
from shared.publisher import EventPublisher, FailedEntry
from shared.validation import reason_of

# SQS takes messages of 1 MiB, attributes included; an item has 400 KB at most.
_MAX_LETTER_BYTES = 1_000_000


class Environment(LambdaEnvironment):
    """The environment of a relay function."""

    topic_arn: str
    dlq_url: str


class NotPublished(TransientError):
    """SNS did not take an event; the stream delivers its record again."""


class ForeignEvent(PermanentError):
    """The outbox has an event that is not the service's to publish."""


@dataclass(frozen=True)
class Change:
    """A record of the stream, its events, and the reason if it is unreadable."""

    record: StreamRecord
    events: list[Event]
    unreadable: str = ""

    @property
    def sequence_number(self) -> str:
        """The record's place in the stream."""
        return str(self.record["dynamodb"]["SequenceNumber"])


def relay_handler(
    aggregate: str,
    events_of: Callable[[StreamRecord], list[Event]] = unpublished,
) -> Callable[[dict[str, Any], LambdaContext], dict[str, Any]]:
    """The Lambda handler that publishes a table's outbox from its stream: the events `<aggregate>.<what_happened>`.

    A service whose changes imply further events passes `events_of`, a pure function: the same record must always make
    the same events.
    """
    environment = Environment.load()
    publisher = EventPublisher(client("sns"), environment.topic_arn)

    @entry_point
    def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
        changes = [_read(record, aggregate, events_of) for record in event["Records"]]
        failed = publisher.publish([event for change in changes for event in change.events])
        # By identity: the same event may come twice in a batch, and succeed only once.
        outcomes = {id(entry.event): entry for entry in failed}
        for position, change in enumerate(changes):
            if not _settle(change, outcomes, environment.dlq_url):
                if position == 0:
                    raise NotPublished(
                        "; ".join(f"{entry.event.event_id}: {entry.reason}" for entry in failed)
                    )
                return {"batchItemFailures": [{"itemIdentifier": change.sequence_number}]}
        return {"batchItemFailures": []}

    return handler


def _read(record: StreamRecord, aggregate: str, events_of: Callable[[StreamRecord], list[Event]]) -> Change:
    try:
        events = events_of(record)
        for event in events:
            if not event.event_type.startswith(f"{aggregate}."):
                raise ForeignEvent(f"{event.event_type} is no event about the aggregate {aggregate}")
    except Exception as error:  # noqa: BLE001 - the same record always fails in the same way
        return Change(record, [], reason_of(error))
    # A change made by hand has no cause. The record itself is then the earliest known cause.
    return Change(record, [with_cause(event, record.get("eventID")) for event in events])


def _settle(change: Change, outcomes: dict[int, FailedEntry], dead_letters: str) -> bool:
    """Logs the outcome of a change, and sends it to the dead letters if it can never be published.

    Says whether the stream may go on. After the first change that says no, the stream delivers the rest again.
    """
    failed = [outcomes[id(event)] for event in change.events if id(event) in outcomes]
    for_now = [entry for entry in failed if not entry.never]
    for entry in for_now:
        logger.warning("event not published; it is tried again", reason=entry.reason, **_about(entry.event))
    if for_now:
        return False
    for event in change.events:
        if id(event) not in outcomes:
            logger.info(
                "event published",
                event_id=event.event_id,
                correlation_id=event.correlation_id,
                causation_id=event.causation_id,
                occurred_at=event.occurred_at,
            )
    if change.unreadable:
        return _set_aside(change, dead_letters, change.unreadable)
    return all(_set_aside(change, dead_letters, entry.reason, **_about(entry.event)) for entry in failed)


def _set_aside(change: Change, dead_letters: str, reason: str, **about: Any) -> bool:
    """Sends the record to the dead letters; says whether that succeeded."""
    try:
        send_to_dlq(dead_letters, _letter(change.record), reason, **about)
    except Exception:  # noqa: BLE001 - the stream delivers the record again
        logger.exception(
            "record could not be moved to the dead letters; it is tried again", reason=reason, **about
        )
        return False
    logger.error("record can never be published; moved to the dead letters", reason=reason, **about)
    count("DeadLetters")
    return True


def _letter(record: StreamRecord) -> str:
    """The record as the stream delivered it, without its old image if it is too large; `make redrive` returns it."""
    whole = json.dumps(record)
    if len(whole) <= _MAX_LETTER_BYTES:
        return whole
    change = {name: value for name, value in record["dynamodb"].items() if name != "OldImage"}
    return json.dumps({**record, "dynamodb": change})


def _about(event: Event) -> dict[str, Any]:
    return {
        "event_id": event.event_id,
        "event_type": event.event_type,
        "aggregate_id": event.aggregate_id,
        "correlation_id": event.correlation_id,
        "causation_id": event.causation_id or "",
    }

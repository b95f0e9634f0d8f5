"""Consuming domain events, or messages from outside, from a service's own queue.

A consumer declares the types of events it reads, and their versions, with a function for each:

    handler = consumer_handler({"user.registered": record, "user.deleted": {1: forget, 2: forget_by_region}})

`consumer_handler` does the common part: it unpacks the SNS envelope, reads the typed event and reports partial batch
failures. A message that can never succeed goes to the dead letters at once, with the reason. The function itself takes
one event and must be idempotent, because SQS may deliver a message more than once and in any order.
`every_event_handler` reads all types and versions. `message_handler` does the same for messages that are no domain
events.
"""

import json
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from shared.cause import caused_by
from shared.dead_letters import send_to_dlq
from shared.environment import LambdaEnvironment
from shared.errors import PermanentError
from shared.events import Event
from shared.observability import count, entry_point, logger
from shared.record import ValidationError
from shared.validation import is_invalid, reason_of

TRIES_OF_AN_UNKNOWN_VERSION = 4
"""At the last of them a consumer gives up an event of an unknown version; fewer than a queue's `maxReceiveCount`."""

type Message = Mapping[str, Any]
"""A message as SQS delivers it in a batch."""

type Consume = Callable[[Event], None]

type Reads = Mapping[str, Consume | Mapping[int, Consume]]
"""The function for each type of event: one for version 1, or one for each known version."""


class Environment(LambdaEnvironment):
    """What a consumer function reads from its environment."""

    dlq_url: str


class UnreadableMessage(PermanentError):
    """The message's body is no domain event."""


class MislabelledEvent(PermanentError):
    """A publisher labelled the event with another type, so a subscription's filter let through what it should not."""


class UnknownVersion(PermanentError):
    """The consumer does not read that version of the type; its service has to be deployed before the event's."""


class VersionToCome(Exception):
    """The same, while a deployment may still bring the version; the queue delivers the message again."""


def read_event(body: str) -> Event:
    """The event in a queue message's body, delivered raw or inside an SNS envelope; raises UnreadableMessage."""
    try:
        message = json.loads(body)
        if isinstance(message, dict) and message.get("Type") == "Notification":
            message = json.loads(message["Message"])
        return Event.model_validate(message)
    except (ValueError, KeyError, TypeError, RecursionError, ValidationError) as error:
        raise UnreadableMessage(f"not a domain event: {error}") from error


def _require_own_label(event: Event, label: str | None) -> None:
    """Raises MislabelledEvent unless the message has the event's own type as its label, or none.

    A filter compares labels, and the function that publishes writes both. No filter lets a message without a label
    through: such a message was sent to the queue itself.
    """
    if label not in (None, event.event_type):
        raise MislabelledEvent(f"the message is labelled with another type than {event.event_type}")


def _label_of(message: Message) -> str | None:
    """The type that a filter compared, as SNS delivers it: the message attribute `event_type`; None without one."""
    attribute = message.get("messageAttributes", {}).get("event_type")
    return str(attribute.get("stringValue")) if attribute else None


class NothingConsumed(Exception):
    """Every message of the batch failed, so the function fails as well, and Lambda counts that as an error."""


class QueueHandler(ABC):
    """The Lambda handler of a queue's messages; a subclass says what is done with one."""

    def __init__(self) -> None:
        self._dead_letters = Environment.load().dlq_url
        self._handler = entry_point(self._consume_batch)

    def __call__(self, event: dict[str, Any], context: LambdaContext) -> Any:
        """Consumes the SQS batch; the answer names the messages that are to be delivered again."""
        return self._handler(event, context)

    def _consume_batch(self, event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
        failed = [(message, error) for message in event["Records"] if (error := self._failure_of(message))]
        if len(failed) == len(event["Records"]):
            raise NothingConsumed("; ".join(reason_of(error) for _, error in failed))
        return {"batchItemFailures": [{"itemIdentifier": message["messageId"]} for message, _ in failed]}

    def _failure_of(self, message: Message) -> Exception | None:
        try:
            self._process(message)
        except Exception as error:  # noqa: BLE001 - the queue delivers this message again, and not the others
            return error
        return None

    @abstractmethod
    def _process(self, message: Message) -> None:
        """Does the message's work with `_attempt`, under the cause that is logged and published."""

    def _attempt(self, message: Message, work: Callable[[], None]) -> None:
        """Does the message's work, and handles its failure; see `message_handler`."""
        try:
            work()
        except Exception as error:
            if isinstance(error, PermanentError) or is_invalid(error):
                self._send_to_dlq(message, error)
                return
            logger.exception("message failed; the queue delivers it again", message_id=message["messageId"])
            raise

    def _send_to_dlq(self, message: Message, error: Exception) -> None:
        """Moves a message that can never succeed to the dead letters; raises when it could not be stored there."""
        reason = reason_of(error)
        # With its label a mislabelled event is refused again when an operator gives it back.
        about = {"source_message_id": message["messageId"], "event_type": _label_of(message) or ""}
        send_to_dlq(self._dead_letters, message["body"], reason, **about)
        logger.error("message can never succeed; moved to the dead letters", reason=reason)
        count("DeadLetters")


class MessageHandler(QueueHandler):
    """The Lambda handler of a queue's messages, given to `consume` body by body."""

    def __init__(self, consume: Callable[[str], None]) -> None:
        self._consume = consume
        super().__init__()

    def _process(self, message: Message) -> None:
        with caused_by(message["messageId"]):
            self._attempt(message, lambda: self._consume(message["body"]))


class EventHandler(QueueHandler):
    """The Lambda handler of a queue's domain events; a subclass says what is done with one."""

    def _process(self, message: Message) -> None:
        try:
            event = read_event(message["body"])
            _require_own_label(event, _label_of(message))
        except (UnreadableMessage, MislabelledEvent) as error:
            self._send_to_dlq(message, error)
            return
        with caused_by(event.event_id, correlation_id=event.correlation_id):
            self._consume(event, message)

    @abstractmethod
    def _consume(self, event: Event, message: Message) -> None:
        """Does the event's work with `_attempt`."""

    def _call(self, function: Consume, event: Event) -> None:
        started = time.perf_counter()
        function(event)
        logger.info("event consumed", duration_ms=round((time.perf_counter() - started) * 1000))


class EveryEventHandler(EventHandler):
    """The Lambda handler of a consumer of all types and versions."""

    def __init__(self, function: Consume) -> None:
        self._function = function
        super().__init__()

    def _consume(self, event: Event, message: Message) -> None:
        self._attempt(message, lambda: self._call(self._function, event))


class ConsumerHandler(EventHandler):
    """The Lambda handler of a consumer; `reads` lists the event types and versions it reads."""

    def __init__(self, reads: Reads) -> None:
        self._functions = {
            event_type: {1: functions} if callable(functions) else dict(functions)
            for event_type, functions in reads.items()
        }
        super().__init__()

    @property
    def reads(self) -> dict[str, frozenset[int]]:
        """The types of events that it reads, with their versions."""
        return {event_type: frozenset(functions) for event_type, functions in self._functions.items()}

    def _consume(self, event: Event, message: Message) -> None:
        if event.event_type in self._functions:
            self._attempt(message, lambda: self._consume_version(event, message))
        else:
            logger.warning(
                "event is not read here; dropped",
                event_type=event.event_type,
                event_version=event.event_version,
            )
            count("EventsDropped")

    def _consume_version(self, event: Event, message: Message) -> None:
        versions = self._functions[event.event_type]
        if event.event_version not in versions:
            is_last_try = int(message["attributes"]["ApproximateReceiveCount"]) >= TRIES_OF_AN_UNKNOWN_VERSION
            reason = f"version {event.event_version} of {event.event_type} is not known here"
            raise UnknownVersion(reason) if is_last_try else VersionToCome(reason)
        self._call(versions[event.event_version], event)


def consumer_handler(reads: Reads) -> ConsumerHandler:
    """The Lambda handler that feeds the events of an SQS batch, one by one, to the function that reads their type.

    A function may raise the same as with `message_handler`. A message that is no event becomes a dead letter at once,
    too.

    An event of a type that is not in `reads` is dropped, with a log line and the metric `EventsDropped`. SNS delivers
    such events for up to 15 minutes after the consumer stopped reading the type. None come before the consumer reads
    the type, since the template changes a filter after its consumer.

    An event of a version that is not in `reads` fails, and the queue delivers it again: a deployment may bring the
    version. The last of TRIES_OF_AN_UNKNOWN_VERSION deliveries makes the event a dead letter.
    """
    return ConsumerHandler(reads)


def every_event_handler(consume: Consume) -> EveryEventHandler:
    """The Lambda handler that feeds every event of an SQS batch to `consume`, with any type and version.

    `consume` may raise the same as with `message_handler`. A message that is no event becomes a dead letter at once.
    """
    return EveryEventHandler(consume)


def message_handler(consume: Callable[[str], None]) -> MessageHandler:
    """The Lambda handler that feeds the bodies of an SQS batch to `consume`, one by one.

    If `consume` raises PermanentError, or pydantic's ValidationError for unreadable data, no retry can help.
    The handler copies it to the dead-letter queue at DLQ_URL, with the reason, and counts it as done. Any other
    exception fails this message alone. SQS delivers it again until its redrive policy moves it to the same queue.
    """
    return MessageHandler(consume)

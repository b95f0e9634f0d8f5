"""Consuming domain events, or messages of somebody else's, from a service's own queue.

`consumer_handler` takes care of what every consumer needs: the SNS envelope, the typed event, partial batch failures,
and a dead letter with its reason, at once, for a message that can never succeed. The consumer itself is a function of
one event that must be idempotent, since SQS may deliver a message more than once and in any order. `message_handler`
does the same for messages that are no domain events.
"""

import json
from collections.abc import Callable
from typing import Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import ValidationError

from shared.aws import client
from shared.environment import LambdaEnvironment
from shared.errors import PermanentError
from shared.events import Event
from shared.observability import count, logger, metrics, tracer


class Environment(LambdaEnvironment):
    """What a consumer function reads from its environment."""

    dlq_url: str


class UnreadableMessage(PermanentError):
    """The message's body is no domain event."""


def read_event(body: str) -> Event:
    """The event in a queue message's body, delivered raw or inside an SNS envelope; raises UnreadableMessage."""
    try:
        message = json.loads(body)
        if isinstance(message, dict) and message.get("Type") == "Notification":
            message = json.loads(message["Message"])
        return Event.model_validate(message)
    except (ValueError, KeyError, TypeError) as error:
        raise UnreadableMessage(f"not a domain event: {error}") from error


def consumer_handler(consume: Callable[[Event], None]) -> Callable[[dict[str, Any], LambdaContext], Any]:
    """The Lambda handler that feeds the events of an SQS batch to `consume`, one by one.

    What `consume` may raise is as for `message_handler`.
    """

    def consume_message(body: str) -> None:
        event = read_event(body)
        logger.append_keys(
            correlation_id=event.correlation_id, event_id=event.event_id, aggregate_id=event.aggregate_id
        )
        consume(event)
        logger.info("event consumed", event_type=event.event_type)
        count("EventsConsumed")

    return message_handler(consume_message)


def message_handler(consume: Callable[[str], None]) -> Callable[[dict[str, Any], LambdaContext], Any]:
    """The Lambda handler that feeds the bodies of an SQS batch to `consume`, one by one.

    `consume` may raise PermanentError (or pydantic's ValidationError, for data it cannot read): the message is copied
    to the dead-letter queue at DLQ_URL with the reason and counts as done. Any other exception fails this message
    alone, and SQS delivers it again until its redrive policy moves it there.
    """
    dead_letters = Environment.load().dlq_url
    sqs = client("sqs")
    processor = BatchProcessor(event_type=EventType.SQS)

    def process(record: SQSRecord) -> None:
        try:
            consume(record.body)
        except (PermanentError, ValidationError) as error:
            _bury(record, f"{type(error).__name__}: {error}")
        except Exception:
            logger.exception("message failed; the queue delivers it again", message_id=record.message_id)
            raise
        finally:
            logger.remove_keys(["correlation_id", "event_id", "aggregate_id"])

    def _bury(record: SQSRecord, reason: str) -> None:
        """Moves a message that can never succeed to the dead letters; raises when it could not be stored there."""
        sqs.send_message(
            QueueUrl=dead_letters,
            MessageBody=record.body,
            MessageAttributes={
                "reason": {"DataType": "String", "StringValue": reason[:1024]},
                "source_message_id": {"DataType": "String", "StringValue": record.message_id},
            },
        )
        logger.error("message can never succeed; moved to the dead letters", reason=reason)
        count("DeadLetters")

    @metrics.log_metrics
    @tracer.capture_lambda_handler(capture_response=False)
    @logger.inject_lambda_context
    def handler(event: dict[str, Any], context: LambdaContext) -> Any:
        return process_partial_response(
            event=event, record_handler=process, processor=processor, context=context
        )

    return handler

"""The transactional outbox: an item carries the events of its last change, and the table's stream publishes them.

State and events are one atomic write, so there is no moment in which one is stored and the other is not. A service
writes `outbox_of(events)` as the item's `outbox` attribute; its relay function hands the table's stream to `relay`.

The pattern: https://microservices.io/patterns/data/transactional-outbox.html
"""

from collections.abc import Callable
from typing import Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.dynamo_db_stream_event import DynamoDBRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from shared.aws import client
from shared.environment import LambdaEnvironment
from shared.errors import TransientError
from shared.events import Event
from shared.observability import count, logger, metrics, tracer
from shared.publisher import EventPublisher


class Environment(LambdaEnvironment):
    """What a relay function reads from its environment."""

    topic_arn: str


class NotPublished(TransientError):
    """SNS did not take an event; the stream delivers its record again."""


def outbox_of(events: list[Event]) -> list[str]:
    """The value of an item's `outbox` attribute: the events of the change that writes it, as JSON."""
    return [event.model_dump_json() for event in events]


def unpublished(record: DynamoDBRecord) -> list[Event]:
    """The events that a stream record's change added: its new outbox, unless the change left the outbox as it was."""
    change = record.dynamodb
    if change is None or not change.new_image:
        return []
    outbox = change.new_image.get("outbox", [])
    if outbox == (change.old_image or {}).get("outbox", []):
        return []
    return [Event.model_validate_json(entry) for entry in outbox]


def relay_handler(
    events_of: Callable[[DynamoDBRecord], list[Event]] = unpublished,
) -> Callable[[dict[str, Any], LambdaContext], Any]:
    """The Lambda handler that publishes a table's outbox from its stream.

    A service whose changes imply events beyond the outbox gives `events_of`; the same record must make the same events.

    A record whose events did not all go out is reported as the batch's first failure; the stream then delivers it and
    everything behind it again, which keeps the order of an aggregate's events.
    """
    publisher = EventPublisher(client("sns"), Environment.load().topic_arn)
    processor = BatchProcessor(event_type=EventType.DynamoDBStreams)

    def publish(record: DynamoDBRecord) -> None:
        events = events_of(record)
        failed = publisher.publish(events)
        if failed:
            raise NotPublished("; ".join(f"{entry.event.event_id}: {entry.reason}" for entry in failed))
        for event in events:
            logger.info(
                "event published",
                event_id=event.event_id,
                event_type=event.event_type,
                aggregate_id=event.aggregate_id,
                correlation_id=event.correlation_id,
            )
        count("EventsPublished", len(events))

    @metrics.log_metrics
    @tracer.capture_lambda_handler(capture_response=False)
    @logger.inject_lambda_context
    def handler(event: dict[str, Any], context: LambdaContext) -> Any:
        return process_partial_response(
            event=event, record_handler=publish, processor=processor, context=context
        )

    return handler

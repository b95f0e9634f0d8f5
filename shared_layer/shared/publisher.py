"""Publishing domain events to the SNS topic, in batches, with every entry's result checked."""

from dataclasses import dataclass
from typing import Any

from shared.events import Event

# Limits of one SNS PublishBatch request: https://docs.aws.amazon.com/sns/latest/api/API_PublishBatch.html
MAX_ENTRIES = 10
MAX_BYTES = 256 * 1024
# Attribute names, types and values count towards the request's size as well.
_ATTRIBUTE_ALLOWANCE = 512


@dataclass(frozen=True)
class FailedEntry:
    """An event that SNS did not take, and why."""

    event: Event
    reason: str


class EventPublisher:
    """Publishes events to one topic, with `event_type` as the attribute that filter policies match."""

    def __init__(self, sns: Any, topic_arn: str) -> None:
        self._sns = sns
        self._topic_arn = topic_arn

    def publish(self, events: list[Event]) -> list[FailedEntry]:
        """Publishes `events` in order; returns those that did not go out. A failed call fails all of its batch's
        entries by raising botocore's ClientError, so nothing is silently lost."""
        failed: list[FailedEntry] = []
        for batch in _batches(events):
            failed += self._publish_batch(batch)
        return failed

    def _publish_batch(self, batch: list[Event]) -> list[FailedEntry]:
        answer = self._sns.publish_batch(
            TopicArn=self._topic_arn,
            PublishBatchRequestEntries=[
                {
                    "Id": str(position),
                    "Message": event.model_dump_json(),
                    "MessageAttributes": {
                        "event_type": {"DataType": "String", "StringValue": event.event_type},
                        "correlation_id": {"DataType": "String", "StringValue": event.correlation_id},
                    },
                }
                for position, event in enumerate(batch)
            ],
        )
        return [
            FailedEntry(batch[int(entry["Id"])], f"{entry['Code']}: {entry.get('Message', '')}")
            for entry in answer.get("Failed", [])
        ]


def _batches(events: list[Event]) -> list[list[Event]]:
    """`events` cut into runs that fit one request, in order."""
    batches: list[list[Event]] = []
    size = 0
    for event in events:
        event_size = len(event.model_dump_json().encode()) + _ATTRIBUTE_ALLOWANCE
        if not batches or len(batches[-1]) == MAX_ENTRIES or size + event_size > MAX_BYTES:
            batches.append([])
            size = 0
        batches[-1].append(event)
        size += event_size
    return batches

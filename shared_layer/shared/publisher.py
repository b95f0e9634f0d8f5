"""Publishing domain events to the SNS topic, in as few requests as possible, with every entry's result checked.

A topic promises no order between messages, so the publisher keeps the order of each aggregate's events. A request has
at most one event of an aggregate. If an event fails, the publisher holds back the later events of its aggregate.
"""

from collections import deque
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from shared.events import Event

# Limits of one SNS PublishBatch request: https://docs.aws.amazon.com/sns/latest/api/API_PublishBatch.html
MAX_ENTRIES = 10
MAX_BYTES = 256 * 1024
# Attribute names, types and values count towards the request's size as well.
_ATTRIBUTE_ALLOWANCE = 512

# SNS refuses such a message at any later time, too; see the API's errors. A retry or an operator can mend all else
# (throttling, a permission, a key, a missing topic).
_NEVER = frozenset(
    {"InvalidParameter", "InvalidParameterValue", "ParameterValueInvalid", "BatchRequestTooLong"}
)


@dataclass(frozen=True)
class FailedEntry:
    """An event that was not published, and why; if `never`, no later try can succeed."""

    event: Event
    reason: str
    never: bool = False


class EventPublisher:
    """Publishes events to one topic; filter policies match their type and version as message attributes."""

    def __init__(self, sns: Any, topic_arn: str) -> None:
        self._sns = sns
        self._topic_arn = topic_arn

    def publish(self, events: list[Event]) -> list[FailedEntry]:
        """Publishes `events`, each aggregate's in the order given; returns the failed ones.

        An event that can never be published holds back nothing. An event that failed for now holds back the later
        events of its aggregate; a failed request holds back all remaining events. The answer includes them.
        """
        waiting: dict[str, deque[Event]] = {}
        failed: list[FailedEntry] = []
        for event in events:
            if _size(event) > MAX_BYTES:
                failed.append(FailedEntry(event, f"larger than the {MAX_BYTES} bytes that SNS takes", True))
            else:
                waiting.setdefault(event.aggregate_id, deque()).append(event)
        while batch := _next_batch(waiting):
            try:
                refused = self._publish_batch(batch)
            except (ClientError, BotoCoreError) as error:
                left = [event for queue in waiting.values() for event in queue]
                return failed + [FailedEntry(event, str(error)) for event in [*batch, *left]]
            for entry in refused:
                failed.append(entry)
                if not entry.never:
                    overtaken = waiting.pop(entry.event.aggregate_id, ())
                    failed += [FailedEntry(event, f"waits for {entry.event.event_id}") for event in overtaken]
        return failed

    def _publish_batch(self, batch: list[Event]) -> list[FailedEntry]:
        """Publishes one request's events; raises ClientError or BotoCoreError if all of it failed for now."""
        try:
            answer = self._sns.publish_batch(
                TopicArn=self._topic_arn,
                PublishBatchRequestEntries=[
                    _entry(str(position), event) for position, event in enumerate(batch)
                ],
            )
        except (ClientError, ParamValidationError) as error:
            if not self._is_of_the_messages(error):
                raise
            if len(batch) == 1:
                return [FailedEntry(batch[0], str(error), never=True)]
            # One bad entry fails the whole request. Publishing each event alone shows which one.
            return [entry for event in batch for entry in self._publish_batch([event])]
        return [
            FailedEntry(
                batch[int(entry["Id"])],
                f"{entry['Code']}: {entry.get('Message', '')}",
                never=entry["Code"] in _NEVER and bool(entry.get("SenderFault")),
            )
            for entry in answer.get("Failed", [])
        ]

    def _is_of_the_messages(self, error: ClientError | ParamValidationError) -> bool:
        """Whether SNS refused the request because of a message, and not because of the topic."""
        if isinstance(error, ParamValidationError):
            return True
        return error.response["Error"]["Code"] in _NEVER and "TopicArn" not in str(error)


def _entry(identifier: str, event: Event) -> dict[str, Any]:
    return {
        "Id": identifier,
        "Message": event.model_dump_json(),
        "MessageAttributes": {
            "event_type": {"DataType": "String", "StringValue": event.event_type},
            "event_version": {"DataType": "Number", "StringValue": str(event.event_version)},
            "correlation_id": {"DataType": "String", "StringValue": event.correlation_id},
        },
    }


def _size(event: Event) -> int:
    return len(event.model_dump_json().encode()) + _ATTRIBUTE_ALLOWANCE


def _next_batch(waiting: dict[str, deque[Event]]) -> list[Event]:
    """Takes the next request's events out of `waiting`: the first events of the aggregates that have the most.

    That makes the fewest possible requests, unless their size is the limit.
    """
    batch: list[Event] = []
    size = 0
    for aggregate, queue in sorted(waiting.items(), key=lambda entry: -len(entry[1])):
        event_size = _size(queue[0])
        if len(batch) == MAX_ENTRIES:
            break
        if size + event_size > MAX_BYTES:
            continue
        batch.append(queue.popleft())
        size += event_size
        if not queue:
            del waiting[aggregate]
    return batch

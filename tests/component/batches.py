"""Batches of messages as SQS delivers them to a function, and the messages that SQS delivers again."""

from collections.abc import Callable
from typing import Any

from shared.consumer import NothingConsumed
from shared.events import Event
from tests.examples import example


def example_bodies(name: str) -> list[str]:
    """The bodies of the messages in the example event of that file name."""
    return [record["body"] for record in example(name)["Records"]]


def example_events(name: str) -> list[Event]:
    """The domain events in the example event of that file name."""
    return [Event.model_validate_json(body) for body in example_bodies(name)]


def batch(*bodies: Event | str) -> dict[str, Any]:
    """An SQS batch with these bodies; its message ids are m0, m1 ..."""
    return {
        "Records": [
            {
                "messageId": f"m{position}",
                "receiptHandle": "handle",
                "body": body.model_dump_json() if isinstance(body, Event) else body,
                "attributes": {"ApproximateReceiveCount": "1"},
                "messageAttributes": {},
                "eventSource": "aws:sqs",
                "eventSourceARN": "arn:aws:sqs:eu-central-1:123456789012:queue",
                "awsRegion": "eu-central-1",
            }
            for position, body in enumerate(bodies)
        ]
    }


def failures(*message_ids: str) -> dict[str, Any]:
    """The answer of a function that asks for these messages again."""
    return {"batchItemFailures": [{"itemIdentifier": identifier} for identifier in message_ids]}


def deliver(handler: Callable[..., Any], context: Any, *bodies: Event | str) -> Any:
    """The messages of a batch that SQS delivers again: all of them if the function raises."""
    try:
        return handler(batch(*bodies), context)
    except NothingConsumed:
        return failures(*(f"m{position}" for position in range(len(bodies))))

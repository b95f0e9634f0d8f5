"""Setting aside what can never succeed: whole, with the reason, where an operator finds it (`make dlq`)."""

from typing import Any

from shared.aws import client

_MAX_REASON = 1024


def send_to_dlq(queue_url: str, body: str, reason: str, **about: str) -> None:
    """Stores `body` in the dead-letter queue with its reason and what else is said `about` it; raises ClientError."""
    texts = {name: legible(text) for name, text in {"reason": reason, **about}.items()}
    client("sqs").send_message(
        QueueUrl=queue_url,
        MessageBody=body,
        MessageAttributes={
            name: {"DataType": "String", "StringValue": text} for name, text in texts.items() if text
        },
    )


def legible(text: Any) -> str:
    """The start of a text, with characters that SQS refuses replaced; a reason may quote what somebody sent."""
    return "".join(letter if letter.isprintable() else " " for letter in str(text)[:_MAX_REASON])

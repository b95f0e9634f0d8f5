"""Dead letters: messages that can never succeed, kept whole and with the reason for an operator (`make dlq`)."""

from typing import Any

from shared.aws import client

_MAX_REASON = 1024


def send_to_dlq(queue_url: str, body: str, reason: str, **about: str) -> None:
    """Sends `body` to the dead-letter queue, with its reason and the attributes `about` it; raises ClientError."""
    texts = {name: legible(text) for name, text in {"reason": reason, **about}.items()}
    client("sqs").send_message(
        QueueUrl=queue_url,
        MessageBody=body,
        MessageAttributes={
            name: {"DataType": "String", "StringValue": text} for name, text in texts.items() if text
        },
    )


def legible(text: Any) -> str:
    """The start of a text, without the characters that SQS refuses; a reason may quote a client's input."""
    return "".join(letter if letter.isprintable() else " " for letter in str(text)[:_MAX_REASON])

"""Records messages: `publish` to a topic, `receive` and `delete` by Lambda's pollers of a queue.

- `publish`: `caller`, `topic`, and the `bytes` of one message with its attributes.
- `receive`, `delete`: `queue` by its name, and how many `messages`; a receive has their `bytes`.

What a function itself sends to a queue is a `call`. A topic's deliveries to queues are not recorded: they are free.
"""

from typing import Any

# MiniStack is in the embedded cloud's own environment, where the type checker does not look.
from ministack.services import sns, sqs  # type: ignore[import-not-found]

from . import recording


def install() -> None:
    """Hooks into SNS's fan-out and into the pollers' access to queues."""
    fan_out, receive, delete = sns._fanout, sqs._receive_messages_for_esm, sqs._delete_messages_for_esm

    def publish(topic: str, message_id: str, message: str, *more: Any, **options: Any) -> Any:
        if recording.is_on() and recording.caller.get() != recording.TOOLS:
            attributes = options.get("message_attributes") or next(
                (x for x in more if isinstance(x, dict)), {}
            )
            size = sns._message_payload_size(message, attributes)
            recording.record("publish", caller=recording.caller.get(), topic=topic, bytes=size)
        return fan_out(topic, message_id, message, *more, **options)

    def receive_messages(queue: str, limit: int) -> Any:
        received = receive(queue, limit)
        if received and recording.is_on():
            size = sum(len(message["body"].encode()) for message in received)
            recording.record("receive", queue=_name(queue), messages=len(received), bytes=size)
        return received

    def delete_messages(queue: str, receipts: set[str]) -> None:
        if receipts:
            recording.record("delete", queue=_name(queue), messages=len(receipts))
        delete(queue, receipts)

    sns._fanout = publish
    sqs._receive_messages_for_esm = receive_messages
    sqs._delete_messages_for_esm = delete_messages


def _name(url: str) -> str:
    return url.rpartition("/")[2]

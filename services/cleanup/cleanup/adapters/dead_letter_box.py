"""The messages in dead-letter queues: looked at, and sent to their source again.

Looking removes nothing. A redrive sends first and deletes afterwards: if it breaks off in between, a message exists
twice, and none is lost. Consumers recognise the second one.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from cleanup.domain.dead_letters import DeadLetter, DeadLetterQueue, NotRedrivable, UnknownQueue

# A request ends after 29 seconds at the latest. What it left hidden is visible again soon after.
_HIDDEN_SECONDS = 60
_AT_ONCE = 10  # SQS's limit for one request
# `shared.dead_letters` adds these to a message that it moves.
_ADDED_ATTRIBUTES = frozenset({"reason", "source_message_id"})
_COUNTS = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")


def queues_of(text: str, one_url: str) -> list[DeadLetterQueue]:
    """The queues in `text`: `owner=dead-letter queue=source`, with commas between them; a relay has no source.

    `one_url` is the URL of any of the account's queues. URLs of all would not fit into a function's variables.
    """
    base = one_url.rpartition("/")[0]
    queues = (entry.split("=") for entry in text.split(","))
    return [
        DeadLetterQueue(owner, f"{base}/{name}", f"{base}/{source}" if source else None)
        for owner, name, source in queues
    ]


class DeadLetterBox:
    """Access to the dead-letter queues of all services."""

    def __init__(self, sqs: Any, queues: list[DeadLetterQueue]) -> None:
        self._sqs = sqs
        self.queues = queues

    def find(self, owner: str) -> DeadLetterQueue:
        """The queue of that consumer; raises UnknownQueue."""
        for queue in self.queues:
            if queue.owner == owner:
                return queue
        raise UnknownQueue

    def count(self, queue: DeadLetterQueue) -> int:
        """About how many messages it holds, with messages that an operator inspects just now."""
        answer = self._sqs.get_queue_attributes(QueueUrl=queue.url, AttributeNames=list(_COUNTS))
        return sum(int(answer["Attributes"][name]) for name in _COUNTS)

    def inspect(self, queue: DeadLetterQueue, most: int) -> list[DeadLetter]:
        """Up to `most` of its messages; they stay."""
        with self._received(queue, most) as batches:
            return [letter for batch in batches for letter in batch]

    def redrive(self, queue: DeadLetterQueue, before: datetime, most: int) -> int:
        """Sends up to `most` of its messages to their source again, as they were; returns how many.

        It leaves messages that SQS had only after `before`. Raises NotRedrivable.
        """
        if queue.source is None:
            raise NotRedrivable
        sent = 0
        with self._received(queue, most) as batches:
            for batch in batches:
                for letter in [letter for letter in batch if letter.since <= before]:
                    self._send_again(queue.source, letter)
                    self._sqs.delete_message(QueueUrl=queue.url, ReceiptHandle=letter.receipt)
                    batch.remove(letter)
                    sent += 1
        return sent

    @contextmanager
    def _received(self, queue: DeadLetterQueue, most: int) -> Iterator[Iterator[list[DeadLetter]]]:
        """Batches of its messages, hidden from other readers until the end of the block.

        What the block takes out of a batch is not made visible again.
        """
        batches: list[list[DeadLetter]] = []

        def receive() -> Iterator[list[DeadLetter]]:
            left = most
            while left > 0 and (batch := self._receive(queue, min(left, _AT_ONCE))):
                left -= len(batch)
                batches.append(batch)
                yield batch

        try:
            yield receive()
        finally:
            for letter in (letter for batch in batches for letter in batch):
                self._sqs.change_message_visibility(
                    QueueUrl=queue.url, ReceiptHandle=letter.receipt, VisibilityTimeout=0
                )

    def _receive(self, queue: DeadLetterQueue, most: int) -> list[DeadLetter]:
        answer = self._sqs.receive_message(
            QueueUrl=queue.url,
            MaxNumberOfMessages=most,
            VisibilityTimeout=_HIDDEN_SECONDS,
            WaitTimeSeconds=1,  # asks all of a queue's servers, so an empty answer means empty
            MessageAttributeNames=["All"],
            MessageSystemAttributeNames=["SentTimestamp"],
        )
        return [
            DeadLetter(
                receipt=message["ReceiptHandle"],
                body=message["Body"],
                attributes={
                    name: value["StringValue"]
                    for name, value in message.get("MessageAttributes", {}).items()
                    if "StringValue" in value
                },
                since=datetime.fromtimestamp(int(message["Attributes"]["SentTimestamp"]) / 1000, UTC),
            )
            for message in answer.get("Messages", [])
        ]

    def _send_again(self, source: str, letter: DeadLetter) -> None:
        attributes = {
            name: {"DataType": "String", "StringValue": text}
            for name, text in letter.attributes.items()
            if name not in _ADDED_ATTRIBUTES
        }
        self._sqs.send_message(QueueUrl=source, MessageBody=letter.body, MessageAttributes=attributes)

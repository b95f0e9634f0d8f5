"""The dead letters of a stack: which messages wait in each dead-letter queue, why, and their redrive.

It uses the AWS API alone, so it works the same on AWS and in the embedded cloud. Inspecting removes nothing. A redrive
sends first and deletes afterwards: if it breaks off in between, a message exists twice, and none is lost.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from tools.console import StepError
from tools.log_search import search
from tools.stack import Stack

MOST_AT_ONCE = 1000
SUFFIX = "DeadLetterQueue"
# An inspected message is hidden from other readers for so long, if the inspection breaks off.
_HIDDEN_SECONDS = 120
# `shared.dead_letters` adds these to a message that it moves.
_ADDED_ATTRIBUTES = frozenset({"reason", "source_message_id"})


@dataclass(frozen=True)
class DeadLetter:
    """A message in a dead-letter queue."""

    receipt: str
    body: str
    attributes: dict[str, dict[str, Any]]
    since: datetime

    @property
    def is_event(self) -> bool:
        """Whether its attributes or its body name an event; the message of a relay is a stream's record."""
        return bool(self.value("event_id"))

    def value(self, name: str) -> str:
        """The value of `name` in its attributes, or else in the event in its body; empty if neither has it."""
        if name in self.attributes:
            return str(self.attributes[name]["StringValue"])
        return str(self._event.get(name) or "")

    @property
    def _event(self) -> dict[str, Any]:
        try:
            body = json.loads(self.body)
            if isinstance(body, dict) and body.get("Type") == "Notification":
                body = json.loads(body["Message"])
        except (ValueError, KeyError, TypeError):
            return {}
        return body if isinstance(body, dict) else {}


@dataclass(frozen=True)
class Queue:
    """A dead-letter queue of the stack: its owner (a consumer, or `Relay`), and the source of its messages."""

    owner: str
    url: str
    source: str | None
    """The URL of the consumer's own queue. The relays have none: their source is a table's stream."""


class NotRedriven(Exception):
    """A message could not be sent again; it stays in its dead-letter queue."""


class DeadLetters:
    """The dead-letter queues of a stack."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._sqs = stack.client("sqs")

    def queues(self) -> list[Queue]:
        """Every dead-letter queue, by the name of its owner."""
        resources = self._stack.resources
        return [
            Queue(name.removesuffix(SUFFIX), url, resources.get(f"{name.removesuffix(SUFFIX)}Queue"))
            for name, url in sorted(resources.items())
            if name.endswith(SUFFIX)
        ]

    def queue(self, name: str) -> Queue:
        """The dead-letter queue of a consumer, of either of its queues, or of `Relay`; raises StepError."""
        owner = name.removesuffix("Queue").removesuffix("DeadLetter").removesuffix("Function")
        for queue in self.queues():
            urls = (queue.url, queue.source or "")
            if owner == queue.owner or any(name in {url, url.rpartition("/")[2]} for url in urls if url):
                return queue
        known = ", ".join(queue.owner for queue in self.queues())
        raise StepError(f"There is no dead-letter queue of {name}.", f"Name one of {known}.")

    def count(self, queue: Queue) -> int:
        """About how many messages it holds, including the ones that a reader inspects just now."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        answer = self._sqs.get_queue_attributes(QueueUrl=queue.url, AttributeNames=names)
        return sum(int(answer["Attributes"][name]) for name in names)

    @contextmanager
    def inspected(self, queue: Queue, most: int = MOST_AT_ONCE) -> Iterator[list[DeadLetter]]:
        """The messages of a queue, hidden from other readers until the end of the block."""
        letters: list[DeadLetter] = []
        try:
            while len(letters) < most and (batch := self._receive(queue)):
                letters += batch
            yield letters
        finally:
            for letter in letters:
                self._make_visible(queue, letter)

    def redrive_all(
        self, queue: Queue, most: int = MOST_AT_ONCE
    ) -> tuple[int, list[tuple[DeadLetter, Exception]]]:
        """Redrives up to `most` messages, and no more than waited at the beginning, in case one comes straight back.

        Returns how many were sent, and the messages that stay with the error of each. It sends each batch before it
        receives the next, since a message stays hidden for a limited time.
        """
        sent = 0
        stay: list[tuple[DeadLetter, Exception]] = []
        to_do = min(most, self.count(queue))
        while sent + len(stay) < to_do and (letters := self._receive(queue)):
            for letter in letters:
                try:
                    self.redrive(queue, letter)
                except (NotRedriven, ClientError, ValueError) as error:
                    stay.append((letter, error))
                else:
                    sent += 1
        for letter, _ in stay:
            self._make_visible(queue, letter)
        return sent, stay

    def reasons(self, queue: Queue, letters: list[DeadLetter]) -> list[str]:
        """Why each is a dead letter: the consumer's reason, or the error that it logged at the last attempt."""
        unexplained = [letter for letter in letters if not letter.value("reason")]
        errors = (
            self._logged_errors(queue, min(letter.since for letter in unexplained)) if unexplained else {}
        )
        attempts = self._attempts(queue) if unexplained else ""
        unknown = f"see the logs of {queue.owner}Function"
        return [
            letter.value("reason") or f"{attempts}: {errors.get(letter.value('event_id'), unknown)}"
            for letter in letters
        ]

    def _attempts(self, queue: Queue) -> str:
        """How often a queue delivers a message in vain. A dead letter's own count also has each look at it."""
        if not queue.source:
            return "given up"
        answer = self._sqs.get_queue_attributes(QueueUrl=queue.source, AttributeNames=["RedrivePolicy"])
        policy = json.loads(answer.get("Attributes", {}).get("RedrivePolicy", "{}"))
        return f"delivered {policy['maxReceiveCount']} times" if policy else "given up"

    def _logged_errors(self, queue: Queue, since: datetime) -> dict[str, str]:
        """The last error that the queue's function logged about each event, by the event's id."""
        function = self._stack.resources.get(f"{queue.owner}Function")
        if not function:
            return {}
        lines = search(self._stack, [function], "exception_name", since=since)
        return {
            str(line.fields["event_id"]): str(line.fields["exception"]).strip().splitlines()[-1]
            for line in lines
            if "event_id" in line.fields and "exception" in line.fields
        }

    def redrive(self, queue: Queue, letter: DeadLetter) -> None:
        """Sends the message again as it was, and then deletes the dead letter; raises NotRedriven if it stays."""
        if queue.source:
            attributes = {
                name: value for name, value in letter.attributes.items() if name not in _ADDED_ATTRIBUTES
            }
            self._sqs.send_message(
                QueueUrl=queue.source, MessageBody=letter.body, MessageAttributes=attributes
            )
        else:
            self._invoke_relay(letter)
        self._sqs.delete_message(QueueUrl=queue.url, ReceiptHandle=letter.receipt)

    def discard(self, queue: Queue, letter: DeadLetter) -> None:
        """Deletes the message for ever."""
        self._sqs.delete_message(QueueUrl=queue.url, ReceiptHandle=letter.receipt)

    def _invoke_relay(self, letter: DeadLetter) -> None:
        """Hands a relay the stream record that it had moved to the dead letters."""
        record = json.loads(letter.body)
        stream = record.get("eventSourceARN", "")
        functions = self._stack.client("lambda")
        readers = [
            mapping["FunctionArn"]
            for page in functions.get_paginator("list_event_source_mappings").paginate()
            for mapping in page["EventSourceMappings"]
            if mapping.get("EventSourceArn") == stream
        ]
        if len(readers) != 1:
            raise NotRedriven(f"no relay reads {stream or 'the stream that it came from'} any more")
        answer = functions.invoke(FunctionName=readers[0], Payload=json.dumps({"Records": [record]}))
        if "FunctionError" in answer:
            raise NotRedriven(f"the relay failed: {answer['Payload'].read().decode()[:300]}")

    def _receive(self, queue: Queue) -> list[DeadLetter]:
        answer = self._sqs.receive_message(
            QueueUrl=queue.url,
            MaxNumberOfMessages=10,
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
                    name: {
                        key: value[key] for key in ("DataType", "StringValue", "BinaryValue") if key in value
                    }
                    for name, value in message.get("MessageAttributes", {}).items()
                },
                since=datetime.fromtimestamp(int(message["Attributes"]["SentTimestamp"]) / 1000, UTC),
            )
            for message in answer.get("Messages", [])
        ]

    def _make_visible(self, queue: Queue, letter: DeadLetter) -> None:
        try:
            self._sqs.change_message_visibility(
                QueueUrl=queue.url, ReceiptHandle=letter.receipt, VisibilityTimeout=0
            )
        except ClientError as error:
            # It was redriven and deleted meanwhile; SQS has several error codes for that.
            if error.response["ResponseMetadata"]["HTTPStatusCode"] >= 500:
                raise

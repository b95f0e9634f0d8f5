"""Dead letters for operators: what lies in each dead-letter queue and why, and giving it back to where it came from.

Everything goes by the AWS API alone, so it is the same on AWS and in the embedded cloud. Looking takes nothing away;
giving back sends first and deletes afterwards, so what goes wrong in between makes a message twice, and never none.
"""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from tools.console import StepError
from tools.ops.log_search import search
from tools.stack import Stack

RELAY = "Relay"
MOST_AT_ONCE = 1000
_SUFFIX = "DeadLetterQueue"
# What is looked at is hidden from other readers for so long, if the look is cut off before it gives it back.
_HIDDEN_SECONDS = 120
_OURS = frozenset({"reason", "source_message_id"})


@dataclass(frozen=True)
class Letter:
    """A message in a dead-letter queue."""

    receipt: str
    body: str
    attributes: dict[str, dict[str, Any]]
    since: datetime
    receives: int

    def told(self, name: str) -> str:
        """What its attributes, or else the event in its body, say of `name`; empty if neither does."""
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
    """A dead-letter queue of the stack: whose it is, and where its messages came from."""

    owner: str
    url: str
    source: str | None
    """The URL of the consumer's own queue; the relays have none, their source is a table's stream."""


class DeadLetters:
    """The dead letters of a stack."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._sqs = stack.client("sqs")

    def queues(self) -> list[Queue]:
        """Every dead-letter queue, by the name of whose it is."""
        resources = self._stack.resources
        return [
            Queue(name.removesuffix(_SUFFIX), url, resources.get(f"{name.removesuffix(_SUFFIX)}Queue"))
            for name, url in sorted(resources.items())
            if name.endswith(_SUFFIX)
        ]

    def queue(self, name: str) -> Queue:
        """The dead-letter queue that `name` means: a consumer, either of its queues, or `Relay`; raises StepError."""
        owner = name.removesuffix("Queue").removesuffix("DeadLetter").removesuffix("Function")
        for queue in self.queues():
            urls = (queue.url, queue.source or "")
            if owner == queue.owner or any(name in {url, url.rpartition("/")[2]} for url in urls if url):
                return queue
        known = ", ".join(queue.owner for queue in self.queues())
        raise StepError(f"There is no dead-letter queue of {name}.", f"There are those of {known}.")

    def count(self, queue: Queue) -> int:
        """About how many messages lie in it, those included that somebody looks at just now."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        answer = self._sqs.get_queue_attributes(QueueUrl=queue.url, AttributeNames=names)
        return sum(int(answer["Attributes"][name]) for name in names)

    @contextmanager
    def taken(self, queue: Queue, most: int = MOST_AT_ONCE) -> Iterator[list[Letter]]:
        """The letters of a queue, hidden from others until the end of the block; what is left shows again then."""
        letters: list[Letter] = []
        try:
            while len(letters) < most and (batch := self._receive(queue)):
                letters += batch
            yield letters
        finally:
            for letter in letters:
                self._show_again(queue, letter)

    def give_back_all(
        self, queue: Queue, most: int = MOST_AT_ONCE
    ) -> tuple[int, list[tuple[Letter, Exception]]]:
        """Gives back up to `most` letters, no more than lay there at the beginning, so that one that comes straight
        back is not sent round and round. Returns how many went, and those that stayed, with what was in the way.

        Each handful goes before the next is taken: it is hidden for a time, not for as long as all of them need.
        """
        given = 0
        stayed: list[tuple[Letter, Exception]] = []
        to_do = min(most, self.count(queue))
        while given + len(stayed) < to_do and (letters := self._receive(queue)):
            for letter in letters:
                try:
                    self.give_back(queue, letter)
                except (NotGivenBack, ClientError, ValueError) as error:
                    stayed.append((letter, error))
                else:
                    given += 1
        for letter, _ in stayed:
            self._show_again(queue, letter)
        return given, stayed

    def reason(self, queue: Queue, letter: Letter) -> str:
        """Why the letter is one: as its consumer said, or what it logged when it failed for the last time."""
        if told := letter.told("reason"):
            return told
        tries = f"delivered {letter.receives} times"
        function = self._stack.resources.get(f"{queue.owner}Function")
        event_id = letter.told("event_id")
        if not function or not event_id:
            return f"{tries}: see the logs of {queue.owner}Function"
        failures = [
            line
            for line in search(self._stack, [function], event_id, since=letter.since)
            if "exception_name" in line.fields
        ]
        if not failures:
            return f"{tries}: see the logs of {queue.owner}Function"
        last = failures[-1].fields
        message = str(last["exception"]).strip().splitlines()[-1]
        return f"{tries}: {message}"

    def give_back(self, queue: Queue, letter: Letter) -> None:
        """Sends the message again as it was, and then deletes the letter; raises NotGivenBack when it stays."""
        if queue.source:
            attributes = {name: value for name, value in letter.attributes.items() if name not in _OURS}
            self._sqs.send_message(
                QueueUrl=queue.source, MessageBody=letter.body, MessageAttributes=attributes
            )
        else:
            self._relay_again(letter)
        self._sqs.delete_message(QueueUrl=queue.url, ReceiptHandle=letter.receipt)

    def _relay_again(self, letter: Letter) -> None:
        """Hands a relay the record of its stream that it had set aside."""
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
            raise NotGivenBack(f"no relay reads {stream or 'the stream that it came from'} any more")
        answer = functions.invoke(FunctionName=readers[0], Payload=json.dumps({"Records": [record]}))
        if "FunctionError" in answer:
            raise NotGivenBack(f"the relay failed: {answer['Payload'].read().decode()[:300]}")

    def _receive(self, queue: Queue) -> list[Letter]:
        answer = self._sqs.receive_message(
            QueueUrl=queue.url,
            MaxNumberOfMessages=10,
            VisibilityTimeout=_HIDDEN_SECONDS,
            WaitTimeSeconds=1,  # asks all of a queue's servers, so an empty answer means empty
            MessageAttributeNames=["All"],
            MessageSystemAttributeNames=["SentTimestamp", "ApproximateReceiveCount"],
        )
        return [
            Letter(
                receipt=message["ReceiptHandle"],
                body=message["Body"],
                attributes={
                    name: {
                        key: value[key] for key in ("DataType", "StringValue", "BinaryValue") if key in value
                    }
                    for name, value in message.get("MessageAttributes", {}).items()
                },
                since=datetime.fromtimestamp(int(message["Attributes"]["SentTimestamp"]) / 1000, UTC),
                receives=int(message["Attributes"]["ApproximateReceiveCount"]),
            )
            for message in answer.get("Messages", [])
        ]

    def _show_again(self, queue: Queue, letter: Letter) -> None:
        try:
            self._sqs.change_message_visibility(
                QueueUrl=queue.url, ReceiptHandle=letter.receipt, VisibilityTimeout=0
            )
        except ClientError as error:
            # Given back and deleted meanwhile; SQS has several words for it.
            if error.response["ResponseMetadata"]["HTTPStatusCode"] >= 500:
                raise


class NotGivenBack(Exception):
    """A letter could not be sent again; it stays where it is."""


def show(stack: Stack) -> None:
    """Prints each dead-letter queue with its messages: what each is about, since when it waits, and why."""
    letters = DeadLetters(stack)
    queues = letters.queues()
    with ExitStack() as block:
        # An empty queue takes a second to say so, so all are asked at once.
        with ThreadPoolExecutor(len(queues)) as pool:
            taken = list(pool.map(lambda queue: block.enter_context(letters.taken(queue)), queues))
        for queue, found in zip(queues, taken, strict=True):
            rest = max(letters.count(queue) - len(found), 0)
            print(f"{queue.owner}: {len(found)}{f' and {rest} more' if rest else ''}")
            for letter in found:
                print(_line(letter))
                print(f"      {letters.reason(queue, letter)}")
    print(
        "\n`make redrive QUEUE=<one of these names>` gives a queue's messages back, once the cause is mended."
    )


def redrive(stack: Stack, name: str, *, most: int = MOST_AT_ONCE) -> None:
    """Gives a queue's letters back to where they came from; raises StepError when some stayed."""
    letters = DeadLetters(stack)
    queue = letters.queue(name)
    where = f"{queue.owner}Queue" if queue.source else "the relays, which publish them"
    given, stayed = letters.give_back_all(queue, most)
    kept = [f"{_line(letter)}\n      {error}" for letter, error in stayed]
    rest = max(letters.count(queue) - len(kept), 0)
    print(
        f"{given} of {given + len(kept)} messages given back to {where}{f'; {rest} more wait' if rest else ''}."
    )
    if kept:
        raise StepError(
            "\n".join([f"{len(kept)} stayed in {queue.owner}{_SUFFIX}:", *kept]),
            "Mend that, and run it again.",
        )
    if given:
        print("What can still not be processed comes back here: `make dlq` shows it.")


def _line(letter: Letter) -> str:
    event = letter.told("event_id") or "(no event)"
    kind = letter.told("event_type") or "(no type)"
    return (
        f"  {letter.since:%Y-%m-%d %H:%M:%S}Z  {kind}  {event}\n"
        f"      aggregate {letter.told('aggregate_id') or '-'}, correlation {letter.told('correlation_id') or '-'}, "
        f"received {letter.receives} times"
    )

"""Operators inspect dead letters and redrive them, by the AWS API alone, and lose none."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

import boto3
import pytest

from shared.dead_letters import send_to_dlq
from tools.console import StepError
from tools.ops import dlq
from tools.ops.dead_letters import DeadLetters
from tools.stack import Stack

EVENT = {
    "event_id": "o-1:1:order.placed",
    "event_type": "order.placed",
    "aggregate_id": "o-1",
    "correlation_id": "c-1",
}


@dataclass
class FakeStack:
    """A stack of a few resources in moto."""

    resources: dict[str, str] = field(default_factory=dict)

    def client(self, service: str) -> Any:
        make: Any = boto3.client
        return make(service)


@pytest.fixture
def stack(aws: None) -> FakeStack:
    sqs = boto3.client("sqs")
    names = ("OrdersEraseQueue", "OrdersEraseDeadLetterQueue", "RelayDeadLetterQueue")
    return FakeStack({name: sqs.create_queue(QueueName=name)["QueueUrl"] for name in names})


type Waiting = Callable[[str], list[dict[str, Any]]]


@pytest.fixture
def waiting(stack: FakeStack) -> Waiting:
    """Reads what is visible in a queue, and leaves it."""
    sqs: Any = boto3.client("sqs")
    return lambda name: sqs.receive_message(
        QueueUrl=stack.resources[name],
        MaxNumberOfMessages=10,
        VisibilityTimeout=0,
        MessageAttributeNames=["All"],
    ).get("Messages", [])


def send(stack: FakeStack, body: Any, **attributes: str) -> None:
    boto3.client("sqs").send_message(
        QueueUrl=stack.resources["OrdersEraseDeadLetterQueue"],
        MessageBody=json.dumps(body),
        MessageAttributes={
            name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()
        },
    )


def show(stack: FakeStack) -> None:
    dlq.show(cast(Stack, stack))


def redrive(stack: FakeStack, name: str, **options: int) -> None:
    dlq.redrive(cast(Stack, stack), name, **options)


def test_the_list_groups_messages_that_failed_alike(
    stack: FakeStack, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(5):
        order_id = f"ord_{number:032x}"
        send(stack, {**EVENT, "event_id": f"e-{number}"}, reason=f"NotFound: there is no order {order_id}")
    send(stack, {**EVENT, "event_id": "e-6"}, reason="UnknownVersion: version 3")

    show(stack)

    printed = capsys.readouterr().out
    assert printed.startswith("OrdersErase: 6\n  5 order.placed, since ")
    assert "Z: NotFound: there is no order …\n      e-0\n      e-1\n      e-2\n      and 2 more\n" in printed
    assert "  1 order.placed, since " in printed
    assert "Z: UnknownVersion: version 3\n      e-6\n1 of 2 dead-letter queues are empty.\n" in printed


def test_the_list_of_one_queue_shows_each_message(
    stack: FakeStack, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(5):
        send(stack, {**EVENT, "event_id": f"e-{number}"}, reason="UnknownVersion: version 3")
    send(stack, ["no", "event"], reason="UnreadableMessage: not a domain event")

    dlq.show_queue(cast(Stack, stack), "OrdersErase")

    printed = capsys.readouterr().out
    assert printed.startswith("OrdersErase: 6\n")
    assert [f"e-{number}" in printed for number in range(5)] == [True] * 5
    assert printed.count("aggregate o-1, correlation c-1\n      UnknownVersion: version 3\n") == 5
    assert 'UnreadableMessage: not a domain event\n      ["no", "event"]\n' in printed


def test_empty_queues_take_one_line(stack: FakeStack, capsys: pytest.CaptureFixture[str]) -> None:
    show(stack)
    assert capsys.readouterr().out == "2 of 2 dead-letter queues are empty.\n"


def test_inspecting_removes_nothing(stack: FakeStack, waiting: Waiting) -> None:
    for number in range(12):
        send(stack, {**EVENT, "event_id": f"o-{number}"})
    show(stack)
    assert len(waiting("OrdersEraseDeadLetterQueue")) == 10
    with DeadLetters(cast(Stack, stack)).inspected(
        DeadLetters(cast(Stack, stack)).queue("OrdersErase")
    ) as letters:
        assert len({letter.value("event_id") for letter in letters}) == 12


def test_a_message_that_is_no_event_is_shown_with_the_start_of_its_body(
    stack: FakeStack, capsys: pytest.CaptureFixture[str]
) -> None:
    send(stack, ["no", "event", "x" * 400], reason="UnreadableMessage: not a domain event")
    show(stack)
    printed = capsys.readouterr().out
    assert 'Z: UnreadableMessage: not a domain event\n      ["no", "event", "xxx' in printed
    assert "x…\n" in printed


def test_a_dead_letter_without_a_reason_shows_its_attempts_and_the_last_error_in_the_log(
    stack: FakeStack, capsys: pytest.CaptureFixture[str]
) -> None:
    stack.resources |= {"OrdersEraseFunction": "erase", "OrdersLogGroup": "orders-logs"}
    logs = boto3.client("logs")
    stream = "2026/03/02/erase[$LATEST]0a1b"
    logs.create_log_group(logGroupName="orders-logs")
    logs.create_log_stream(logGroupName="orders-logs", logStreamName=stream)
    send(stack, EVENT)
    [letter] = boto3.client("sqs").receive_message(
        QueueUrl=stack.resources["OrdersEraseDeadLetterQueue"],
        VisibilityTimeout=0,
        MessageSystemAttributeNames=["SentTimestamp"],
    )["Messages"]
    sent = int(letter["Attributes"]["SentTimestamp"])
    lines = [
        {
            "message": "event failed",
            "event_id": EVENT["event_id"],
            "exception_name": name,
            "exception": f"...\n{name}: x",
        }
        for name in ("Timeout", "WriteConflict")
    ]
    logs.put_log_events(
        logGroupName="orders-logs",
        logStreamName=stream,
        logEvents=[
            {"timestamp": sent + number, "message": json.dumps(line)} for number, line in enumerate(lines)
        ],
    )
    sqs = boto3.client("sqs")
    answer = sqs.get_queue_attributes(
        QueueUrl=stack.resources["OrdersEraseDeadLetterQueue"], AttributeNames=["QueueArn"]
    )
    policy = {"maxReceiveCount": 5, "deadLetterTargetArn": answer["Attributes"]["QueueArn"]}
    sqs.set_queue_attributes(
        QueueUrl=stack.resources["OrdersEraseQueue"], Attributes={"RedrivePolicy": json.dumps(policy)}
    )
    for _ in range(2):
        show(stack)
        assert "delivered 5 times: WriteConflict: x" in capsys.readouterr().out, (
            "no look counts as a delivery"
        )


@pytest.mark.parametrize(
    "name", ["OrdersErase", "OrdersEraseQueue", "OrdersEraseDeadLetterQueue", "OrdersEraseFunction"]
)
def test_a_redriven_message_is_in_its_source_queue_as_it_was(
    stack: FakeStack, waiting: Waiting, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    send(stack, EVENT, reason="it was wrong", source_message_id="m-1", event_type="order.placed")
    redrive(stack, name)
    [message] = waiting("OrdersEraseQueue")
    assert json.loads(message["Body"]) == EVENT
    assert set(message["MessageAttributes"]) == {"event_type"}
    assert waiting("OrdersEraseDeadLetterQueue") == []
    assert "1 of 1 messages sent to OrdersEraseQueue." in capsys.readouterr().out


def test_a_redrive_sends_no_more_than_asked_for(
    stack: FakeStack, waiting: Waiting, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(15):
        send(stack, {**EVENT, "event_id": str(number)})
    redrive(stack, "OrdersErase", most=10)
    assert "10 of 10 messages sent to OrdersEraseQueue; 5 more wait." in capsys.readouterr().out
    assert len(waiting("OrdersEraseDeadLetterQueue")) == 5


def test_a_message_that_cannot_be_sent_is_not_deleted(stack: FakeStack, waiting: Waiting) -> None:
    send(stack, EVENT)
    boto3.client("sqs").delete_queue(QueueUrl=stack.resources["OrdersEraseQueue"])
    with pytest.raises(StepError, match="1 stay in OrdersEraseDeadLetterQueue"):
        redrive(stack, "OrdersErase")
    assert len(waiting("OrdersEraseDeadLetterQueue")) == 1


def test_an_unknown_queue_is_refused_with_a_list_of_the_queues(stack: FakeStack) -> None:
    with pytest.raises(StepError, match="There is no dead-letter queue of Orders") as raised:
        redrive(stack, "Orders")
    assert "OrdersErase, Relay" in raised.value.advice


def test_a_relays_dead_letter_stays_if_no_function_reads_its_stream(
    stack: FakeStack, waiting: Waiting
) -> None:
    send_to_dlq(
        stack.resources["RelayDeadLetterQueue"], json.dumps({"eventSourceARN": "arn:gone"}), "refused"
    )
    with pytest.raises(StepError, match="no relay reads arn:gone any more"):
        redrive(stack, "Relay")
    assert len(waiting("RelayDeadLetterQueue")) == 1

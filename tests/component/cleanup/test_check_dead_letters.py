"""The check for dead letters fails while a message waits in any queue, and names the queues."""

from importlib import import_module, reload
from typing import Any

import boto3
import pytest

import cleanup.dependencies
from cleanup.domain.runs import DeadLettersWait


@pytest.fixture
def queues(aws: None, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Two dead-letter queues, by name."""
    sqs = boto3.client("sqs")
    made = {name: sqs.create_queue(QueueName=name)["QueueUrl"] for name in ("Erase", "Relay")}
    monkeypatch.setenv("DEAD_LETTER_QUEUES", ",".join(made.values()))
    cleanup.dependencies.dead_letter_queues.cache_clear()
    return made


def check(context: Any) -> None:
    reload(import_module("cleanup.functions.check_dead_letters")).handler({}, context)


def test_it_succeeds_while_no_dead_letter_waits(queues: dict[str, str], lambda_context: Any) -> None:
    check(lambda_context)


def test_it_fails_while_one_waits_and_says_where(queues: dict[str, str], lambda_context: Any) -> None:
    for body in ("1", "2"):
        boto3.client("sqs").send_message(QueueUrl=queues["Relay"], MessageBody=body)
    with pytest.raises(DeadLettersWait, match=r"^Relay: 2$"):
        check(lambda_context)


def test_a_message_that_an_operator_inspects_still_waits(queues: dict[str, str], lambda_context: Any) -> None:
    sqs = boto3.client("sqs")
    sqs.send_message(QueueUrl=queues["Erase"], MessageBody="1")
    sqs.receive_message(QueueUrl=queues["Erase"], VisibilityTimeout=60)
    with pytest.raises(DeadLettersWait, match=r"^Erase: 1$"):
        check(lambda_context)


def test_a_queue_that_cannot_be_read_hides_no_other(queues: dict[str, str], lambda_context: Any) -> None:
    sqs = boto3.client("sqs")
    sqs.send_message(QueueUrl=queues["Relay"], MessageBody="1")
    sqs.delete_queue(QueueUrl=queues["Erase"])
    with pytest.raises(DeadLettersWait, match=r"^Erase: cannot be read, \S*NonExistentQueue, Relay: 1$"):
        check(lambda_context)

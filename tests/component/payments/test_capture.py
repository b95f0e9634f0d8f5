"""The consumer that takes the money of orders that stand, on a real table, with a provider in memory."""

import json
from importlib import import_module, reload
from pathlib import Path
from typing import Any

import boto3
import pytest
from aws_lambda_powertools.utilities.batch.exceptions import BatchProcessingError

from payments.adapters.payment_store import PaymentContended, PaymentStore
from payments.domain.payment import CardDeclined, PaymentRefused, ProviderUnavailable
from payments.domain.payment_service import Cashier
from shared.aws import client
from tests.component.payments.provider_server import payments_tables
from tests.component.payments.test_cashier import NOW, ORDER, FakeProvider, fails_with, outbox

EXAMPLE = Path(__file__).parents[3] / "events" / "payments_capture.json"


class Counter:
    """The consumer with its cashier, and an order whose money is held."""

    def __init__(self, context: Any, dead_letters: str) -> None:
        self._context = context
        self._dead_letters = dead_letters
        self.provider = FakeProvider()
        self.payments = PaymentStore(client("dynamodb"), "payments")
        self.cashier = Cashier(self.payments, self.provider, lambda: NOW)  # type: ignore[arg-type]
        self.cashier.authorize(ORDER)
        self.consumer: Any = reload(import_module("payments.functions.capture"))

    def hears(self, event_type: str = "order.confirmed", event_id: str = "e-1", **data: Any) -> int:
        """Delivers the event about the order; how many messages failed."""
        [record] = json.loads(EXAMPLE.read_text())["Records"]
        event = json.loads(record["body"])
        event |= {"event_type": event_type, "event_id": event_id}
        event["data"] |= {"order_id": ORDER.order_id, **data}
        batch = {"Records": [record | {"body": json.dumps(event)}]}
        return len(self.consumer.handler(batch, self._context)["batchItemFailures"])

    @property
    def status(self) -> str:
        payment = self.payments.find(ORDER.order_id)
        assert payment
        return payment.status.value

    @property
    def buried(self) -> list[str]:
        """The reasons of the dead letters."""
        answer = boto3.client("sqs").receive_message(
            QueueUrl=self._dead_letters, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
        )
        return [
            message["MessageAttributes"]["reason"]["StringValue"] for message in answer.get("Messages", [])
        ]


@pytest.fixture
def counter(aws: None, lambda_context: Any, monkeypatch: pytest.MonkeyPatch) -> Counter:
    payments_tables()
    dead_letters = boto3.client("sqs").create_queue(QueueName="dead-letters")["QueueUrl"]
    monkeypatch.setenv("DLQ_URL", dead_letters)
    made = Counter(lambda_context, dead_letters)
    monkeypatch.setattr(made.consumer, "cashier", lambda: made.cashier)
    return made


def test_the_money_is_taken_once_however_often_the_order_is_told(counter: Counter) -> None:
    assert [counter.hears() for _ in range(3)] == [0, 0, 0]

    assert counter.status == "captured"
    assert counter.provider.calls.count("order-1:capture") == 1
    assert [event["event_type"] for event in outbox()] == ["payment.captured"]


def test_a_provider_that_is_silent_is_asked_again_by_the_queue(counter: Counter) -> None:
    counter.provider.before["capture"] = fails_with(ProviderUnavailable("down"))
    with pytest.raises(BatchProcessingError):
        counter.hears()
    assert counter.buried == []

    assert counter.hears() == 0
    assert counter.status == "captured"


def test_money_that_cannot_be_taken_is_told_once_and_is_no_dead_letter(counter: Counter) -> None:
    counter.provider.intents["pi_1"] = "canceled"

    assert [counter.hears() for _ in range(3)] == [0, 0, 0]

    assert (counter.status, counter.buried) == ("capture_failed", [])
    assert [event["event_type"] for event in outbox()] == ["payment.capture_failed"]
    assert counter.provider.calls.count("order-1:capture") == 1


def test_a_capture_that_is_asked_for_again_is_tried_once_more_however_often_that_is_told(
    counter: Counter,
) -> None:
    counter.provider.before["capture"] = fails_with(CardDeclined("generic_decline"))
    counter.hears()
    failure = outbox()[0]["aggregate_version"]
    counter.provider.before["capture"] = fails_with(CardDeclined("generic_decline"))

    assert [counter.hears(payment_version=failure) for _ in range(3)] == [0, 0, 0]
    assert counter.status == "capture_failed"

    assert counter.hears(payment_version=outbox()[0]["aggregate_version"]) == 0
    assert counter.status == "captured"


def test_a_payment_that_was_voided_before_is_nothing_to_do(counter: Counter) -> None:
    counter.cashier.void(ORDER)

    assert counter.hears() == 0

    assert (counter.status, counter.buried) == ("voided", [])
    assert counter.provider.intents == {"pi_1": "canceled"}


def test_a_refusal_that_somebody_must_mend_is_a_dead_letter_that_a_redrive_completes(
    counter: Counter,
) -> None:
    counter.provider.before["capture"] = fails_with(PaymentRefused("HTTP 401 wrong key"))

    assert counter.hears() == 0
    assert counter.buried == ["PaymentRefused: HTTP 401 wrong key"]
    assert counter.status == "capturing"

    counter.hears()
    assert counter.status == "captured"


class TestTheFulfilmentIsRequested:
    """The order was not fulfilled in time: the capture was missed, or nobody heard what came of it."""

    @staticmethod
    def request(counter: Counter, number: int = 1, **data: Any) -> None:
        event_id = f"order-1:{number}:order.fulfilment_requested"
        assert counter.hears("order.fulfilment_requested", event_id, **data) == 0

    @staticmethod
    def told_again(counter: Counter, number: int = 1) -> bool:
        """Whether the request had the payment's last event told again, as it was, and changed nothing else."""
        [before], payment = outbox(), counter.payments.find(ORDER.order_id)
        TestTheFulfilmentIsRequested.request(counter, number)
        [after] = outbox()
        assert after | {"causation_id": ""} == before | {"causation_id": ""}
        assert counter.payments.find(ORDER.order_id) == payment
        return bool(after["causation_id"] != before["causation_id"])

    def test_money_that_was_not_taken_is_taken(self, counter: Counter) -> None:
        self.request(counter)
        assert (counter.status, counter.provider.calls.count("order-1:capture")) == ("captured", 1)

    def test_money_that_was_taken_is_told_of_again_at_each_request_and_not_taken_again(
        self, counter: Counter
    ) -> None:
        counter.hears()

        assert self.told_again(counter)
        assert not self.told_again(counter), "the same request twice"
        assert self.told_again(counter, number=2)

        assert counter.provider.calls.count("order-1:capture") == 1
        assert outbox()[0]["event_type"] == "payment.captured"

    def test_a_failure_that_was_not_heard_of_is_told_again_and_not_tried_again(
        self, counter: Counter
    ) -> None:
        counter.provider.intents["pi_1"] = "canceled"
        counter.hears()

        assert self.told_again(counter)

        assert outbox()[0]["event_type"] == "payment.capture_failed"
        assert counter.provider.calls.count("order-1:capture") == 1

    def test_a_failure_that_is_to_be_overcome_is_tried_again(self, counter: Counter) -> None:
        counter.provider.before["capture"] = fails_with(CardDeclined("generic_decline"))
        counter.hears()

        self.request(counter, payment_version=outbox()[0]["aggregate_version"])

        assert counter.status == "captured"

    def test_a_payment_that_was_given_up_says_nothing(self, counter: Counter) -> None:
        counter.cashier.void(ORDER)
        told = outbox()

        self.request(counter)

        assert (outbox(), counter.buried) == (told, [])

    def test_a_refund_that_comes_first_is_not_written_over(self, counter: Counter) -> None:
        counter.hears()
        captured = counter.payments.find(ORDER.order_id)
        assert captured
        counter.cashier.void(ORDER)

        with pytest.raises(PaymentContended):
            counter.payments.tell_again(captured, captured.outcome_of_capture())

        assert counter.status == "refunded"

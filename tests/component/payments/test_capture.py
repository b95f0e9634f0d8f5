"""The consumer that takes the money of orders that stand, on a real table, with a provider in memory."""

import json
from importlib import import_module, reload
from pathlib import Path
from typing import Any

import boto3
import pytest

from payments.adapters.payment_store import PaymentStore
from payments.domain.payment import CardDeclined, PaymentRefused, ProviderUnavailable
from payments.domain.payment_service import PaymentService
from shared.consumer import NothingConsumed
from shared.versioned_table import WriteConflict
from tests.component.payments.fakes import ORDER, FakeProvider, fails_with, outbox
from tests.component.saga_orders import token_of

EXAMPLE = Path(__file__).parents[3] / "events" / "payments_capture.json"


class Consumer:
    """The consumer with its payment service, and an order whose money is held."""

    def __init__(
        self,
        payment_service: PaymentService,
        payments: PaymentStore,
        provider: FakeProvider,
        context: Any,
        dead_letters: str,
    ) -> None:
        self._context = context
        self._dead_letters = dead_letters
        self.provider = provider
        self.payments = payments
        self.payment_service = payment_service
        self.payment_service.authorize(ORDER, token_of)
        self.module: Any = reload(import_module("payments.functions.capture"))

    def receives(self, event_type: str = "order.confirmed", event_id: str = "e-1", **data: Any) -> int:
        """Delivers the event about the order; returns the number of messages that failed."""
        [record] = json.loads(EXAMPLE.read_text())["Records"]
        event = json.loads(record["body"])
        event |= {"event_type": event_type, "event_id": event_id}
        event["data"] |= {"order_id": ORDER.order_id, **data}
        batch = {"Records": [record | {"body": json.dumps(event)}]}
        return len(self.module.handler(batch, self._context)["batchItemFailures"])

    @property
    def status(self) -> str:
        payment = self.payments.find(ORDER.order_id)
        assert payment
        return payment.status.value

    @property
    def dead_letters(self) -> list[str]:
        """The reasons of the dead letters."""
        answer = boto3.client("sqs").receive_message(
            QueueUrl=self._dead_letters, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
        )
        return [
            message["MessageAttributes"]["reason"]["StringValue"] for message in answer.get("Messages", [])
        ]


@pytest.fixture
def consumer(
    payment_service: PaymentService,
    store: PaymentStore,
    provider: FakeProvider,
    lambda_context: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> Consumer:
    dead_letters = boto3.client("sqs").create_queue(QueueName="dead-letters")["QueueUrl"]
    monkeypatch.setenv("DLQ_URL", dead_letters)
    made = Consumer(payment_service, store, provider, lambda_context, dead_letters)
    monkeypatch.setattr(made.module, "payment_service", lambda: payment_service)
    return made


def test_the_money_is_taken_once_however_often_the_event_comes(consumer: Consumer) -> None:
    assert [consumer.receives() for _ in range(3)] == [0, 0, 0]

    assert consumer.status == "captured"
    assert consumer.provider.calls.count("order-1:capture") == 1
    assert [event["event_type"] for event in outbox()] == ["payment.captured"]


def test_the_queue_retries_while_the_provider_does_not_answer(consumer: Consumer) -> None:
    consumer.provider.before["capture"] = fails_with(ProviderUnavailable("down"))
    with pytest.raises(NothingConsumed):
        consumer.receives()
    assert consumer.dead_letters == []

    assert consumer.receives() == 0
    assert consumer.status == "captured"


def test_money_that_cannot_be_taken_is_published_once_and_is_no_dead_letter(consumer: Consumer) -> None:
    consumer.provider.intents["pi_1"] = "canceled"

    assert [consumer.receives() for _ in range(3)] == [0, 0, 0]

    assert (consumer.status, consumer.dead_letters) == ("capture_failed", [])
    assert [event["event_type"] for event in outbox()] == ["payment.capture_failed"]
    assert consumer.provider.calls.count("order-1:capture") == 1


def test_a_requested_second_capture_is_tried_once_however_often_the_request_comes(
    consumer: Consumer,
) -> None:
    consumer.provider.before["capture"] = fails_with(CardDeclined("generic_decline"))
    consumer.receives()
    failure = outbox()[0]["aggregate_version"]
    consumer.provider.before["capture"] = fails_with(CardDeclined("generic_decline"))

    assert [consumer.receives(payment_version=failure) for _ in range(3)] == [0, 0, 0]
    assert consumer.status == "capture_failed"

    assert consumer.receives(payment_version=outbox()[0]["aggregate_version"]) == 0
    assert consumer.status == "captured"


def test_a_voided_payment_is_not_captured(consumer: Consumer) -> None:
    consumer.payment_service.void(ORDER)

    assert consumer.receives() == 0

    assert (consumer.status, consumer.dead_letters) == ("voided", [])
    assert consumer.provider.intents == {"pi_1": "canceled"}


def test_a_refusal_that_an_operator_must_mend_is_a_dead_letter_that_a_redrive_completes(
    consumer: Consumer,
) -> None:
    consumer.provider.before["capture"] = fails_with(PaymentRefused("HTTP 401 wrong key"))

    assert consumer.receives() == 0
    assert consumer.dead_letters == ["PaymentRefused: HTTP 401 wrong key"]
    assert consumer.status == "capturing"

    consumer.receives()
    assert consumer.status == "captured"


class TestTheFulfilmentIsRequested:
    """The order was not fulfilled in time: it missed the capture, or the capture's event."""

    @staticmethod
    def request(consumer: Consumer, number: int = 1, **data: Any) -> None:
        event_id = f"order-1:{number}:order.fulfilment_requested"
        assert consumer.receives("order.fulfilment_requested", event_id, **data) == 0

    @staticmethod
    def republished(consumer: Consumer, number: int = 1) -> bool:
        """Whether the request published the payment's last event once more, unchanged, and changed nothing else."""
        [before], payment = outbox(), consumer.payments.find(ORDER.order_id)
        TestTheFulfilmentIsRequested.request(consumer, number)
        [after] = outbox()
        assert after | {"causation_id": ""} == before | {"causation_id": ""}
        assert consumer.payments.find(ORDER.order_id) == payment
        return bool(after["causation_id"] != before["causation_id"])

    def test_money_that_was_not_taken_is_taken(self, consumer: Consumer) -> None:
        self.request(consumer)
        assert (consumer.status, consumer.provider.calls.count("order-1:capture")) == ("captured", 1)

    def test_a_capture_is_published_again_at_each_request_and_not_made_again(
        self, consumer: Consumer
    ) -> None:
        consumer.receives()

        assert self.republished(consumer)
        assert not self.republished(consumer), "the same request twice"
        assert self.republished(consumer, number=2)

        assert consumer.provider.calls.count("order-1:capture") == 1
        assert outbox()[0]["event_type"] == "payment.captured"

    def test_a_failure_is_published_again_and_not_tried_again(self, consumer: Consumer) -> None:
        consumer.provider.intents["pi_1"] = "canceled"
        consumer.receives()

        assert self.republished(consumer)

        assert outbox()[0]["event_type"] == "payment.capture_failed"
        assert consumer.provider.calls.count("order-1:capture") == 1

    def test_a_failure_that_is_to_be_overcome_is_tried_again(self, consumer: Consumer) -> None:
        consumer.provider.before["capture"] = fails_with(CardDeclined("generic_decline"))
        consumer.receives()

        self.request(consumer, payment_version=outbox()[0]["aggregate_version"])

        assert consumer.status == "captured"

    def test_a_payment_that_was_given_up_publishes_nothing(self, consumer: Consumer) -> None:
        consumer.payment_service.void(ORDER)
        published = outbox()

        self.request(consumer)

        assert (outbox(), consumer.dead_letters) == (published, [])

    def test_a_refund_that_comes_first_is_not_written_over(self, consumer: Consumer) -> None:
        consumer.receives()
        captured = consumer.payments.find(ORDER.order_id)
        assert captured
        consumer.payment_service.void(ORDER)

        with pytest.raises(WriteConflict):
            consumer.payments.republish(captured, captured.outcome_of_capture())

        assert consumer.status == "refunded"

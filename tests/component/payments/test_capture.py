"""The consumer that takes the money of orders that stand, on a real table, with a provider in memory."""

import json
from datetime import timedelta
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
from tests.component.payments.fakes import NOW, ORDER, FakeProvider, fails_with, outbox
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


RETURNED: dict[str, Any] = {"return_id": "ret_1", "refund": {"amount": 700, "currency": ORDER.total.currency}}


class TestReturns:
    """`return.inspected`: the money of a return goes back, once."""

    @pytest.fixture(autouse=True)
    def _is_captured(self, consumer: Consumer) -> None:
        consumer.receives()

    def test_a_part_goes_back_once_however_often_the_event_comes(self, consumer: Consumer) -> None:
        assert [consumer.receives("return.inspected", **RETURNED) for _ in range(3)] == [0, 0, 0]

        assert (consumer.status, consumer.provider.returned) == ("captured", {"ret_1": 700})
        assert consumer.provider.calls.count("ret_1:refund") == 1
        [event] = outbox()
        assert event["event_type"] == "payment.return_refunded"
        assert event["data"] == {
            "order_id": ORDER.order_id,
            "payment_id": f"pay-{ORDER.order_id}",
            "return_id": "ret_1",
            "amount": RETURNED["refund"],
            "refunded": RETURNED["refund"],
        }

    def test_several_returns_add_up_to_all_that_was_taken_and_to_no_more(self, consumer: Consumer) -> None:
        total = ORDER.total.amount
        for return_id, amount in (("ret_1", 700), ("ret_2", total - 699), ("ret_3", total - 700)):
            refund = {"amount": amount, "currency": ORDER.total.currency}
            assert consumer.receives("return.inspected", return_id=return_id, refund=refund) == 0

        assert consumer.provider.returned == {"ret_1": 700, "ret_3": total - 700}
        assert consumer.status == "captured"
        assert outbox()[0]["data"]["refunded"]["amount"] == total
        [reason] = consumer.dead_letters
        assert reason.startswith("RefundNotCovered: ret_2")

    def test_an_inspection_that_grants_nothing_gives_nothing_back(self, consumer: Consumer) -> None:
        nothing = {"amount": 0, "currency": ORDER.total.currency}
        assert consumer.receives("return.inspected", return_id="ret_1", refund=nothing) == 0
        assert (consumer.provider.returned, consumer.dead_letters) == ({}, [])

    @pytest.mark.parametrize(
        ("refund", "reason"),
        [
            ({"amount": 701, "currency": ORDER.total.currency}, "ReturnRefundDiffers"),
            ({"amount": 700, "currency": "USD"}, "ReturnRefundDiffers"),
        ],
    )
    def test_another_amount_for_the_same_return_is_a_dead_letter(
        self, consumer: Consumer, refund: dict[str, Any], reason: str
    ) -> None:
        consumer.receives("return.inspected", **RETURNED)
        assert consumer.receives("return.inspected", event_id="e-2", return_id="ret_1", refund=refund) == 0
        assert consumer.provider.returned == {"ret_1": 700}
        assert [letter.partition(":")[0] for letter in consumer.dead_letters] == [reason]

    @pytest.mark.parametrize("refund", [(700, "USD"), (-1, ORDER.total.currency)])
    def test_a_refund_that_is_not_of_this_money_is_a_dead_letter(
        self, consumer: Consumer, refund: tuple[int, str]
    ) -> None:
        amount, currency = refund
        given = {"amount": amount, "currency": currency}
        assert consumer.receives("return.inspected", return_id="ret_1", refund=given) == 0
        assert [letter.partition(":")[0] for letter in consumer.dead_letters] == ["RefundNotCovered"]
        assert consumer.provider.returned == {}

    @pytest.mark.parametrize("moment", ["before", "after"])
    def test_a_refund_whose_answer_was_lost_is_asked_for_again_with_the_same_key(
        self, consumer: Consumer, moment: str
    ) -> None:
        getattr(consumer.provider, moment)["refund_part"] = fails_with(ProviderUnavailable("lost"))
        with pytest.raises(NothingConsumed):
            consumer.receives("return.inspected", **RETURNED)
        assert consumer.payments.under_way_since_before(NOW + timedelta(days=9999), 9) == [ORDER.order_id]

        assert consumer.receives("return.inspected", **RETURNED) == 0

        assert consumer.provider.returned == {"ret_1": 700}
        assert consumer.provider.calls.count("ret_1:refund") == 2
        assert consumer.payments.under_way_since_before(NOW + timedelta(days=9999), 9) == []

    def test_a_payment_that_was_given_back_whole_refunds_no_return(self, consumer: Consumer) -> None:
        consumer.payment_service.void(ORDER)
        assert consumer.receives("return.inspected", **RETURNED) == 0
        assert [letter.partition(":")[0] for letter in consumer.dead_letters] == ["PaymentNotCaptured"]

    def test_a_void_that_comes_between_wins(self, consumer: Consumer) -> None:
        def void() -> None:
            consumer.payment_service.void(ORDER)

        consumer.provider.before["refund_part"] = void
        assert consumer.receives("return.inspected", **RETURNED) == 0
        assert consumer.status == "refunded"
        assert consumer.payments.under_way_since_before(NOW + timedelta(days=9999), 9) == []


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

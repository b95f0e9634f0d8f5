"""The consumer that notes what became of an order's money and parcel, and the step that refuses a cancellation."""

import json
import random
from typing import Any

import pytest
from aws_lambda_powertools.utilities.batch.exceptions import BatchProcessingError

from orders.domain.order import Canceller, Order
from shared.clock import utc_now
from tests.component.orders.account import OrdersAccount, orders_account
from tests.component.orders.functions import Saga, buried, dead_letter_queue, delivery, fresh
from tests.made_up import made_up_event


@pytest.fixture
def account(aws: None, monkeypatch: pytest.MonkeyPatch) -> OrdersAccount:
    return orders_account(monkeypatch)


@pytest.fixture
def dead_letters(account: OrdersAccount, monkeypatch: pytest.MonkeyPatch) -> str:
    return dead_letter_queue(monkeypatch)


class Desk:
    """A placed order, and the consumer that hears of it."""

    def __init__(self, account: OrdersAccount, context: Any) -> None:
        self._context = context
        self.saga = Saga(account, context)
        self.saga.run("confirm")
        self.order: Order = self.saga.order
        self.consumer = fresh("orders.functions.record_fulfilment")
        self.told: list[str] = []

    def event(self, event_type: str, version: int, order_id: str | None = None) -> str:
        """The body of a message about the order."""
        return made_up_event(
            event_type,
            aggregate_id="aggregate",
            aggregate_version=version,
            occurred_at=utc_now(),
            correlation_id="c-1",
            data={"order_id": order_id or self.order.order_id, "tracking_reference": "CW1"},
        ).model_dump_json()

    def hears(self, *bodies: str) -> dict[str, Any]:
        """Delivers the messages one by one, and notes which events each makes the order tell."""
        failures: list[Any] = []
        for body in bodies:
            before = self.saga.stored
            answer = self.consumer.handler(delivery(body), self._context)
            failures += answer["batchItemFailures"]
            if self.saga.stored["version"] != before["version"]:
                self.told += [event["event_type"] for event in self.saga.stored["outbox"]]
        return {"batchItemFailures": failures}

    @property
    def statuses(self) -> list[str]:
        return [entry["status"] for entry in self.saga.stored["history"]]


@pytest.fixture
def desk(dead_letters: str, account: OrdersAccount, lambda_context: Any) -> Desk:
    return Desk(account, lambda_context)


@pytest.mark.parametrize("seed", range(5))
def test_the_events_three_times_each_in_any_order_fulfil_the_order_once(desk: Desk, seed: int) -> None:
    events = [desk.event("payment.captured", 5), desk.event("shipment.dispatched", 2)] * 3
    random.Random(seed).shuffle(events)  # noqa: S311 - an order of messages, no secret

    assert desk.hears(*events) == {"batchItemFailures": []}

    assert desk.statuses == ["placed", "confirmed", "fulfilled"]
    assert desk.told.count("order.fulfilled") == 1
    assert desk.saga.stored["tracking_reference"] == "CW1"


def test_money_that_cannot_be_taken_asks_for_the_cancellation_once(desk: Desk) -> None:
    failed = desk.event("payment.capture_failed", 5)

    desk.hears(failed, failed, failed)

    assert desk.statuses == ["placed", "confirmed", "cancelling"]
    assert desk.told == ["order.cancellation_requested"]
    [event] = desk.saga.stored["outbox"]
    assert desk.saga.stored["cancelled_by"] == event["data"]["by"] == Canceller.PAYMENT.value


def test_money_taken_of_a_cancelled_order_changes_nothing(desk: Desk) -> None:
    desk.saga.request_cancellation()
    desk.saga.run("cancel")
    before = desk.saga.stored

    desk.hears(desk.event("payment.captured", 5), desk.event("payment.capture_failed", 5))

    assert desk.saga.stored == before


def test_an_order_that_is_not_there_yet_is_tried_again(desk: Desk, dead_letters: str) -> None:
    with pytest.raises(BatchProcessingError):
        desk.hears(desk.event("payment.captured", 5, "ord_none"))
    assert buried(dead_letters) == []


def test_what_cannot_be_is_a_dead_letter_at_once(
    account: OrdersAccount,
    dead_letters: str,
    lambda_context: Any,
) -> None:
    saga = Saga(account, lambda_context)
    captured = made_up_event(
        "payment.captured",
        aggregate_id="pay-1",
        aggregate_version=5,
        occurred_at=utc_now(),
        correlation_id="c-1",
        data={"order_id": saga.order.order_id},
    )
    bodies = [
        captured.model_dump_json(),
        captured.model_copy(update={"event_type": "payment.voided"}).model_dump_json(),
        captured.model_copy(update={"event_type": "shipment.dispatched"}).model_dump_json(),
    ]

    assert fresh("orders.functions.record_fulfilment").handler(delivery(*bodies), lambda_context) == {
        "batchItemFailures": []
    }

    reasons = [reason.partition(":")[0] for _, reason in buried(dead_letters)]
    assert sorted(reasons) == ["IllegalTransition", "UnknownEvent", "ValidationError"]


class TestRefusing:
    def test_an_order_whose_parcel_is_gone_stands_again_and_answers_the_same_again(self, desk: Desk) -> None:
        desk.saga.request_cancellation()

        assert desk.saga.run("refuse_cancellation") == {"status": "confirmed"}
        stored = desk.saga.stored
        assert desk.saga.run("refuse_cancellation") == {"status": "confirmed"}

        assert desk.saga.stored == stored
        assert desk.statuses == ["placed", "confirmed", "cancelling", "confirmed"]

    def test_it_is_fulfilled_by_what_was_heard_before_and_after(self, desk: Desk) -> None:
        desk.saga.request_cancellation()
        desk.hears(desk.event("payment.captured", 5))
        assert desk.saga.run("refuse_cancellation") == {"status": "confirmed"}

        desk.hears(desk.event("shipment.dispatched", 2))

        assert desk.statuses[-1] == "fulfilled"
        assert desk.told.count("order.fulfilled") == 1

    def test_a_parked_order_that_nobody_could_pay_keeps_why(self, desk: Desk) -> None:
        desk.hears(desk.event("shipment.dispatched", 2), desk.event("payment.capture_failed", 5))

        stored = desk.saga.stored
        assert stored["status"] == "parked"
        assert json.loads(stored["parked_state"])["capture_failed_at"]
        assert desk.saga.store.parked(10) == [desk.order.order_id]
        desk.saga.store.change(desk.order.order_id, lambda order: order.resume(utc_now()))
        [event] = desk.saga.stored["outbox"]
        assert (event["event_type"], event["data"]["payment_version"]) == ("order.collection_requested", 5)
        assert desk.saga.store.parked(10) == []

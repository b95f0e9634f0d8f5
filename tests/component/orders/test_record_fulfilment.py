"""The consumer that records an order's capture and dispatch, and the step that refuses a cancellation."""

import json
import random
from typing import Any

import pytest

from orders.domain.order import Order
from orders.domain.status import Canceller
from shared.clock import utc_now
from shared.consumer import NothingConsumed
from tests.component.orders.account import OrdersAccount
from tests.component.orders.functions import Saga, dead_letters_in, delivery, fresh
from tests.made_up import made_up_event


class ReceivingOrder:
    """A confirmed order, and the consumer that receives events about it."""

    def __init__(self, account: OrdersAccount, context: Any) -> None:
        self._context = context
        self.saga = Saga(account, context)
        self.saga.run("confirm")
        self.order: Order = self.saga.order
        self.consumer = fresh("orders.functions.record_fulfilment")
        self.published: list[str] = []

    def event(self, event_type: str, version: int, order_id: str | None = None, **more: Any) -> str:
        """The body of a message about the order."""
        return made_up_event(
            event_type,
            aggregate_id="aggregate",
            aggregate_version=version,
            occurred_at=utc_now(),
            correlation_id="c-1",
            data={"order_id": order_id or self.order.order_id, "tracking_reference": "PARCEL1", **more},
        ).model_dump_json()

    def receives(self, *bodies: str) -> dict[str, Any]:
        """Delivers the messages one by one, and collects the events that each makes the order publish."""
        failures: list[Any] = []
        for body in bodies:
            before = self.saga.stored
            answer = self.consumer.handler(delivery(body), self._context)
            failures += answer["batchItemFailures"]
            if self.saga.stored["version"] != before["version"]:
                self.published += [event["event_type"] for event in self.saga.stored["outbox"]]
        return {"batchItemFailures": failures}

    @property
    def statuses(self) -> list[str]:
        return [entry["status"] for entry in self.saga.stored["history"]]


@pytest.fixture
def receiving(dead_letters: str, account: OrdersAccount, lambda_context: Any) -> ReceivingOrder:
    return ReceivingOrder(account, lambda_context)


@pytest.mark.parametrize("seed", range(5))
def test_the_events_three_times_each_in_any_order_fulfil_the_order_once(
    receiving: ReceivingOrder, seed: int
) -> None:
    events = [receiving.event("payment.captured", 5), receiving.event("shipment.dispatched", 2)] * 3
    random.Random(seed).shuffle(events)  # noqa: S311 - an order of messages, no secret

    assert receiving.receives(*events) == {"batchItemFailures": []}

    assert receiving.statuses == ["placed", "confirmed", "fulfilled"]
    assert receiving.published.count("order.fulfilled") == 1
    assert receiving.saga.stored["tracking_reference"] == "PARCEL1"


def test_money_that_cannot_be_taken_asks_for_the_cancellation_once(receiving: ReceivingOrder) -> None:
    failed = receiving.event("payment.capture_failed", 5)

    receiving.receives(failed, failed, failed)

    assert receiving.statuses == ["placed", "confirmed", "cancelling"]
    assert receiving.published == ["order.cancellation_requested"]
    [event] = receiving.saga.stored["outbox"]
    assert receiving.saga.stored["cancelled_by"] == event["data"]["by"] == Canceller.PAYMENT.value


def test_money_taken_of_a_cancelled_order_changes_nothing(receiving: ReceivingOrder) -> None:
    receiving.saga.request_cancellation()
    receiving.saga.run("cancel")
    before = receiving.saga.stored

    receiving.receives(receiving.event("payment.captured", 5), receiving.event("payment.capture_failed", 5))

    assert receiving.saga.stored == before


def test_an_order_records_its_returns_and_what_was_paid_back_once_in_any_order(
    receiving: ReceivingOrder,
) -> None:
    receiving.receives(receiving.event("payment.captured", 4), receiving.event("shipment.dispatched", 3))
    pieces: dict[str, Any] = {
        "restocked": [{"sku": "TEA", "quantity": 1}],
        "written_off": [{"sku": "MUG", "quantity": 1}],
    }
    refund: dict[str, Any] = {"amount": {"amount": 790, "currency": "EUR"}}
    events = [
        receiving.event("payment.return_refunded", 8, return_id="ret_1", **refund),
        receiving.event("return.inspected", 5, return_id="ret_1", **pieces),
        receiving.event("return.inspected", 6, return_id="ret_2", **{**pieces, "restocked": []}),
    ]

    assert receiving.receives(*events)["batchItemFailures"] == []
    recorded = receiving.saga.stored
    assert receiving.receives(*reversed(events))["batchItemFailures"] == []

    assert receiving.saga.stored == recorded
    assert recorded["status"] == "fulfilled"
    assert recorded["returned"] == {"ret_1": {"pieces": 2, "refunded": 790}, "ret_2": {"pieces": 1}}
    assert receiving.published == ["order.fulfilled"]


def test_what_is_wrong_with_the_money_of_a_cancelled_order_is_recorded_once(
    receiving: ReceivingOrder,
) -> None:
    receiving.saga.request_cancellation()
    receiving.saga.run("cancel")
    reported = receiving.event("payment.issues_changed", 7, issues=["refund_failed"])
    resolved = receiving.event("payment.issues_changed", 8, issues=[])

    receiving.receives(reported)
    stored = receiving.saga.stored
    receiving.receives(reported)

    assert (stored["status"], stored["payment_issues"]) == ("cancelled", ["refund_failed"])
    assert receiving.saga.stored == stored
    receiving.receives(resolved, reported)
    assert "payment_issues" not in receiving.saga.stored


def test_an_issue_is_recorded_with_its_cause_and_without_one_from_an_earlier_release(
    receiving: ReceivingOrder,
) -> None:
    causes = ["disputed:du_1", "disputed:du_2"]

    receiving.receives(receiving.event("payment.issues_changed", 7, issues=["disputed"]))
    assert receiving.saga.stored["payment_issues"] == ["disputed"]
    receiving.receives(receiving.event("payment.issues_changed", 8, issues=["disputed"], causes=causes))
    assert receiving.saga.stored["payment_issues"] == causes


def test_an_order_that_is_not_there_yet_is_tried_again(receiving: ReceivingOrder, dead_letters: str) -> None:
    with pytest.raises(NothingConsumed):
        receiving.receives(receiving.event("payment.captured", 5, "ord_none"))
    assert dead_letters_in(dead_letters) == []


def test_an_impossible_event_is_a_dead_letter_at_once(
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
        captured.model_copy(update={"event_type": "shipment.dispatched"}).model_dump_json(),
    ]

    assert fresh("orders.functions.record_fulfilment").handler(delivery(*bodies), lambda_context) == {
        "batchItemFailures": []
    }

    reasons = [reason.partition(":")[0] for _, reason in dead_letters_in(dead_letters)]
    assert sorted(reasons) == ["IllegalTransition", "ValidationError"]


class TestRefusing:
    def test_an_order_whose_parcel_is_gone_stands_again_and_answers_the_same_again(
        self, receiving: ReceivingOrder
    ) -> None:
        receiving.saga.request_cancellation()

        assert receiving.saga.run("refuse_cancellation") == {"status": "confirmed"}
        stored = receiving.saga.stored
        assert receiving.saga.run("refuse_cancellation") == {"status": "confirmed"}

        assert receiving.saga.stored == stored
        assert receiving.statuses == ["placed", "confirmed", "cancelling", "confirmed"]

    def test_it_is_fulfilled_by_events_before_and_after(self, receiving: ReceivingOrder) -> None:
        receiving.saga.request_cancellation()
        receiving.receives(receiving.event("payment.captured", 5))
        assert receiving.saga.run("refuse_cancellation") == {"status": "confirmed"}

        receiving.receives(receiving.event("shipment.dispatched", 2))

        assert receiving.statuses[-1] == "fulfilled"
        assert receiving.published.count("order.fulfilled") == 1

    def test_a_parked_order_whose_money_could_not_be_taken_stores_why(
        self, receiving: ReceivingOrder
    ) -> None:
        from orders.dependencies import attention_index

        receiving.receives(
            receiving.event("shipment.dispatched", 2), receiving.event("payment.capture_failed", 5)
        )

        stored = receiving.saga.stored
        assert stored["status"] == "parked"
        assert json.loads(stored["parked_state"])["capture_failed_at"]
        assert attention_index().parked(10) == [receiving.order.order_id]
        receiving.saga.store.change(receiving.order.order_id, lambda order: order.resume(utc_now()))
        [event] = receiving.saga.stored["outbox"]
        assert (event["event_type"], event["data"]["payment_version"]) == ("order.collection_requested", 5)
        assert attention_index().parked(10) == []

"""The steps of the saga that are the orders service's own, through the real handlers, against a pretended AWS."""

import json
from typing import Any

import boto3
import pytest

from orders.adapters.order_store import OrderMissing
from orders.domain.order import Order
from orders.domain.saga_form import for_saga
from orders.domain.status import Canceller, IllegalTransition
from shared.clock import utc_now
from shared.versioned_table import WriteConflict
from tests.component.orders.client import change, confirm
from tests.component.orders.functions import Saga, example


class TestSteps:
    def test_a_confirmed_order_says_so_in_its_status_and_its_event(self, saga: Saga) -> None:
        assert saga.run("confirm") == {"status": "confirmed"}

        assert (saga.stored["status"], saga.stored["version"]) == ("confirmed", 2)
        [event] = saga.stored["outbox"]
        assert (event["event_type"], event["aggregate_version"]) == ("order.confirmed", 2)
        assert event["data"]["total"] == {"amount": 2070, "currency": "EUR"}

    @pytest.mark.parametrize("step", ["confirm", "check_confirmation", "park"])
    def test_a_step_that_is_run_again_answers_the_same_and_writes_nothing(
        self, saga: Saga, step: str
    ) -> None:
        first = saga.run(step)
        stored = saga.stored

        assert saga.run(step) == first
        assert saga.stored == stored

    def test_a_rejection_that_is_run_again_answers_the_same_and_writes_nothing(self, saga: Saga) -> None:
        first = saga.reject("CardDeclined")
        stored = saga.stored

        assert saga.reject("CardDeclined") == first == {"status": "rejected", "reason": "payment_declined"}
        assert saga.stored == stored
        assert [event["data"]["reason"] for event in stored["outbox"]] == ["payment_declined"]

    def test_the_check_finds_a_confirmation_whose_answer_was_lost(self, saga: Saga) -> None:
        saga.run("confirm")
        assert saga.run("check_confirmation") == {"confirmed": True, "status": "confirmed"}
        assert saga.stored["status"] == "confirmed"

    def test_a_confirmation_that_comes_after_the_check_is_refused(self, saga: Saga) -> None:
        assert saga.run("check_confirmation") == {"confirmed": False, "status": "abandoned"}

        with pytest.raises(IllegalTransition):
            saga.run("confirm")

        assert saga.stored["status"] == "abandoned"
        assert saga.stored["outbox"] == [], "an abandoned order publishes no event until it is rejected"

    def test_an_order_that_was_given_up_is_rejected(self, saga: Saga) -> None:
        saga.run("check_confirmation")
        assert saga.reject("States.Timeout") == {"status": "rejected", "reason": "technical_failure"}
        assert [event["event_type"] for event in saga.stored["outbox"]] == ["order.rejected"]

    def test_a_confirmed_order_is_never_rejected(self, saga: Saga) -> None:
        saga.run("confirm")
        with pytest.raises(IllegalTransition):
            saga.reject("OutOfStock")
        assert saga.stored["status"] == "confirmed"

    @pytest.mark.parametrize("step", ["reject", "cancel"])
    def test_an_order_that_was_to_be_cancelled_is_cancelled_by_either_machine(
        self, saga: Saga, step: str
    ) -> None:
        if step == "cancel":
            saga.run("confirm")
        saga.request_cancellation()

        answers = [saga.reject("CardDeclined") if step == "reject" else saga.run(step) for _ in range(2)]

        assert answers == [{"status": "cancelled"}] * 2
        [event] = saga.stored["outbox"]
        assert (event["event_type"], event["data"]["by"]) == ("order.cancelled", "customer")
        assert saga.stored["version"] == (3 if step == "reject" else 4)

    def test_an_order_without_a_requested_cancellation_is_not_cancelled(self, saga: Saga) -> None:
        saga.run("confirm")
        with pytest.raises(IllegalTransition):
            saga.run("cancel")
        assert saga.stored["status"] == "confirmed"

    def test_a_parked_order_stores_the_machines_whole_state(self, saga: Saga) -> None:
        state = {
            "error": {"Error": "AddressNotServed", "Cause": "{}"},
            "void_payment_error": {"Error": "ProviderUnavailable", "Cause": "{}"},
            "stock_release": {"released": True},
        }

        assert saga.run("park", **state) == {"status": "parked"}

        kept = json.loads(saga.stored["parked_state"])
        assert kept == {"order": for_saga(saga.order).model_dump(mode="json"), **state}
        assert [event["event_type"] for event in saga.stored["outbox"]] == ["order.parked"]

    @pytest.mark.parametrize(("finish", "status"), [("confirm", "confirmed"), ("reject", "rejected")])
    def test_an_order_that_is_final_after_all_is_not_parked(
        self, saga: Saga, finish: str, status: str
    ) -> None:
        saga.reject("OutOfStock") if finish == "reject" else saga.run(finish)
        stored = saga.stored

        assert saga.run("park") == {"status": status}

        assert saga.stored == stored

    @pytest.mark.parametrize("step", ["confirm", "check_confirmation", "park"])
    def test_a_change_that_another_writer_makes_meanwhile_is_not_lost(
        self, saga: Saga, step: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The step is decided anew on the order that the other writer has rejected."""
        read = saga.store.find

        def find_and_be_overtaken(order_id: str) -> Order | None:
            order = read(order_id)
            monkeypatch.setattr(saga.store, "find", read)
            saga.reject("OutOfStock")
            return order

        monkeypatch.setattr(saga.store, "find", find_and_be_overtaken)

        if step == "park":
            assert saga.run(step) == {"status": "rejected"}
        else:
            with pytest.raises(IllegalTransition):
                saga.run(step)

        assert saga.stored["status"] == "rejected"

    def test_a_conflict_that_does_not_end_fails_with_the_name_that_the_state_machine_retries(
        self, saga: Saga, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        outdated = saga.order.model_copy(update={"version": 7})
        monkeypatch.setattr(saga.store, "find", lambda _order_id: outdated)

        with pytest.raises(WriteConflict):
            saga.run("confirm")

        assert saga.stored["status"] == "placed"

    def test_a_step_on_an_order_that_is_not_there_fails(self, saga: Saga) -> None:
        boto3.client("dynamodb").delete_item(TableName="orders", Key={"pk": {"S": saga.order.order_id}})
        with pytest.raises(OrderMissing):
            saga.run("confirm")

    @pytest.mark.usefixtures("account")
    @pytest.mark.parametrize(
        ("step", "status"),
        [
            ("confirm", "confirmed"),
            ("check_confirmation", "abandoned"),
            ("reject", "rejected"),
            ("cancel", "cancelled"),
            ("refuse_cancellation", "confirmed"),
            ("park", "parked"),
        ],
    )
    def test_the_example_events_are_the_steps_inputs(
        self, lambda_context: Any, step: str, status: str
    ) -> None:
        from orders.functions.steps import handler

        put = boto3.client("dynamodb").put_item
        put(TableName="orders", Item=example("orders_relay")["Records"][0]["dynamodb"]["NewImage"])
        given = example(f"orders_steps_{step}")
        if step == "refuse_cancellation":
            change(given["order"]["order_id"], confirm)
        if step in {"cancel", "refuse_cancellation"}:
            change(
                given["order"]["order_id"],
                lambda order: order.request_cancellation(Canceller.CUSTOMER, utc_now()),
            )

        assert handler(given, lambda_context)["status"] == status

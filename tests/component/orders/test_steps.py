"""The steps of the saga that are the orders service's own, through the real handlers, against a pretended AWS."""

import json
from datetime import datetime
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

    def test_a_confirmation_counts_the_order_its_revenue_and_its_seconds_once(
        self, saga: Saga, capsys: pytest.CaptureFixture[str]
    ) -> None:
        saga.run("confirm")
        placed, confirmed = (datetime.fromisoformat(entry["at"]) for entry in saga.stored["history"])
        saga.run("confirm")

        [line] = [line for line in capsys.readouterr().out.splitlines() if "_aws" in line]
        metrics = json.loads(line)
        [declared] = metrics["_aws"]["CloudWatchMetrics"]
        assert {
            metric["Name"]: (metric["Unit"], metrics[metric["Name"]]) for metric in declared["Metrics"]
        } == {
            "OrdersConfirmed": ("Count", [1.0]),
            "RevenueConfirmedEUR": ("None", [2070.0]),
            "SecondsToConfirm": ("Seconds", [pytest.approx((confirmed - placed).total_seconds(), abs=0.002)]),
        }
        assert len(line) < 440, "each confirmed order pays for this line"

    @pytest.mark.parametrize("step", ["confirm", "abandon"])
    def test_a_step_that_is_run_again_answers_the_same_and_writes_nothing(
        self, saga: Saga, step: str
    ) -> None:
        first = saga.run(step)
        stored = saga.stored

        assert saga.run(step) == first
        assert saga.stored == stored

    @pytest.mark.parametrize("step", ["cancel", "park"])
    def test_a_step_of_the_cancellation_that_is_run_again_answers_the_same_and_writes_nothing(
        self, saga: Saga, step: str
    ) -> None:
        saga.abandon("CardDeclined")
        first = saga.run(step)
        stored = saga.stored

        assert saga.run(step) == first
        assert saga.stored == stored

    def test_an_abandonment_finds_a_confirmation_whose_answer_was_lost(self, saga: Saga) -> None:
        saga.run("confirm")
        assert saga.abandon("Sandbox.Timedout") == {"confirmed": True, "status": "confirmed"}
        assert saga.stored["status"] == "confirmed"

    def test_a_confirmation_that_comes_after_the_abandonment_is_refused(self, saga: Saga) -> None:
        assert saga.abandon("CardDeclined") == {"confirmed": False, "status": "abandoned"}

        with pytest.raises(IllegalTransition):
            saga.run("confirm")

        assert saga.stored["status"] == "abandoned"
        assert [event["event_type"] for event in saga.stored["outbox"]] == ["order.abandoned"]

    @pytest.mark.parametrize(
        ("error", "reason"), [("CardDeclined", "payment_declined"), ("States.Timeout", "technical_failure")]
    )
    def test_an_order_that_was_abandoned_is_rejected_for_what_its_saga_failed_for(
        self, saga: Saga, error: str, reason: str
    ) -> None:
        saga.abandon(error)
        assert saga.run("cancel") == {"status": "rejected"}
        [event] = saga.stored["outbox"]
        assert (event["event_type"], event["data"]["reason"]) == ("order.rejected", reason)

    def test_an_order_that_was_to_be_cancelled_is_cancelled_even_if_its_saga_fails(self, saga: Saga) -> None:
        saga.request_cancellation()
        saga.abandon("CardDeclined")

        answers = [saga.run("cancel") for _ in range(2)]

        assert answers == [{"status": "cancelled"}] * 2
        [event] = saga.stored["outbox"]
        assert (event["event_type"], event["data"]["by"]) == ("order.cancelled", "customer")
        assert saga.stored["version"] == 3

    @pytest.mark.parametrize("old_name", ["check_confirmation", "reject"])
    def test_a_saga_of_an_earlier_release_abandons_the_order_under_the_old_names(
        self, saga: Saga, old_name: str
    ) -> None:
        more = {"error": {"Error": "CardDeclined", "Cause": "{}"}} if old_name == "reject" else {}
        assert saga.run(old_name, **more) == {"confirmed": False, "status": "abandoned"}

    def test_an_order_without_a_requested_cancellation_is_not_cancelled(self, saga: Saga) -> None:
        saga.run("confirm")
        with pytest.raises(IllegalTransition):
            saga.run("cancel")
        assert saga.stored["status"] == "confirmed"

    def test_a_parked_order_stores_the_machines_whole_state(self, saga: Saga) -> None:
        saga.abandon("AddressNotServed")
        state = {
            "was_confirmed": False,
            "void_payment_error": {"Error": "ProviderUnavailable", "Cause": "{}"},
            "stock_release": {"released": True},
        }

        assert saga.run("park", **state) == {"status": "parked"}

        kept = json.loads(saga.stored["parked_state"])
        assert kept == {"order": for_saga(saga.order).model_dump(), **state}
        assert [event["event_type"] for event in saga.stored["outbox"]] == ["order.parked"]

    @pytest.mark.parametrize(("finish", "status"), [("confirm", "confirmed"), ("cancel", "rejected")])
    def test_an_order_that_is_decided_after_all_is_not_parked(
        self, saga: Saga, finish: str, status: str
    ) -> None:
        if finish == "cancel":
            saga.abandon("OutOfStock")
        saga.run(finish)
        stored = saga.stored

        assert saga.run("park") == {"status": status}

        assert saga.stored == stored

    @pytest.mark.parametrize("step", ["confirm", "abandon", "park"])
    def test_a_change_that_another_writer_makes_meanwhile_is_not_lost(
        self, saga: Saga, step: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The step is decided anew on the order that the other writer has rejected."""
        if step == "park":
            saga.abandon("OutOfStock")
        read = saga.store.find

        def find_and_be_overtaken(order_id: str) -> Order | None:
            order = read(order_id)
            monkeypatch.setattr(saga.store, "find", read)
            saga.abandon("OutOfStock")
            saga.run("cancel")
            return order

        monkeypatch.setattr(saga.store, "find", find_and_be_overtaken)

        if step == "confirm":
            with pytest.raises(IllegalTransition):
                saga.run(step)
        else:
            assert saga.run(step)["status"] == "rejected"

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
            ("abandon", "abandoned"),
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
        if step in {"cancel", "refuse_cancellation", "park"}:
            change(
                given["order"]["order_id"],
                lambda order: order.request_cancellation(Canceller.CUSTOMER, utc_now()),
            )

        assert handler(given, lambda_context)["status"] == status

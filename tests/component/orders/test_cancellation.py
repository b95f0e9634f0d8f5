"""The cancellation, which undoes orders, as it is shipped: its structure, and its runs in moto's interpreter."""

import json
import re
from typing import Any

import pytest

from orders.domain.order import Order
from orders.domain.status import Canceller, CannotBeCancelled, RejectionReason
from shared.clock import utc_now
from tests.component.orders.account import ADDRESS
from tests.component.orders.functions import example
from tests.component.orders.machines import (
    ROOT,
    TIMED_OUT,
    Functions,
    Machine,
    MakeMachine,
    paths,
    result_paths,
    steps_of,
    successors,
    tasks_of,
    wiring,
)

DEFINITION = (ROOT / "statemachines" / "order_cancellation.asl.json").read_text()
STATES: dict[str, dict[str, Any]] = json.loads(DEFINITION)["States"]
TASKS = tasks_of(json.loads(DEFINITION))
# The parts that are undone once the parcel is, in their order.
PARTS = ["VoidPayment", "ReleaseStock"]
ALL = ["CancelShipment", *PARTS]
ERROR = {
    "CancelShipment": "cancel_shipment_error",
    "VoidPayment": "void_payment_error",
    "ReleaseStock": "release_stock_error",
}


class TestStructure:
    @pytest.mark.parametrize("task", TASKS)
    def test_every_task_ends_in_time_is_retried_and_catches_everything(self, task: str) -> None:
        assert TASKS[task]["TimeoutSeconds"] > 0
        assert TASKS[task]["Retry"][-1]["ErrorEquals"] == ["States.ALL"]
        assert TASKS[task]["Catch"][-1]["ErrorEquals"] == ["States.ALL"]

    def test_the_state_that_cancels_the_order_is_the_last_because_each_state_costs(self) -> None:
        assert STATES["CancelOrder"]["End"]

    @pytest.mark.parametrize("part", PARTS)
    def test_a_part_that_fails_goes_on_like_one_that_is_undone_and_parks_the_order_in_the_end(
        self, part: str
    ) -> None:
        [catch] = STATES[part]["Catch"]
        assert catch["Next"] == STATES[part]["Next"]
        assert catch["ResultPath"] == f"$.{ERROR[part]}"

    def test_only_an_order_of_which_every_part_is_undone_is_cancelled(self) -> None:
        [choice] = STATES["IsAllUndone"]["Choices"]
        asked = {condition["Variable"] for condition in choice["Or"] if condition["IsPresent"]}
        assert asked == {f"$.{error}" for error in ERROR.values()}
        assert (choice["Next"], STATES["IsAllUndone"]["Default"]) == ("ParkOrder", "CancelOrder")

    def test_only_a_parcel_that_has_not_left_lets_money_and_stock_be_undone(self) -> None:
        assert STATES["CancelShipment"]["Next"] == PARTS[0]
        leading_there = {name for name, state in STATES.items() if PARTS[0] in successors(state)}
        assert leading_there == {"CancelShipment", "MayParcelBeGone"}
        assert STATES["MayParcelBeGone"]["Default"] == "ParkOrder"
        assert [(catch["ErrorEquals"], catch["Next"]) for catch in STATES["CancelShipment"]["Catch"]] == [
            (["AlreadyDispatched"], "RefuseCancellation"),
            (["States.ALL"], "MayParcelBeGone"),
        ]

    def test_every_state_can_be_reached_and_every_path_ends(self) -> None:
        every = list(paths(STATES, "CancelShipment"))
        assert {state for path in every for state in path} == set(STATES)
        assert {path[-1] for path in every} == {"NothingIsLeftToDo", "OrderParked"}

    @pytest.mark.parametrize("task", TASKS)
    def test_no_result_and_no_error_takes_the_orders_place(self, task: str) -> None:
        for path in result_paths(TASKS[task]):
            assert re.fullmatch(r"\$\.[a-z_]+", path)
            assert path != "$.order"


class TestWiring:
    def test_each_state_invokes_the_function_it_is_named_after(self) -> None:
        handlers = {
            task: function["Handler"] for task, function in wiring("OrderCancellation", TASKS).items()
        }
        assert handlers == {
            "CancelShipment": "shipping.functions.steps.handler",
            "VoidPayment": "payments.functions.steps.handler",
            "ReleaseStock": "inventory.functions.steps.handler",
            "CancelOrder": "orders.functions.steps.handler",
            "RefuseCancellation": "orders.functions.steps.handler",
            "ParkOrder": "orders.functions.steps.handler",
        }

    def test_each_state_passes_orders_function_the_step_it_is_named_after(self) -> None:
        assert (
            steps_of(TASKS).items()
            >= {
                "CancelOrder": "cancel",
                "RefuseCancellation": "refuse_cancellation",
                "ParkOrder": "park",
            }.items()
        )

    def test_a_state_waits_longer_than_its_function_can_run(self) -> None:
        for task, function in wiring("OrderCancellation", TASKS).items():
            assert TASKS[task]["TimeoutSeconds"] > function["Timeout"], task


def abandon(order: Order) -> tuple[Order, Any]:
    return order.abandon(RejectionReason.PAYMENT_DECLINED, utc_now())


def park(order: Order) -> tuple[Order, Any]:
    return order.park('{"order": {}}', utc_now())


def resume(order: Order) -> tuple[Order, Any]:
    return order.resume(utc_now())


def confirm(order: Order) -> tuple[Order, Any]:
    return order.confirm(utc_now())


def request_cancellation(order: Order) -> tuple[Order, Any]:
    return order.request_cancellation(Canceller.CUSTOMER, utc_now())


@pytest.fixture
def cancellation(make_machine: MakeMachine) -> Machine:
    """The cancellation of an order that was confirmed."""
    machine = make_machine(DEFINITION)
    machine.change(confirm)
    machine.change(request_cancellation)
    machine.order = example("orders_steps_cancel")["order"]
    return machine


@pytest.fixture
def functions(cancellation: Machine) -> Functions:
    return cancellation.functions


class TestRuns:
    def test_parcel_money_and_stock_are_undone_and_then_the_order_is_cancelled(
        self, cancellation: Machine, functions: Functions
    ) -> None:
        assert cancellation.run()["status"] == "SUCCEEDED"

        assert functions.commands == [*ALL, "CancelOrder"]
        assert cancellation.statuses == ["placed", "confirmed", "cancelling", "cancelled"]
        [event] = cancellation.stored["outbox"]
        assert (event["event_type"], event["data"]["by"]) == ("order.cancelled", "customer")

    def test_each_part_is_undone_by_the_order_alone(
        self, cancellation: Machine, functions: Functions
    ) -> None:
        cancellation.run()
        assert all(
            given | {"step": ""} == {"step": "", "order": cancellation.order} for _, given in functions.calls
        )

    @pytest.mark.parametrize("broken", PARTS)
    def test_a_part_that_cannot_be_undone_stops_no_other_and_parks_the_order(
        self, cancellation: Machine, functions: Functions, broken: str
    ) -> None:
        functions.always(broken, "Broken")

        ended = cancellation.run()

        assert (ended["status"], ended["error"]) == ("FAILED", "OrderParked")
        tries = {function: functions.commands.count(function) for function in PARTS}
        assert tries == {function: 5 if function == broken else 1 for function in PARTS}
        assert functions.commands[-1] == "ParkOrder"
        assert "CancelOrder" not in functions.commands
        assert cancellation.statuses[-1] == "parked"
        kept = json.loads(cancellation.stored["parked_state"])
        assert {name for name in kept if name.endswith("error")} == {ERROR[broken]}
        assert kept[ERROR[broken]]["Error"] == "Broken"

    @pytest.mark.parametrize("started", [{"was_confirmed": True}, {}], ids=["now", "by an earlier release"])
    def test_a_parcel_that_cannot_be_asked_for_leaves_everything_as_it_is_and_parks_the_order(
        self, cancellation: Machine, functions: Functions, started: dict[str, bool]
    ) -> None:
        """It may be on its way: who undid the rest would give the money back for goods that the customer gets."""
        functions.always("CancelShipment", "Broken")

        assert cancellation.run(**started)["error"] == "OrderParked"

        assert functions.commands == ["CancelShipment"] * 5 + ["ParkOrder"]
        kept = json.loads(cancellation.stored["parked_state"])
        assert kept["cancel_shipment_error"]["Error"] == "Broken"

    def test_a_parked_cancellation_holds_no_personal_data(
        self, cancellation: Machine, functions: Functions
    ) -> None:
        functions.always("VoidPayment", "PaymentRefused")

        cancellation.run()

        kept = cancellation.stored["parked_state"]
        personal = [text for name, text in ADDRESS.items() if name != "country"]
        assert [text for text in [*personal, "pm_card_visa"] if text in kept] == []

    @pytest.mark.parametrize("function", [*ALL, "CancelOrder"])
    def test_a_passing_failure_is_tried_again(
        self, cancellation: Machine, functions: Functions, function: str
    ) -> None:
        functions.script(function, TIMED_OUT, "Lambda.TooManyRequestsException")

        assert cancellation.run()["status"] == "SUCCEEDED"

        assert functions.commands.count(function) == 3
        assert cancellation.stored["status"] == "cancelled"

    def test_an_order_that_is_cancelled_is_not_parked_because_an_answer_was_lost(
        self, cancellation: Machine, functions: Functions
    ) -> None:
        functions.lose_answers_of("CancelOrder")

        assert cancellation.run()["status"] == "SUCCEEDED"

        assert functions.commands[-1] == "ParkOrder"
        assert cancellation.stored["status"] == "cancelled"

    def test_an_erasure_in_between_stands_in_no_way(
        self, cancellation: Machine, functions: Functions
    ) -> None:
        functions.before("CancelOrder", lambda: cancellation.change(lambda order: order.erase(utc_now())))

        assert cancellation.run()["status"] == "SUCCEEDED"

        assert cancellation.stored["status"] == "cancelled"
        assert cancellation.stored["erased_at"]


class TestParcelIsGone:
    """The parcel left before its cancellation: nothing is undone, and the order stands."""

    @pytest.fixture(autouse=True)
    def _dispatched(self, functions: Functions) -> None:
        functions.always("CancelShipment", "AlreadyDispatched")

    def test_the_cancellation_is_refused_at_once_and_the_order_stands(
        self, cancellation: Machine, functions: Functions
    ) -> None:
        assert cancellation.run()["status"] == "SUCCEEDED"

        assert functions.commands == ["CancelShipment", "RefuseCancellation"]
        assert cancellation.statuses == ["placed", "confirmed", "cancelling", "confirmed"]
        assert "cancelled_by" not in cancellation.stored
        [event] = cancellation.stored["outbox"]
        assert (event["event_type"], event["data"]["by"]) == ("order.cancellation_refused", "customer")
        with pytest.raises(CannotBeCancelled):
            cancellation.change(request_cancellation)

    def test_an_order_that_is_paid_and_dispatched_by_then_is_fulfilled(self, cancellation: Machine) -> None:
        cancellation.change(lambda order: order.record_capture(4, utc_now()))
        cancellation.change(lambda order: order.record_dispatch("PARCEL1", utc_now()))

        assert cancellation.run()["status"] == "SUCCEEDED"

        assert cancellation.statuses[-3:] == ["cancelling", "confirmed", "fulfilled"]
        published = [event["event_type"] for event in cancellation.stored["outbox"]]
        assert published == ["order.cancellation_refused", "order.fulfilled"]

    def test_an_order_whose_money_cannot_be_taken_is_parked_for_an_operator(
        self, cancellation: Machine, functions: Functions
    ) -> None:
        cancellation.change(lambda order: order.record_failed_capture(5, utc_now()))

        assert cancellation.run()["error"] == "OrderParked"

        assert functions.commands == ["CancelShipment", "RefuseCancellation", "ParkOrder"]
        kept = json.loads(cancellation.stored["parked_state"])
        assert kept["cancel_shipment_error"]["Error"] == "AlreadyDispatched"
        cancellation.change(resume)
        [event] = cancellation.stored["outbox"]
        assert (event["event_type"], cancellation.stored["status"]) == (
            "order.collection_requested",
            "confirmed",
        )

    @pytest.mark.parametrize("captured", [True, False])
    def test_an_order_that_stands_again_is_not_parked_because_an_answer_was_lost(
        self, cancellation: Machine, functions: Functions, captured: bool
    ) -> None:
        if captured:
            cancellation.change(lambda order: order.record_capture(4, utc_now()))
            cancellation.change(lambda order: order.record_dispatch("PARCEL1", utc_now()))
        functions.lose_answers_of("RefuseCancellation")

        assert cancellation.run()["status"] == "SUCCEEDED"

        assert functions.commands[-1] == "ParkOrder"
        assert cancellation.stored["status"] == ("fulfilled" if captured else "confirmed")

    def test_a_refusal_that_cannot_be_noted_parks_the_order_and_can_be_resumed(
        self, cancellation: Machine, functions: Functions
    ) -> None:
        functions.always("RefuseCancellation", "Broken")

        assert cancellation.run()["error"] == "OrderParked"

        cancellation.change(resume)
        assert (cancellation.stored["status"], cancellation.stored["resumptions"]) == ("cancelling", 1)


class TestNeverConfirmed:
    """An order that its saga abandoned, or that was cancelled before its confirmation: its parcel cannot have left."""

    @pytest.fixture
    def undoing(self, make_machine: MakeMachine) -> Machine:
        """The undoing of an order that its saga abandoned."""
        machine = make_machine(DEFINITION)
        machine.change(abandon)
        machine.order = example("orders_steps_cancel")["order"]
        return machine

    def test_an_abandoned_order_is_rejected_for_the_reason_its_saga_failed(self, undoing: Machine) -> None:
        assert undoing.run(was_confirmed=False)["status"] == "SUCCEEDED"

        assert undoing.functions.commands == [*ALL, "CancelOrder"]
        assert undoing.statuses == ["placed", "abandoned", "rejected"]
        [event] = undoing.stored["outbox"]
        assert (event["event_type"], event["data"]["reason"]) == ("order.rejected", "payment_declined")

    def test_an_order_whose_cancellation_was_requested_is_cancelled(self, make_machine: MakeMachine) -> None:
        machine = make_machine(DEFINITION)
        machine.change(request_cancellation)
        machine.order = example("orders_steps_cancel")["order"]

        assert machine.run(was_confirmed=False)["status"] == "SUCCEEDED"

        assert machine.statuses == ["placed", "cancelling", "cancelled"]

    @pytest.mark.parametrize("undoing_step", [*ALL, "CancelOrder"])
    def test_a_cancellation_that_is_requested_meanwhile_makes_it_cancelled(
        self, undoing: Machine, undoing_step: str
    ) -> None:
        undoing.functions.before(undoing_step, lambda: undoing.change(request_cancellation))

        assert undoing.run(was_confirmed=False)["status"] == "SUCCEEDED"

        assert undoing.statuses == ["placed", "abandoned", "cancelling", "cancelled"]
        assert "rejection_reason" not in undoing.stored

    @pytest.mark.parametrize("broken", ALL)
    def test_a_part_that_cannot_be_undone_stops_no_other_not_even_the_parcel(
        self, undoing: Machine, broken: str
    ) -> None:
        undoing.functions.always(broken, "Broken")

        ended = undoing.run(was_confirmed=False)

        assert (ended["status"], ended["error"]) == ("FAILED", "OrderParked")
        tries = [name for part in ALL for name in [part] * (5 if part == broken else 1)]
        assert undoing.functions.commands == [*tries, "ParkOrder"]
        kept = json.loads(undoing.stored["parked_state"])
        assert {name for name in kept if name.endswith("error")} == {ERROR[broken]}

    def test_an_order_that_cannot_even_be_parked_ends_the_execution_as_failed(self, undoing: Machine) -> None:
        undoing.functions.always("VoidPayment", "Broken")
        undoing.functions.always("ParkOrder", "Broken")

        ended = undoing.run(was_confirmed=False)

        assert (ended["status"], ended["error"]) == ("FAILED", "OrderParked")
        assert json.loads(ended["input"])["order"] == undoing.order, "the execution keeps the order"


class TestResumption:
    """The same machine undoes an order that was parked, or whose execution is lost."""

    @pytest.fixture
    def resumption(self, make_machine: MakeMachine) -> Machine:
        """The resumption of an order that its saga parked."""
        machine = make_machine(DEFINITION)
        for change in (abandon, park, resume):
            machine.change(change)
        machine.order = example("orders_steps_cancel")["order"]
        return machine

    def test_when_all_is_undone_the_order_is_rejected_for_the_reason_its_saga_failed(
        self, resumption: Machine
    ) -> None:
        assert resumption.run()["status"] == "SUCCEEDED"

        assert resumption.functions.commands == [*ALL, "CancelOrder"]
        assert resumption.statuses == ["placed", "abandoned", "parked", "abandoned", "rejected"]
        assert resumption.stored["rejection_reason"] == "payment_declined"
        assert "parked_state" not in resumption.stored
        assert [event["event_type"] for event in resumption.stored["outbox"]] == ["order.rejected"]

    def test_an_order_whose_cancellation_was_asked_for_is_cancelled(self, resumption: Machine) -> None:
        resumption.functions.before("CancelOrder", lambda: resumption.change(request_cancellation))

        assert resumption.run()["status"] == "SUCCEEDED"

        assert resumption.statuses[-2:] == ["cancelling", "cancelled"]

    def test_an_order_that_was_never_confirmed_has_no_parcel_that_is_gone(self, resumption: Machine) -> None:
        resumption.functions.always("CancelShipment", "AlreadyDispatched")

        assert resumption.run()["error"] == "OrderParked"

        kept = json.loads(resumption.stored["parked_state"])
        assert kept["refuse_cancellation_error"]["Error"] == "IllegalTransition"

    @pytest.mark.parametrize("broken", PARTS)
    def test_a_part_that_still_cannot_be_undone_parks_it_again_to_be_resumed_again(
        self, resumption: Machine, broken: str
    ) -> None:
        resumption.functions.always(broken, "Broken")

        assert resumption.run()["error"] == "OrderParked"

        assert resumption.statuses == ["placed", "abandoned", "parked", "abandoned", "parked"]
        kept = json.loads(resumption.stored["parked_state"])
        assert kept[ERROR[broken]]["Error"] == "Broken"
        resumption.change(resume)
        assert resumption.stored["resumptions"] == 2

    def test_an_order_that_is_rejected_is_not_parked_because_an_answer_was_lost(
        self, resumption: Machine
    ) -> None:
        resumption.functions.lose_answers_of("CancelOrder")

        assert resumption.run()["status"] == "SUCCEEDED"

        assert resumption.functions.commands[-1] == "ParkOrder"
        assert resumption.stored["status"] == "rejected"

    def test_the_order_may_have_been_erased(self, make_machine: MakeMachine) -> None:
        machine = make_machine(DEFINITION)
        for change in (abandon, park, lambda order: order.erase(utc_now()), resume):
            machine.change(change)
        machine.order = example("orders_steps_cancel")["order"]

        assert machine.run()["status"] == "SUCCEEDED"

        assert (machine.stored["status"], machine.stored["payment_token"]) == ("rejected", "")

"""The order saga as it is shipped: its structure, and its runs in moto's interpreter."""

import ast
import json
import re
import threading
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import pytest

from orders.domain.order import Order
from orders.domain.status import Canceller, CannotBeCancelled
from shared.clock import utc_now
from tests.component.orders.machines import (
    ROOT,
    TIMED_OUT,
    Functions,
    Machine,
    MakeMachine,
    steps_of,
    wiring,
)

DEFINITION = (ROOT / "statemachines" / "order_saga.asl.json").read_text()
STATES: dict[str, dict[str, Any]] = json.loads(DEFINITION)["States"]
TASKS = sorted(name for name, state in STATES.items() if state["Type"] == "Task")
STEPS = ["ReserveStock", "AuthorizePayment", "CreateShipment", "ConfirmOrder"]
COMPENSATION = {
    "ReserveStock": "ReleaseStock",
    "AuthorizePayment": "VoidPayment",
    "CreateShipment": "CancelShipment",
}
COMPENSATIONS = [COMPENSATION[step] for step in reversed(STEPS) if step in COMPENSATION]


def caught(state: str) -> str:
    """Where any failure of `state` leads."""
    [catch] = [entry for entry in STATES[state]["Catch"] if entry["ErrorEquals"] == ["States.ALL"]]
    target: str = catch["Next"]
    return target


def successors(state: str) -> set[str]:
    """Where `state` may lead."""
    definition = STATES[state]
    choices = {choice["Next"] for choice in definition.get("Choices", [])}
    catches = {entry["Next"] for entry in definition.get("Catch", [])}
    onwards = {definition[key] for key in ("Next", "Default") if key in definition}
    return choices | catches | onwards


def paths(state: str, before: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every way from `state` to an end; fails on a loop."""
    assert state not in before, f"{state} leads back to itself by {before}"
    path = (*before, state)
    following = successors(state)
    if not following:
        yield path
    for successor in following:
        yield from paths(successor, path)


def result_paths(state: str) -> list[str]:
    """Everything that `state` may write into the saga's state."""
    definition = STATES[state]
    return [definition["ResultPath"], *(entry["ResultPath"] for entry in definition["Catch"])]


class TestStructure:
    def test_the_steps_are_taken_in_order(self) -> None:
        assert json.loads(DEFINITION)["StartAt"] == STEPS[0]
        assert [STATES[step]["Next"] for step in STEPS] == [*STEPS[1:], "OrderConfirmed"]

    @pytest.mark.parametrize("task", TASKS)
    def test_every_task_ends_in_time_is_retried_and_catches_everything(self, task: str) -> None:
        definition = STATES[task]
        assert definition["TimeoutSeconds"] > 0
        assert definition["Retry"]
        assert definition["Catch"][-1]["ErrorEquals"] == ["States.ALL"]
        assert "End" not in definition

    @pytest.mark.parametrize("step", [step for step in STEPS if step in COMPENSATION])
    def test_a_failed_step_is_undone_itself_and_then_all_before_it_in_reverse(self, step: str) -> None:
        """Its own compensation too: a step that failed may have taken effect with its answer lost."""
        taken = STEPS[: STEPS.index(step) + 1]
        undone = [COMPENSATION[earlier] for earlier in reversed(taken)]

        for path in paths(caught(step)):
            assert [state for state in path if state in COMPENSATIONS] == undone
            assert path[: len(undone)] == tuple(undone), "nothing comes between a failure and its undoing"

    def test_an_order_that_was_not_confirmed_is_undone_altogether(self) -> None:
        assert caught("ConfirmOrder") == "CheckConfirmation"
        assert STATES["WasConfirmed"]["Default"] == COMPENSATIONS[0]

    @pytest.mark.parametrize("compensation", COMPENSATIONS)
    def test_a_compensation_that_fails_goes_on_like_one_that_succeeds(self, compensation: str) -> None:
        assert caught(compensation) == STATES[compensation]["Next"]

    @pytest.mark.parametrize("compensation", COMPENSATIONS)
    def test_a_compensation_that_failed_parks_the_order(self, compensation: str) -> None:
        [choice] = STATES["IsAllUndone"]["Choices"]
        assert choice["Next"] == "ParkOrder"
        parking = {condition["Variable"] for condition in choice["Or"] if condition["IsPresent"]}
        [catch] = STATES[compensation]["Catch"]
        assert catch["ResultPath"] in parking

    def test_every_path_ends_and_says_how(self) -> None:
        ends = defaultdict(set)
        for path in paths(STEPS[0]):
            ends[STATES[path[-1]]["Type"]].add(path[-1])
        assert ends == {
            "Succeed": {"OrderConfirmed", "OrderRejected", "OrderCancelled"},
            "Fail": {"OrderParked"},
        }

    def test_every_state_can_be_reached(self) -> None:
        assert {state for path in paths(STEPS[0]) for state in path} == set(STATES)

    @pytest.mark.parametrize("task", TASKS)
    def test_no_result_and_no_error_takes_the_orders_place(self, task: str) -> None:
        for path in result_paths(task):
            assert re.fullmatch(r"\$\.[a-z_]+", path), "a result has a field of its own"
            assert path != "$.order"

    def test_the_error_that_ended_the_order_is_kept(self) -> None:
        writers = {task for task in TASKS if "$.error" in result_paths(task)}
        assert writers == set(STEPS)

    @pytest.mark.parametrize("task", [*STEPS, "CheckConfirmation", *COMPENSATIONS])
    def test_steps_and_compensations_are_given_the_order_alone(self, task: str) -> None:
        given = dict(STATES[task]["Parameters"]["Payload"])
        # The name of the step, if the function has several.
        given.pop("step", None)
        assert given == {"order.$": "$.order"}

    def test_every_error_that_is_retried_by_name_is_one_that_a_service_raises(self) -> None:
        raised = {
            node.name
            for module in (*ROOT.glob("services/*/*/**/*.py"), *ROOT.glob("shared_layer/shared/*.py"))
            for node in ast.walk(ast.parse(module.read_text()))
            if isinstance(node, ast.ClassDef)
        }
        retried = {
            error for task in TASKS for retrier in STATES[task]["Retry"] for error in retrier["ErrorEquals"]
        }
        ours = {error for error in retried if not error.startswith(("Lambda.", "States."))}
        assert ours
        assert ours <= raised


@pytest.fixture(scope="module")
def wired() -> dict[str, dict[str, Any]]:
    """The properties of the function that the template wires to each task."""
    return wiring("OrderSaga", {task: STATES[task] for task in TASKS})


class TestWiring:
    """The template's side: which function each state invokes, and how long it may take."""

    def test_each_state_invokes_the_function_it_is_named_after(self, wired: dict[str, Any]) -> None:
        assert {task: properties["Handler"] for task, properties in wired.items()} == {
            "ReserveStock": "inventory.functions.steps.handler",
            "ReleaseStock": "inventory.functions.steps.handler",
            "AuthorizePayment": "payments.functions.steps.handler",
            "VoidPayment": "payments.functions.steps.handler",
            "CreateShipment": "shipping.functions.steps.handler",
            "CancelShipment": "shipping.functions.steps.handler",
            "ConfirmOrder": "orders.functions.steps.handler",
            "CheckConfirmation": "orders.functions.steps.handler",
            "RejectOrder": "orders.functions.steps.handler",
            "ParkOrder": "orders.functions.steps.handler",
        }

    def test_each_state_passes_orders_function_the_step_it_is_named_after(self) -> None:
        steps = steps_of({task: STATES[task] for task in TASKS})
        assert (
            steps.items()
            >= {
                "ConfirmOrder": "confirm",
                "CheckConfirmation": "check_confirmation",
                "RejectOrder": "reject",
                "ParkOrder": "park",
            }.items()
        )

    @pytest.mark.parametrize("task", TASKS)
    def test_a_state_waits_longer_than_its_function_can_run(self, wired: dict[str, Any], task: str) -> None:
        """Otherwise a step that is still running would be undone, or run twice at once."""
        assert STATES[task]["TimeoutSeconds"] > wired[task]["Timeout"]


@pytest.fixture
def saga(make_machine: MakeMachine) -> Machine:
    return make_machine(DEFINITION)


@pytest.fixture
def functions(saga: Machine) -> Functions:
    return saga.functions


class TestRuns:
    def test_an_order_that_everything_is_well_with_is_confirmed(self, saga: Machine) -> None:
        assert saga.run()["status"] == "SUCCEEDED"
        assert saga.functions.commands == STEPS
        assert saga.stored["status"] == "confirmed"

    @pytest.mark.parametrize(
        ("step", "error", "reason"),
        [
            ("ReserveStock", "OutOfStock", "out_of_stock"),
            ("ReserveStock", TIMED_OUT, "technical_failure"),
            ("AuthorizePayment", "CardDeclined", "payment_declined"),
            ("AuthorizePayment", TIMED_OUT, "technical_failure"),
            ("CreateShipment", "AddressNotServed", "address_not_served"),
            ("CreateShipment", TIMED_OUT, "technical_failure"),
        ],
    )
    def test_a_step_that_fails_is_undone_with_all_before_it_and_the_order_records_why(
        self, saga: Machine, functions: Functions, step: str, error: str, reason: str
    ) -> None:
        functions.always(step, error)

        assert saga.run()["status"] == "SUCCEEDED"

        taken = STEPS[: STEPS.index(step) + 1]
        undone = [COMPENSATION[earlier] for earlier in reversed(taken)]
        assert functions.commands == [*taken, *undone, "RejectOrder"]
        assert (saga.stored["status"], saga.stored["rejection_reason"]) == ("rejected", reason)
        [event] = saga.stored["outbox"]
        assert (event["event_type"], event["data"]["reason"]) == ("order.rejected", reason)

    def test_a_step_that_never_answers_is_undone(self, make_machine: MakeMachine) -> None:
        """The state's own timeout, for when not even Lambda says that the time is over."""
        short_timeout = json.loads(DEFINITION)
        short_timeout["States"]["AuthorizePayment"]["TimeoutSeconds"] = 1
        saga = make_machine(json.dumps(short_timeout))
        answered = threading.Event()
        answer, states = saga.functions.invoke, saga.functions.states

        def hang(function: str, given: dict[str, Any]) -> dict[str, Any]:
            if states[function, given.get("step")] == "AuthorizePayment":
                answered.wait(30)
            return answer(function, given)

        saga.functions.invoke = hang  # type: ignore[method-assign]
        try:
            assert saga.run()["status"] == "SUCCEEDED"
        finally:
            answered.set()
        assert saga.stored["status"] == "rejected"
        assert saga.functions.commands[:4] == ["ReserveStock", "VoidPayment", "ReleaseStock", "RejectOrder"]

    @pytest.mark.parametrize(
        ("step", "error"),
        [
            ("ReserveStock", "WriteConflict"),
            ("AuthorizePayment", "ProviderUnavailable"),
            ("CreateShipment", "Lambda.TooManyRequestsException"),
            ("ConfirmOrder", "WriteConflict"),
        ],
    )
    def test_a_passing_failure_is_tried_again(
        self, saga: Machine, functions: Functions, step: str, error: str
    ) -> None:
        functions.script(step, error, error)

        assert saga.run()["status"] == "SUCCEEDED"

        assert functions.commands == [name for name in STEPS for _ in range(3 if name == step else 1)]
        assert saga.stored["status"] == "confirmed"

    def test_a_confirmation_that_failed_is_ruled_out_before_anything_is_undone(
        self, saga: Machine, functions: Functions
    ) -> None:
        functions.always("ConfirmOrder", TIMED_OUT)

        assert saga.run()["status"] == "SUCCEEDED"

        assert functions.commands == [*STEPS, "CheckConfirmation", *COMPENSATIONS, "RejectOrder"]
        assert [entry["status"] for entry in saga.stored["history"]] == ["placed", "abandoned", "rejected"]

    def test_a_confirmation_whose_answer_was_lost_stands(self, saga: Machine, functions: Functions) -> None:
        functions.lose_answers_of("ConfirmOrder")

        assert saga.run()["status"] == "SUCCEEDED"

        assert functions.commands == [*STEPS, "CheckConfirmation"]
        assert saga.stored["status"] == "confirmed"

    @pytest.mark.parametrize("compensation", COMPENSATIONS)
    def test_a_compensation_that_keeps_failing_stops_no_other_and_parks_the_order(
        self, saga: Machine, functions: Functions, compensation: str
    ) -> None:
        functions.always("CreateShipment", "AddressNotServed")
        functions.always(compensation, "Broken")

        ended = saga.run()

        assert (ended["status"], ended["error"]) == ("FAILED", "OrderParked")
        undoing = [name for name in functions.commands if name in COMPENSATIONS]
        assert undoing.count(compensation) == 5
        assert sorted(set(undoing), key=undoing.index) == COMPENSATIONS
        assert functions.commands[-1] == "ParkOrder"
        assert saga.stored["status"] == "parked"

    def test_a_parked_order_keeps_the_first_error_and_those_of_the_compensations(
        self, saga: Machine, functions: Functions
    ) -> None:
        functions.always("CreateShipment", "AddressNotServed")
        functions.always("VoidPayment", "PaymentRefused")
        functions.always("ReleaseStock", TIMED_OUT)

        saga.run()

        kept = json.loads(saga.stored["parked_state"])
        errors = {name: value["Error"] for name, value in kept.items() if name.endswith("error")}
        assert errors == {
            "error": "AddressNotServed",
            "void_payment_error": "PaymentRefused",
            "release_stock_error": TIMED_OUT,
        }
        assert kept["shipment_cancellation"] == {"cancelled": True}
        assert kept["order"]["order_id"] == saga.order["order_id"]

    def test_a_compensation_that_succeeds_in_the_end_parks_nothing(
        self, saga: Machine, functions: Functions
    ) -> None:
        functions.always("AuthorizePayment", "CardDeclined")
        functions.script("VoidPayment", "ProviderUnavailable", TIMED_OUT)

        assert saga.run()["status"] == "SUCCEEDED"

        assert functions.commands.count("VoidPayment") == 3
        assert saga.stored["status"] == "rejected"

    def test_compensations_are_given_the_order_and_never_the_error(
        self, saga: Machine, functions: Functions
    ) -> None:
        functions.always("CreateShipment", "AddressNotServed")
        functions.always("CancelShipment", "Broken")

        saga.run()

        given = [given for name, given in functions.calls if name in COMPENSATIONS]
        assert given
        assert all(payload | {"step": ""} == {"step": "", "order": saga.order} for payload in given)

    def test_an_order_whose_confirmation_cannot_be_looked_up_is_parked_and_can_no_more_be_confirmed(
        self, saga: Machine, functions: Functions
    ) -> None:
        functions.always("ConfirmOrder", TIMED_OUT)
        functions.always("CheckConfirmation", TIMED_OUT)

        assert saga.run()["error"] == "OrderParked"

        assert not set(functions.commands) & set(COMPENSATIONS), "it may yet turn out that the order stands"
        assert saga.stored["status"] == "parked"

    @pytest.mark.parametrize(
        ("lost", "status"),
        [({"ConfirmOrder", "CheckConfirmation"}, "confirmed"), ({"RejectOrder"}, "rejected")],
    )
    def test_an_order_that_is_final_is_not_parked_because_answers_were_lost(
        self, saga: Machine, functions: Functions, lost: set[str], status: str
    ) -> None:
        if status == "rejected":
            functions.always("ReserveStock", "OutOfStock")
        for function in lost:
            functions.lose_answers_of(function)

        assert saga.run()["status"] == "SUCCEEDED"

        assert functions.commands[-1] == "ParkOrder"
        assert saga.stored["status"] == status

    def test_a_confirmed_order_that_is_being_cancelled_is_not_parked_by_its_saga(
        self, saga: Machine, functions: Functions
    ) -> None:
        """Whether it was confirmed could not be looked up; its cancellation undoes it all the same."""
        functions.lose_answers_of("ConfirmOrder")
        functions.always("CheckConfirmation", TIMED_OUT)
        functions.before("CheckConfirmation", lambda: saga.change(request_cancellation))

        assert saga.run()["status"] == "SUCCEEDED"

        assert functions.commands[-1] == "ParkOrder"
        assert saga.statuses == ["placed", "confirmed", "cancelling"]

    def test_an_order_that_cannot_even_be_parked_ends_the_saga_as_failed(
        self, saga: Machine, functions: Functions
    ) -> None:
        functions.always("AuthorizePayment", "CardDeclined")
        functions.always("VoidPayment", "Broken")
        functions.always("ParkOrder", "Broken")

        ended = saga.run()

        assert (ended["status"], ended["error"]) == ("FAILED", "OrderParked")
        assert json.loads(ended["input"])["order"] == saga.order, "the execution keeps the order"


def request_cancellation(order: Order) -> tuple[Order, Any]:
    return order.request_cancellation(Canceller.CUSTOMER, utc_now())


class TestCancellationMeanwhile:
    """The customer cancels while the saga runs: exactly one of the confirmation and the cancellation comes first."""

    @pytest.mark.parametrize("step", STEPS)
    def test_before_the_confirmation_the_saga_undoes_everything_and_the_order_is_cancelled(
        self, saga: Machine, functions: Functions, step: str
    ) -> None:
        functions.before(step, lambda: saga.change(request_cancellation))

        assert saga.run()["status"] == "SUCCEEDED"

        assert functions.commands == [*STEPS, "CheckConfirmation", *COMPENSATIONS, "RejectOrder"]
        assert saga.statuses == ["placed", "cancelling", "cancelled"]
        [event] = saga.stored["outbox"]
        assert (event["event_type"], event["data"]["by"]) == ("order.cancelled", "customer")

    def test_before_the_saga_has_even_started(self, saga: Machine, functions: Functions) -> None:
        saga.change(request_cancellation)

        assert saga.run()["status"] == "SUCCEEDED"

        assert functions.commands[-4:] == [*COMPENSATIONS, "RejectOrder"]
        assert saga.stored["status"] == "cancelled"

    def test_after_the_confirmation_the_saga_undoes_nothing(self, saga: Machine) -> None:
        saga.run()
        saga.change(request_cancellation)

        assert saga.functions.commands == STEPS
        assert saga.statuses == ["placed", "confirmed", "cancelling"]
        assert [event["event_type"] for event in saga.stored["outbox"]] == ["order.cancellation_requested"]

    @pytest.mark.parametrize("lost", [True, False])
    def test_between_a_confirmation_and_its_check_the_order_is_undone_by_one_alone(
        self, saga: Machine, functions: Functions, lost: bool
    ) -> None:
        """By its cancellation when the confirmation took effect and only its answer was lost; otherwise by the saga."""
        if lost:
            functions.lose_answers_of("ConfirmOrder")
        else:
            functions.always("ConfirmOrder", TIMED_OUT)
        functions.before("CheckConfirmation", lambda: saga.change(request_cancellation))

        assert saga.run()["status"] == "SUCCEEDED"

        assert (set(COMPENSATIONS) <= set(functions.commands)) is not lost
        assert saga.stored["status"] == ("cancelling" if lost else "cancelled")

    @pytest.mark.parametrize("undoing", [*COMPENSATIONS, "RejectOrder"])
    def test_a_saga_that_fails_by_itself_leaves_an_order_that_was_to_be_cancelled_cancelled(
        self, saga: Machine, functions: Functions, undoing: str
    ) -> None:
        functions.always("CreateShipment", "AddressNotServed")
        functions.before(undoing, lambda: saga.change(request_cancellation))

        assert saga.run()["status"] == "SUCCEEDED"

        assert functions.commands == [*STEPS[:3], *COMPENSATIONS, "RejectOrder"]
        assert saga.statuses == ["placed", "cancelling", "cancelled"]
        assert "rejection_reason" not in saga.stored

    def test_after_the_rejection_there_is_nothing_to_cancel(
        self, saga: Machine, functions: Functions
    ) -> None:
        functions.always("AuthorizePayment", "CardDeclined")
        saga.run()
        with pytest.raises(CannotBeCancelled):
            saga.change(request_cancellation)

    def test_a_failed_compensation_parks_an_order_that_was_to_be_cancelled(
        self, saga: Machine, functions: Functions
    ) -> None:
        functions.before("ConfirmOrder", lambda: saga.change(request_cancellation))
        functions.always("VoidPayment", "PaymentRefused")

        assert saga.run()["error"] == "OrderParked"

        assert saga.statuses == ["placed", "cancelling", "parked"]

    def test_a_cancelled_order_is_not_parked_because_an_answer_was_lost(
        self, saga: Machine, functions: Functions
    ) -> None:
        saga.change(request_cancellation)
        functions.lose_answers_of("RejectOrder")

        assert saga.run()["status"] == "SUCCEEDED"

        assert functions.commands[-1] == "ParkOrder"
        assert saga.stored["status"] == "cancelled"

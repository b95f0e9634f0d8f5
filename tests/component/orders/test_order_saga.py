"""The order saga as it is shipped: its structure, and its runs in moto's interpreter."""

import ast
import json
import re
import threading
from typing import Any

import pytest
from botocore.exceptions import ClientError

from orders.domain.order import Order
from orders.domain.status import Canceller, CannotBeCancelled
from shared.clock import utc_now
from tests.component.orders.machines import (
    ROOT,
    TIMED_OUT,
    Functions,
    Machine,
    MakeMachine,
    paths,
    result_paths,
    steps_of,
    wiring,
)
from tests.unit.test_account_limits import seconds_of
from tools.contracts.template import resources

DEFINITION = (ROOT / "statemachines" / "order_saga.asl.json").read_text()
STATES: dict[str, dict[str, Any]] = json.loads(DEFINITION)["States"]
TASKS = sorted(STATES)
STEPS = ["ReserveStock", "AuthorizePayment", "CreateShipment", "ConfirmOrder"]
# Step Functions ends an EXPRESS execution after five minutes:
# https://docs.aws.amazon.com/step-functions/latest/dg/choosing-workflow-type.html
LONGEST_SECONDS = 300


class TestStructure:
    def test_the_steps_are_taken_in_order_and_the_last_of_them_ends_the_saga(self) -> None:
        assert json.loads(DEFINITION)["StartAt"] == STEPS[0]
        assert [STATES[step].get("Next") for step in STEPS] == [*STEPS[1:], None]
        assert STATES[STEPS[-1]]["End"]

    @pytest.mark.parametrize("step", STEPS)
    def test_every_step_ends_in_time_is_retried_and_any_failure_abandons_the_order(self, step: str) -> None:
        definition = STATES[step]
        assert definition["TimeoutSeconds"] > 0
        assert definition["Retry"]
        assert [(catch["ErrorEquals"], catch["Next"]) for catch in definition["Catch"]] == [
            (["States.ALL"], "AbandonOrder")
        ]

    def test_nothing_comes_between_a_failure_and_the_abandonment_and_nothing_after_it(self) -> None:
        assert STATES["AbandonOrder"]["End"]
        assert set(paths(STATES, STEPS[0])) == {
            (*STEPS[: failed + 1], "AbandonOrder") for failed in range(len(STEPS))
        }

    def test_a_state_costs_one_transition_and_there_is_none_but_tasks(self) -> None:
        assert {definition["Type"] for definition in STATES.values()} == {"Task"}
        assert {state for path in paths(STATES, STEPS[0]) for state in path} == set(STATES)

    @pytest.mark.parametrize("task", TASKS)
    def test_no_result_and_no_error_takes_the_orders_place(self, task: str) -> None:
        for path in result_paths(STATES[task]):
            assert re.fullmatch(r"\$\.[a-z_]+", path), "a result has a field of its own"
            assert path != "$.order"

    @pytest.mark.parametrize("step", STEPS)
    def test_steps_are_given_the_order_alone(self, step: str) -> None:
        given = dict(STATES[step]["Parameters"]["Payload"])
        # The name of the step, since the function has several.
        del given["step"]
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
        assert ours <= {*raised, ClientError.__name__}


class TestExpress:
    """Step Functions keeps nothing of an EXPRESS execution, and ends it after five minutes wherever it is."""

    def test_the_saga_is_express_and_logs_failures_alone_without_personal_data(self) -> None:
        properties = resources()["OrderSaga"]["Properties"]
        logging = properties["Logging"]
        assert (properties["Type"], logging["Level"], logging["IncludeExecutionData"]) == (
            "EXPRESS",
            "ERROR",
            False,
        )

    def test_it_ends_by_itself_before_step_functions_ends_it_and_before_the_reconciler_starts_another(
        self,
    ) -> None:
        reconciler = resources()["OrdersReconcileFunction"]["Properties"]["Environment"]["Variables"]
        longest = json.loads(DEFINITION)["TimeoutSeconds"]
        assert longest < LONGEST_SECONDS
        assert longest < int(reconciler["OVERDUE_AFTER_SECONDS"])

    @pytest.mark.parametrize("slow", STEPS)
    def test_there_is_time_for_the_longest_retries_of_one_step_and_for_all_others_at_their_slowest(
        self, slow: str
    ) -> None:
        waits = max(seconds_of(retrier) for retrier in STATES[slow]["Retry"])
        tries = sum(definition["TimeoutSeconds"] for definition in STATES.values())
        assert waits + tries < json.loads(DEFINITION)["TimeoutSeconds"]


@pytest.fixture(scope="module")
def wired() -> dict[str, dict[str, Any]]:
    """The properties of the function that the template wires to each task."""
    return wiring("OrderSaga", STATES)


class TestWiring:
    """The template's side: which function each state invokes, and how long it may take."""

    def test_each_state_invokes_the_function_it_is_named_after(self, wired: dict[str, Any]) -> None:
        assert {task: properties["Handler"] for task, properties in wired.items()} == {
            "ReserveStock": "inventory.functions.steps.handler",
            "AuthorizePayment": "payments.functions.steps.handler",
            "CreateShipment": "shipping.functions.steps.handler",
            "ConfirmOrder": "orders.functions.steps.handler",
            "AbandonOrder": "orders.functions.steps.handler",
        }

    def test_each_state_passes_its_function_the_step_it_is_named_after(self) -> None:
        assert steps_of(STATES) == {
            "ReserveStock": "reserve",
            "AuthorizePayment": "authorize",
            "CreateShipment": "create",
            "ConfirmOrder": "confirm",
            "AbandonOrder": "abandon",
        }

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


def request_cancellation(order: Order) -> tuple[Order, Any]:
    return order.request_cancellation(Canceller.CUSTOMER, utc_now())


def published(saga: Machine) -> list[str]:
    """The events of the order's last change."""
    return [event["event_type"] for event in saga.stored["outbox"]]


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
            ("ConfirmOrder", TIMED_OUT, "technical_failure"),
        ],
    )
    def test_a_step_that_fails_abandons_the_order_which_records_why_and_asks_to_be_undone(
        self, saga: Machine, functions: Functions, step: str, error: str, reason: str
    ) -> None:
        functions.always(step, error)

        assert saga.run()["status"] == "SUCCEEDED"

        assert functions.commands == [*STEPS[: STEPS.index(step) + 1], "AbandonOrder"]
        assert (saga.statuses, saga.stored["failed_because"]) == (["placed", "abandoned"], reason)
        assert published(saga) == ["order.abandoned"]

    def test_a_step_that_never_answers_abandons_the_order(self, make_machine: MakeMachine) -> None:
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
        assert saga.stored["status"] == "abandoned"
        assert saga.functions.commands[:2] == ["ReserveStock", "AbandonOrder"]

    @pytest.mark.parametrize(
        ("step", "error"),
        [
            ("ReserveStock", "WriteConflict"),
            ("AuthorizePayment", "ProviderUnavailable"),
            ("AuthorizePayment", "ClientError"),
            ("CreateShipment", "ClientError"),
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

    def test_a_confirmation_whose_answer_was_lost_stands(self, saga: Machine, functions: Functions) -> None:
        functions.lose_answers_of("ConfirmOrder")

        assert saga.run()["status"] == "SUCCEEDED"

        assert functions.commands == [*STEPS, "AbandonOrder"]
        assert saga.statuses == ["placed", "confirmed"]

    def test_an_abandonment_that_is_tried_again_abandons_once(
        self, saga: Machine, functions: Functions
    ) -> None:
        functions.always("AuthorizePayment", "CardDeclined")
        functions.script("AbandonOrder", TIMED_OUT, "Lambda.TooManyRequestsException")

        assert saga.run()["status"] == "SUCCEEDED"

        assert functions.commands.count("AbandonOrder") == 3
        assert (saga.statuses, saga.stored["version"]) == (["placed", "abandoned"], 2)

    def test_an_order_that_cannot_even_be_abandoned_ends_the_saga_as_failed(
        self, saga: Machine, functions: Functions
    ) -> None:
        functions.always("AuthorizePayment", "CardDeclined")
        functions.always("AbandonOrder", "Broken")

        ended = saga.run()

        assert (ended["status"], ended["error"]) == ("FAILED", "Broken")
        assert saga.statuses == ["placed"], "the reconciler starts it again, and abandons it in the end"


class TestSeveralAtOnce:
    """Step Functions may run any number of sagas of one order."""

    def test_a_second_saga_of_a_confirmed_order_changes_nothing(self, saga: Machine) -> None:
        saga.run()
        stored = saga.stored

        assert saga.run()["status"] == "SUCCEEDED"

        assert saga.functions.commands == STEPS * 2
        assert saga.stored == stored

    def test_a_saga_that_fails_after_another_one_confirmed_the_order_undoes_nothing(
        self, saga: Machine, functions: Functions
    ) -> None:
        saga.run()
        functions.always("CreateShipment", TIMED_OUT)

        assert saga.run()["status"] == "SUCCEEDED"

        assert (saga.statuses, published(saga)) == (["placed", "confirmed"], ["order.confirmed"])

    def test_a_saga_that_goes_on_after_another_one_abandoned_the_order_cannot_confirm_it(
        self, saga: Machine, functions: Functions
    ) -> None:
        functions.script("CreateShipment", "AddressNotServed")
        saga.run()
        stored = saga.stored

        assert saga.run()["status"] == "SUCCEEDED"

        assert functions.commands[-len(STEPS) - 1 :] == [*STEPS, "AbandonOrder"]
        assert saga.stored == stored


class TestCancellationMeanwhile:
    """The customer cancels while the saga runs: exactly one of the confirmation and the cancellation comes first."""

    @pytest.mark.parametrize("step", STEPS)
    def test_before_the_confirmation_the_order_cannot_be_confirmed_and_the_cancellation_undoes_it(
        self, saga: Machine, functions: Functions, step: str
    ) -> None:
        functions.before(step, lambda: saga.change(request_cancellation))

        assert saga.run()["status"] == "SUCCEEDED"

        assert functions.commands == [*STEPS, "AbandonOrder"]
        assert saga.statuses == ["placed", "cancelling"]
        assert published(saga) == ["order.cancellation_requested"]

    def test_an_order_that_is_abandoned_can_still_be_cancelled(
        self, saga: Machine, functions: Functions
    ) -> None:
        functions.always("CreateShipment", "AddressNotServed")
        saga.run()

        saga.change(request_cancellation)

        assert saga.statuses == ["placed", "abandoned", "cancelling"]

    def test_after_the_rejection_there_is_nothing_to_cancel(
        self, saga: Machine, functions: Functions
    ) -> None:
        functions.always("AuthorizePayment", "CardDeclined")
        saga.run()
        saga.change(lambda order: order.cancel(utc_now()))

        with pytest.raises(CannotBeCancelled):
            saga.change(request_cancellation)

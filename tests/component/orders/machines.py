"""The state machines of orders in moto's interpreter.

In a run the functions of orders are the real ones, on a pretended table. The test scripts the other services' answers.
"""

import io
import json
import re
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import boto3
import pytest

from orders.domain.order import Order
from tests.component.machine_interpreter import interpreting
from tests.component.orders.account import OrdersAccount, orders_account
from tests.component.orders.functions import example
from tools.contracts.template import template

ROOT = Path(__file__).parents[3]

# Step Functions' own name for a function that ran out of its time.
TIMED_OUT = "Sandbox.Timedout"

Answer = dict[str, Any] | str
# What the functions of other services answer, unless a test says otherwise.
UNSCRIPTED: dict[str, Answer] = {
    "ReserveStock": {"reservation_id": "res-1"},
    "ReleaseStock": {"released": True},
    "AuthorizePayment": {"payment_id": "pay-1", "provider_reference": "pi_1"},
    "VoidPayment": {"voided": True},
    "CreateShipment": {"shipment_id": "shp-1"},
    "CancelShipment": {"cancelled": True},
}
# The states whose function is orders' own.
_OF_ORDERS = {
    "ConfirmOrder",
    "AbandonOrder",
    "ParkOrder",
    "CancelOrder",
    "RefuseCancellation",
}


class Functions:
    """The functions that the state machine invokes, each by the name of its state, and the calls of them.

    A function of orders runs its handler, the others do what they should. `script` sets what comes first: an answer,
    or the name of the error to fail with. `always` sets it for every call. `before` does something when a function is
    first called, before it runs.
    """

    def __init__(self, context: Any) -> None:
        self._context = context
        self._scripts: dict[str, list[Answer]] = defaultdict(list)
        self._always: dict[str, str] = {}
        self._losing: set[str] = set()
        self._before: dict[str, Callable[[], Any]] = {}
        self.calls: list[tuple[str, dict[str, Any]]] = []
        # The state that invokes each function, by the function and its step.
        self.states: dict[tuple[str, str | None], str] = {}

    @property
    def commands(self) -> list[str]:
        """The functions in the order in which they were invoked."""
        return [name for name, _ in self.calls]

    def script(self, function: str, *answers: Answer) -> None:
        """The first calls of `function` are answered so."""
        self._scripts[function] += answers

    def always(self, function: str, error: str) -> None:
        """Every call of `function` fails with `error`, and has no effect."""
        self._always[function] = error

    def lose_answers_of(self, function: str) -> None:
        """Every call of `function` has its effect, and runs out of time before it answers."""
        self._losing.add(function)

    def before(self, function: str, what: Callable[[], Any]) -> None:
        """Does `what` when `function` is called for the first time, before it runs."""
        self._before[function] = what

    def invoke(self, function: str, given: dict[str, Any]) -> dict[str, Any]:
        """Lambda's answer to an invocation."""
        step = given.pop("step", None)
        function = self.states[function, step]
        self.calls.append((function, given))
        self._before.pop(function, lambda: None)()
        try:
            answer = self._answer(function, {**given, **({"step": step} if step else {})})
        except Exception as error:  # noqa: BLE001 - as Lambda does: the class of any exception is the error's name
            answer = type(error).__name__
        if function in self._losing:
            answer = TIMED_OUT
        if isinstance(answer, str):
            failure = {"errorType": answer, "errorMessage": "as the test scripts it"}
            return {"StatusCode": 200, "FunctionError": "Unhandled", "Payload": _body(failure)}
        return {"StatusCode": 200, "Payload": _body(answer)}

    def _answer(self, function: str, given: dict[str, Any]) -> Answer:
        if function in self._always:
            return self._always[function]
        if self._scripts[function]:
            return self._scripts[function].pop(0)
        if function in _OF_ORDERS:
            from orders.functions.steps import handler

            return handler(given, self._context)
        return UNSCRIPTED[function]


def _body(answer: Any) -> io.BytesIO:
    return io.BytesIO(json.dumps(answer).encode())


class Machine:
    """A state machine, with an order that was placed to run it on."""

    def __init__(self, account: OrdersAccount, functions: Functions, definition: str) -> None:
        self._account = account
        self.functions = functions
        functions.states |= {
            (task["Parameters"]["FunctionName"][2 : -len("FunctionArn}")], _step_of(task)): name
            for name, task in tasks_of(json.loads(definition)).items()
        }
        self._sfn = boto3.client("stepfunctions")
        self.arn: str = self._sfn.create_state_machine(
            name="machine",
            definition=re.sub(r"\$\{(\w+)FunctionArn\}", r"\1", definition),
            roleArn="arn:aws:iam::123456789012:role/machine",
        )["stateMachineArn"]
        placed = example("orders_relay")
        boto3.client("dynamodb").put_item(
            TableName="orders", Item=placed["Records"][0]["dynamodb"]["NewImage"]
        )
        self.order: dict[str, Any] = example("orders_steps_confirm")["order"]

    def run(self, **more: bool) -> dict[str, Any]:
        """Runs the machine to its end and returns the execution as Step Functions describes it. Its input is the order
        and `more`."""
        execution = self._sfn.start_execution(
            stateMachineArn=self.arn, name=str(uuid4()), input=json.dumps({"order": self.order, **more})
        )["executionArn"]
        return self.ended(execution)

    def ended(self, execution: str) -> dict[str, Any]:
        """The execution once it has ended, as Step Functions describes it."""
        deadline = time.monotonic() + 120
        pause = threading.Event()
        while True:
            described = self._sfn.describe_execution(executionArn=execution)
            if described["status"] != "RUNNING":
                return dict(described)
            assert time.monotonic() < deadline, f"still running after {self.functions.commands}"
            pause.wait(0.01)

    def change(self, change: Callable[[Order], tuple[Order, Any]]) -> None:
        """Changes the order as the API or another function does."""
        from orders.dependencies import order_store

        order_store().change(self.order["order_id"], change)

    @property
    def stored(self) -> dict[str, Any]:
        """The order as it is stored."""
        return self._account.order(self.order["order_id"])

    @property
    def statuses(self) -> list[str]:
        """The statuses that the order has gone through."""
        return [entry["status"] for entry in self.stored["history"]]


def tasks_of(definition: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The task states of a machine, by name."""
    return {name: state for name, state in definition["States"].items() if state["Type"] == "Task"}


def successors(definition: dict[str, Any]) -> set[str]:
    """Where a state may lead."""
    choices = {choice["Next"] for choice in definition.get("Choices", [])}
    catches = {entry["Next"] for entry in definition.get("Catch", [])}
    onwards = {definition[key] for key in ("Next", "Default") if key in definition}
    return choices | catches | onwards


def paths(
    states: dict[str, dict[str, Any]], state: str, before: tuple[str, ...] = ()
) -> Iterator[tuple[str, ...]]:
    """Every way from `state` to an end; fails on a loop."""
    assert state not in before, f"{state} leads back to itself by {before}"
    path = (*before, state)
    following = successors(states[state])
    if not following:
        yield path
    for successor in following:
        yield from paths(states, successor, path)


def result_paths(definition: dict[str, Any]) -> list[str]:
    """Everything that a task may write into its machine's state."""
    return [definition["ResultPath"], *(entry["ResultPath"] for entry in definition.get("Catch", []))]


def steps_of(tasks: dict[str, dict[str, Any]]) -> dict[str, str]:
    """The step in each task's payload, if it has one."""
    return {name: step for name, task in tasks.items() if (step := _step_of(task))}


def _step_of(task: dict[str, Any]) -> str | None:
    payload = task["Parameters"].get("Payload", {})
    return str(payload["step"]) if "step" in payload else None


MakeMachine = Callable[[str], Machine]


@contextmanager
def interpreter(lambda_context: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[MakeMachine]:
    """A pretended account that runs state machines; makes one from its definition."""
    functions = Functions(lambda_context)
    with interpreting(monkeypatch, lambda name, payload: functions.invoke(name, json.loads(payload))):
        account = orders_account(monkeypatch)
        yield lambda definition: Machine(account, functions, definition)


def wiring(machine: str, tasks: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The properties of the function that the template wires to each task of `machine` (a logical id), over the
    template's defaults. `tasks` are the definitions of its task states, by name."""
    declared = template()
    substitutions = declared["Resources"][machine]["Properties"]["DefinitionSubstitutions"]
    parameters = {name: task["Parameters"]["FunctionName"][2:-1] for name, task in tasks.items()}
    assert set(substitutions) == set(parameters.values())

    def properties(parameter: str) -> dict[str, Any]:
        logical_id, attribute = substitutions[parameter]["Fn::GetAtt"]
        assert attribute == "Arn"
        return {**declared["Globals"]["Function"], **declared["Resources"][logical_id]["Properties"]}

    return {name: properties(parameter) for name, parameter in parameters.items()}

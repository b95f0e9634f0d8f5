"""The interpreter of state machines, compared with moto's."""

import importlib
import json
import re
from typing import Any

import pytest

from tests.component.orders.machines import UNSCRIPTED, Functions, interpreter
from tests.faults.machine import Execution, Machines, UnsupportedAsl
from tests.faults.template import ROOT

MACHINES = {"OrderSaga": "order_saga.asl.json", "OrderCancellation": "order_cancellation.asl.json"}


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize(
    ("failing", "errors"),
    [
        ("", []),
        ("ReserveStock", ["OutOfStock"]),
        ("ReserveStock", ["WriteConflict"] * 6),
        ("AuthorizePayment", ["Sandbox.Timedout"]),
        ("AuthorizePayment", ["ProviderUnavailable", "Lambda.TooManyRequestsException"]),
        ("CreateShipment", ["WriteConflict", "AddressNotServed"]),
        ("ConfirmOrder", ["WriteConflict"] * 3),
        ("ConfirmOrder", ["IllegalTransition"]),
        ("VoidPayment", ["ProviderUnavailable"] * 5),
        ("CancelShipment", ["WriteConflict"] * 4),
        ("CancelShipment", ["WriteConflict"] * 5),
        ("CancelOrder", ["WriteConflict"] * 5),
    ],
)
def test_the_interpreter_does_as_motos(
    machine: str, failing: str, errors: list[str], lambda_context: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Same functions called in the same order, same end and output, by an interpreter that nobody here wrote."""
    definition = (ROOT / "statemachines" / MACHINES[machine]).read_text()
    with interpreter(lambda_context, monkeypatch) as make:
        theirs = make(definition)
        theirs.functions.script(failing, *errors)
        answer = _answers(theirs.functions, monkeypatch)
        described = theirs.run()
    calls, mine = _run(json.loads(definition), theirs.order, failing, errors, answer)
    assert calls == theirs.functions.commands
    assert mine.status == described["status"]
    if mine.status == "SUCCEEDED":
        assert mine.data == json.loads(described["output"])
    else:
        assert mine.error and mine.error["Error"] == described["error"]


def _answers(functions: Functions, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Makes the functions of orders answer alike in both interpreters, without a table."""
    answered: dict[str, Any] = {
        **UNSCRIPTED,
        "ConfirmOrder": {"status": "confirmed"},
        "AbandonOrder": {"confirmed": False, "status": "abandoned"},
        "ParkOrder": {"status": "parked"},
        "CancelOrder": {"status": "cancelled"},
    }
    module = importlib.import_module("tests.component.orders.machines")
    monkeypatch.setattr(module, "_OF_ORDERS", set())
    monkeypatch.setattr(module, "UNSCRIPTED", answered)
    return answered


def _cause(error: str) -> str:
    return json.dumps({"errorType": error, "errorMessage": "as the test scripts it"}, separators=(",", ":"))


def _run(
    definition: dict[str, Any],
    order: dict[str, Any],
    failing: str,
    errors: list[str],
    answers: dict[str, Any],
) -> tuple[list[str], Execution]:
    names = re.findall(r"\$\{(\w+)\}", json.dumps(definition))
    machines = Machines({"machine": definition}, {"machine": {name: name for name in names}})
    executions: dict[str, Execution] = {}
    waiting = machines.start(executions, "machine", "run", {"order": order})
    calls, left = [], list(errors)
    while waiting:
        execution_id = waiting.pop(0)
        function = executions[execution_id].state
        calls.append(function)
        if function == failing and left:
            waiting += machines.fail(executions, execution_id, left[0], _cause(left.pop(0)))
        else:
            waiting += machines.succeed(executions, execution_id, answers[function])
    return calls, executions["machine:run"]


def test_the_interpreter_refuses_what_it_does_not_know() -> None:
    definition = {"StartAt": "Rest", "States": {"Rest": {"Type": "Wait", "Seconds": 1, "End": True}}}
    machines = Machines({"machine": definition}, {"machine": {}})
    with pytest.raises(UnsupportedAsl):
        machines.start({}, "machine", "run", {})

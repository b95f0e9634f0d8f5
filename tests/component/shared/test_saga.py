"""The promises of every saga step to the state machine."""

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from shared.errors import TransientError
from shared.saga import SagaOrder, step_handler

INPUT = json.loads((Path(__file__).parents[3] / "events" / "inventory_steps_reserve.json").read_text())


class TryLater(TransientError):
    """A failure with a name of its own."""


def test_a_step_gets_the_typed_order_and_its_result_becomes_the_states(lambda_context: Any) -> None:
    def quantities(order: SagaOrder) -> dict[str, Any]:
        return {"pieces": sum(line.quantity for line in order.lines)}

    assert step_handler(quantities)({**INPUT, "error": {"Error": "Other"}}, lambda_context) == {"pieces": 3}


def test_a_failure_reaches_the_state_machine_under_its_own_name(lambda_context: Any, logged: Any) -> None:
    def fail(order: SagaOrder) -> dict[str, Any]:
        raise TryLater("busy")

    with pytest.raises(TryLater):
        step_handler(fail)(INPUT, lambda_context)
    (line,) = logged("step failed")
    assert (line["error"], line["step"], line["order_id"]) == ("TryLater", "fail", INPUT["order"]["order_id"])
    assert line["correlation_id"] == INPUT["order"]["correlation_id"]


def test_an_order_that_makes_no_sense_is_refused_before_the_step(lambda_context: Any) -> None:
    def unreachable(order: SagaOrder) -> dict[str, Any]:
        raise AssertionError("the step was called")

    broken = {"order": {**INPUT["order"], "lines": [{**INPUT["order"]["lines"][0], "quantity": 0}]}}
    with pytest.raises(ValidationError):
        step_handler(unreachable)(broken, lambda_context)

"""The promises of every saga step to the state machine."""

import json
from pathlib import Path
from typing import Any

import pytest

from shared.errors import TransientError
from shared.record import ValidationError
from shared.saga import SagaOrder, order_step, steps_handler
from shared.steps import UnknownStep

INPUT = json.loads((Path(__file__).parents[3] / "events" / "inventory_steps_reserve.json").read_text())


class TryLater(TransientError):
    """A failure with a name of its own."""


def test_a_step_gets_the_typed_order_and_its_result_becomes_the_states(lambda_context: Any) -> None:
    def quantities(order: SagaOrder) -> dict[str, Any]:
        return {"pieces": sum(line.quantity for line in order.lines)}

    handler = steps_handler({"quantities": order_step(quantities)})
    given = {**INPUT, "step": "quantities", "error": {"Error": "Other"}}
    assert handler(given, lambda_context) == {"pieces": 3}


def test_a_failure_reaches_the_state_machine_under_its_own_name(lambda_context: Any, logged: Any) -> None:
    def fail(order: SagaOrder) -> dict[str, Any]:
        raise TryLater("busy")

    with pytest.raises(TryLater):
        steps_handler({"fail": order_step(fail)})({**INPUT, "step": "fail"}, lambda_context)
    (line,) = logged("step failed")
    assert (line["error"], line["step"], line["order_id"]) == ("TryLater", "fail", INPUT["order"]["order_id"])
    assert line["correlation_id"] == INPUT["order"]["correlation_id"]


def _unreachable(order: SagaOrder) -> dict[str, Any]:
    raise AssertionError("the step was called")


def test_an_order_that_makes_no_sense_is_refused_before_the_step(lambda_context: Any) -> None:
    broken = {"order": {**INPUT["order"], "lines": [{**INPUT["order"]["lines"][0], "quantity": 0}]}}
    with pytest.raises(ValidationError):
        steps_handler({"reserve": order_step(_unreachable)})({**broken, "step": "reserve"}, lambda_context)


def test_a_step_that_the_function_does_not_have_is_refused(lambda_context: Any) -> None:
    with pytest.raises(UnknownStep, match="'ship' is none of reserve, release"):
        steps_handler({"reserve": order_step(_unreachable), "release": order_step(_unreachable)})(
            {**INPUT, "step": "ship"}, lambda_context
        )

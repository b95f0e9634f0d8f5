"""Gives the order saga a step of a new service, and the cancellation its compensation.

The step comes after the money is held and before the parcel is booked. The cancellation undoes in reverse: the
parcel first, then the new steps, then money and stock. Once the parcel is gone nothing else may be undone.
"""

import json
import re
from copy import deepcopy
from typing import Any

from tools.console import StepError
from tools.new.changes import Changes
from tools.new.plan import Plan
from tools.new.template_text import TEMPLATE, before_line

_SAGA = "statemachines/order_saga.asl.json"
_CANCELLATION = "statemachines/order_cancellation.asl.json"
_TESTS = "tests/component/orders"

type States = dict[str, Any]


def join_saga(changes: Changes, plan: Plan) -> None:
    """Adds to `changes` what makes each order take the step; raises StepError if a state has one of the names."""
    for name, change in ((_SAGA, _with_step), (_CANCELLATION, _with_compensation)):
        machine = json.loads(changes.text(name))
        machine["States"] = change(machine["States"], plan)
        changes.replace(name, json.dumps(machine, indent=2, ensure_ascii=False) + "\n")
    changes.replace(TEMPLATE, _in_template(changes.text(TEMPLATE), plan))
    for name, texts in _in_tests(plan).items():
        changes.replace(name, _inserted(name, changes.text(name), texts))
    for name, texts in _in_docs(plan).items():
        changes.replace(name, _inserted(name, changes.text(name), texts))


def _with_step(states: States, plan: Plan) -> States:
    step = _like(states["CreateShipment"], plan, "open")
    step["Comment"] = f"Opens the order's {plan.values['word']}"
    step["ResultSelector"] = {f"{plan.one}_id.$": f"$.Payload.{plan.one}_id"}
    step["ResultPath"] = f"$.{plan.one}"
    step["Next"] = "CreateShipment"
    [before] = [name for name, state in states.items() if state.get("Next") == "CreateShipment"]
    states[before]["Next"] = _opens(plan)
    return _before("CreateShipment", _opens(plan), step, states)


def _with_compensation(states: States, plan: Plan) -> States:
    following = states["CancelShipment"]["Next"]
    undo = _like(states["VoidPayment"], plan, "close")
    undo["Comment"] = f"Closes the order's {plan.values['word']}, also when it was never opened"
    undo["TimeoutSeconds"] = states["CancelShipment"]["TimeoutSeconds"]
    undo["ResultSelector"] = {"closed.$": "$.Payload.closed"}
    undo["ResultPath"] = f"$.{plan.one}_closing"
    [caught] = undo["Catch"]
    caught |= {"ResultPath": f"$.{_error(plan)}", "Next": following}
    undo["Next"] = following
    states["CancelShipment"]["Next"] = _closes(plan)
    [never_confirmed] = states["MayParcelBeGone"]["Choices"]
    never_confirmed["Next"] = _closes(plan)
    [failed] = states["IsAllUndone"]["Choices"]
    failed["Or"].insert(1, {"Variable": f"$.{_error(plan)}", "IsPresent": True})
    return _before(following, _closes(plan), undo, states)


def _like(state: dict[str, Any], plan: Plan, step: str) -> dict[str, Any]:
    """A copy of the state that calls a step of the new service, with the same retries."""
    copy = deepcopy(state)
    copy["Parameters"]["FunctionName"] = f"${{{_function(plan)}Arn}}"
    copy["Parameters"]["Payload"]["step"] = step
    return copy


def _before(following: str, name: str, state: dict[str, Any], states: States) -> States:
    if name in states:
        raise StepError(f"A state machine has a state {name} already.", "Nothing was changed.")
    return {
        each: definition
        for existing, present in states.items()
        for each, definition in ([(name, state)] if existing == following else []) + [(existing, present)]
    }


def _in_template(text: str, plan: Plan) -> str:
    """template.yaml, where both state machines know the function and may invoke it."""
    function = _function(plan)
    for machine in ("OrderSaga", "OrderCancellation"):
        for line, inserted in (
            (
                "        OrdersStepsFunctionArn: !GetAtt OrdersStepsFunction.Arn",
                f"        {function}Arn: !GetAtt {function}.Arn\n",
            ),
            (
                "                - !GetAtt OrdersStepsFunction.Arn",
                f"                - !GetAtt {function}.Arn\n",
            ),
        ):
            text = before_line(text, line, inserted, after=f"  {machine}:")
    return text


def _in_tests(plan: Plan) -> dict[str, list[tuple[str, str]]]:
    """For each test that lists the steps: texts, and what belongs before each. ruff formats it all afterwards."""
    opens, closes, package = _opens(plan), _closes(plan), plan.package
    handler = f"{package}.functions.steps.handler"
    return {
        f"{_TESTS}/machines.py": [
            ('    "CreateShipment": {', f'"{opens}": {{"{plan.one}_id": "{plan.values["prefix"]}-1"}},\n'),
            ('    "CancelShipment": {', f'"{closes}": {{"closed": True}},\n'),
        ],
        f"{_TESTS}/test_order_saga.py": [
            ('"CreateShipment", "ConfirmOrder"]', f'"{opens}", '),
            (
                '            "CreateShipment": "shipping.functions.steps.handler",',
                f'"{opens}": "{handler}",\n',
            ),
            ('            "CreateShipment": "create",', f'"{opens}": "open",\n'),
        ],
        f"{_TESTS}/test_cancellation.py": [
            (r"(?<=^PARTS = \[)", f'"{closes}", '),
            ('    "VoidPayment": "void_payment_error",', f'"{closes}": "{_error(plan)}",\n'),
            ('            "VoidPayment": "payments.functions.steps.handler",', f'"{closes}": "{handler}",\n'),
        ],
    }


def _inserted(name: str, text: str, texts: list[tuple[str, str]]) -> str:
    for place, inserted in texts:
        pattern = place if place.startswith("(?") else re.escape(place)
        text, found = re.subn(f"(?m){pattern}", lambda match, new=inserted: new + match[0], text, count=1)  # type: ignore[misc]
        if not found:
            raise StepError(
                f"{name} has no {place.strip()!r}.", "Nothing was changed. See tools/new/saga.py."
            )
    return text


def _in_docs(plan: Plan) -> dict[str, list[tuple[str, str]]]:
    """The picture of both machines, and what an order may keep that is parked; as `_in_tests`."""
    one, word = plan.one, plan.values["word"]
    return {
        "docs/architecture.md": [
            (
                "ship[Create shipment<br/>shipping] --> confirm",
                f"open_{one}[Open {word}<br/>{plan.package}] --> ",
            ),
            ("ship & confirm -.->|failed|", f"open_{one} & "),
            (r"(?<=cancel\[Cancel shipment\] --> )", f"close_{one}[Close {word}] --> "),
        ],
        "docs/operations.md": [
            ("| `void_payment_error` |", f"| `{_error(plan)}` | the order's open {word} |\n"),
        ],
    }


def _opens(plan: Plan) -> str:
    return f"Open{plan.values['Thing']}"


def _closes(plan: Plan) -> str:
    return f"Close{plan.values['Thing']}"


def _error(plan: Plan) -> str:
    return f"close_{plan.one}_error"


def _function(plan: Plan) -> str:
    return f"{plan.values['Service']}StepsFunction"

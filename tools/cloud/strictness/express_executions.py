"""An EXPRESS state machine starts one more execution at each request, and Step Functions shows none of them.

https://docs.aws.amazon.com/step-functions/latest/dg/express-at-least-once-execution.html
https://docs.aws.amazon.com/step-functions/latest/apireference/API_DescribeExecution.html

MiniStack takes each state machine for a STANDARD one. Here each EXPRESS execution gets a name that no request can say.
"""

from typing import Any
from uuid import uuid4

# MiniStack is in the embedded cloud's own environment, where the type checker does not look.
from ministack.services import stepfunctions  # type: ignore[import-not-found]


def install() -> None:
    """Makes the names of EXPRESS executions mean nothing, and their list unavailable."""
    start, list_ = stepfunctions._start_execution, stepfunctions._list_executions

    def start_execution(request: dict[str, Any]) -> Any:
        if not _is_express(request):
            return start(request)
        status, headers, body = start({**request, "name": f"{request.get('name', '')}:{uuid4()}"})
        return status, headers, body.replace(b":execution:", b":express:")

    def list_executions(request: dict[str, Any]) -> Any:
        if not _is_express(request):
            return list_(request)
        message = "This operation is not supported by this type of state machine"
        return stepfunctions.error_response_json("StateMachineTypeNotSupported", message, 400)

    stepfunctions._start_execution = start_execution
    stepfunctions._list_executions = list_executions


def _is_express(request: dict[str, Any]) -> bool:
    machine = stepfunctions._state_machines.get(request.get("stateMachineArn", ""), {})
    return bool(machine.get("type") == "EXPRESS")

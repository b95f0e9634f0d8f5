"""The state machines of an order: starting one, and what became of it.

A saga's execution bears the order's id, so an order has one ever; a cancellation's bears `Order.undoing_name`. Step
Functions knows a name for 90 days after the execution's end.
"""

import json
from enum import StrEnum
from typing import Any

from botocore.exceptions import ClientError

from shared.aws import client
from shared.environment import LambdaEnvironment
from shared.observability import logger
from shared.saga import SagaOrder


class StateMachine(LambdaEnvironment):
    """Names the state machine that this function starts."""

    state_machine_arn: str


class Progress(StrEnum):
    """What became of an execution."""

    UNKNOWN = "unknown"
    """None of this name was started, or it ended long ago."""
    RUNNING = "running"
    ENDED = "ended"


def start_execution(order: SagaOrder, name: str, state_machine_arn: str) -> None:
    """Starts the state machine on `order`; does nothing when an execution of that name was started before."""
    carried = order.model_copy(update={"execution": name})
    execution: dict[str, Any] = {"order": carried.model_dump(mode="json")}
    try:
        client("stepfunctions").start_execution(
            stateMachineArn=state_machine_arn, name=name, input=json.dumps(execution)
        )
    except ClientError as error:
        if error.response["Error"]["Code"] != "ExecutionAlreadyExists":
            raise
        logger.info("execution was started before", order_id=order.order_id, execution=name)
    else:
        logger.info("execution started", order_id=order.order_id, execution=name)


def progress_of(name: str, state_machine_arn: str) -> Progress:
    """What became of the state machine's execution of that name."""
    try:
        described = client("stepfunctions").describe_execution(
            executionArn=f"{state_machine_arn.replace(':stateMachine:', ':execution:')}:{name}"
        )
    except ClientError as error:
        if error.response["Error"]["Code"] != "ExecutionDoesNotExist":
            raise
        return Progress.UNKNOWN
    # An execution that waits to be redriven by an operator goes on as one that runs.
    return Progress.RUNNING if described["status"] in {"RUNNING", "PENDING_REDRIVE"} else Progress.ENDED

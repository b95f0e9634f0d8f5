"""Executions of state machines: starting one, once for each name, and what became of it.

A name is the idempotency key: Step Functions starts one execution for each name, and knows the name for 90 days after
the execution's end. Starting it again with the same name is no error here. An EXPRESS state machine starts one more
execution at each request, and knows none of them.

https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html
"""

import json
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from botocore.exceptions import ClientError

from shared.aws import client
from shared.observability import logger


class ExecutionState(StrEnum):
    """What became of an execution."""

    UNKNOWN = "unknown"
    """None of this name was started, or it ended more than 90 days ago."""
    RUNNING = "running"
    ENDED = "ended"


def start_execution(state_machine_arn: str, name: str, given: Mapping[str, Any], **logged: Any) -> None:
    """Starts the state machine's execution `name` on `given`; does nothing when it was started before.

    `logged` goes onto the log line that says which of the two it was.
    """
    try:
        client("stepfunctions").start_execution(
            stateMachineArn=state_machine_arn, name=name, input=json.dumps(given)
        )
    except ClientError as error:
        if error.response["Error"]["Code"] != "ExecutionAlreadyExists":
            raise
        logger.info("execution was started before", execution=name, **logged)
    else:
        logger.info("execution started", execution=name, **logged)


def execution_state(state_machine_arn: str, name: str) -> ExecutionState:
    """What became of the state machine's execution `name`."""
    try:
        described = client("stepfunctions").describe_execution(
            executionArn=execution_arn(state_machine_arn, name)
        )
    except ClientError as error:
        if error.response["Error"]["Code"] != "ExecutionDoesNotExist":
            raise
        return ExecutionState.UNKNOWN
    # An execution that waits to be redriven by an operator goes on as one that runs.
    running = described["status"] in {"RUNNING", "PENDING_REDRIVE"}
    return ExecutionState.RUNNING if running else ExecutionState.ENDED


def execution_arn(state_machine_arn: str, name: str) -> str:
    """The ARN of the state machine's execution `name`."""
    return f"{state_machine_arn.replace(':stateMachine:', ':execution:')}:{name}"

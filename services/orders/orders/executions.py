"""Starting the state machine of an order: its execution bears the order's id, so an order has one of a kind ever."""

import json
from typing import Any

from botocore.exceptions import ClientError

from shared.aws import client
from shared.environment import LambdaEnvironment
from shared.observability import logger
from shared.saga import SagaOrder


class StateMachine(LambdaEnvironment):
    """Names the state machine that this function starts."""

    state_machine_arn: str


def start_execution(order: SagaOrder) -> None:
    """Starts the function's state machine on `order`; does nothing when that was done before."""
    execution: dict[str, Any] = {"order": order.model_dump(mode="json")}
    try:
        client("stepfunctions").start_execution(
            stateMachineArn=StateMachine.load().state_machine_arn,
            name=order.order_id,
            input=json.dumps(execution),
        )
    except ClientError as error:
        if error.response["Error"]["Code"] != "ExecutionAlreadyExists":
            raise
        logger.info("execution was started before", order_id=order.order_id)

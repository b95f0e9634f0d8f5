"""Starts the order saga for each placed order. The execution bears the order's id, so an order has one saga ever."""

from botocore.exceptions import ClientError
from pydantic import BaseModel

from shared.aws import client
from shared.consumer import consumer_handler
from shared.environment import LambdaEnvironment
from shared.events import Event
from shared.observability import logger
from shared.saga import SagaOrder


class Environment(LambdaEnvironment):
    """What this function reads from its environment."""

    state_machine_arn: str


class OrderPlaced(BaseModel):
    """What `order.placed` carries."""

    order: SagaOrder


environment = Environment.load()


def start(event: Event) -> None:
    """Starts the saga of the order that was placed; does nothing when it was started before."""
    placed = OrderPlaced.model_validate(event.data)
    try:
        client("stepfunctions").start_execution(
            stateMachineArn=environment.state_machine_arn,
            name=placed.order.order_id,
            input=placed.model_dump_json(),
        )
    except ClientError as error:
        if error.response["Error"]["Code"] != "ExecutionAlreadyExists":
            raise
        logger.info("saga was started before", order_id=placed.order.order_id)


handler = consumer_handler(start)

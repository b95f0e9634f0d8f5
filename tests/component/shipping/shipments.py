"""The example order of shipping, and the items of its table."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3

from shared.dynamo import from_item
from tests.component.saga_orders import ADDRESS, record_order

EVENTS = Path(__file__).parents[3] / "events"
STEP_INPUT: dict[str, Any] = json.loads((EVENTS / "shipping_steps_create.json").read_text())
ORDER_ID: str = STEP_INPUT["order"]["order_id"]
CUSTOMER_ID: str = STEP_INPUT["order"]["customer_id"]
# The answer of a consumer that has done every message of its batch.
DONE: dict[str, list[Any]] = {"batchItemFailures": []}

Step = Callable[[dict[str, Any]], dict[str, Any]]


def stored(table: Any) -> dict[str, Any] | None:
    item = table.get_item(TableName="shipping", Key={"pk": {"S": ORDER_ID}}).get("Item")
    return from_item(item) if item else None


def of_order(order_id: str, customer_id: str = CUSTOMER_ID) -> dict[str, Any]:
    """A step's input for an order, which it records."""
    record_order(order_id, shipping_address=ADDRESS)
    return {"order": {**STEP_INPUT["order"], "order_id": order_id, "customer_id": customer_id}}


def every(table: Any) -> dict[str, dict[str, Any]]:
    return {item["pk"]["S"]: from_item(item) for item in table.scan(TableName="shipping")["Items"]}


def dead_letters() -> list[str]:
    """The reasons of the dead letters."""
    sqs = boto3.client("sqs")
    url = sqs.get_queue_url(QueueName="dead-letters")["QueueUrl"]
    answer = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"])
    return [message["MessageAttributes"]["reason"]["StringValue"] for message in answer.get("Messages", [])]

"""One order's path across the services in the order of time.

It has the order's history, the steps of its saga and its cancellation, its payment, its parcel and its mails.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tools.stack import Stack

_STEP_ENDED = {"TaskStateExited", "ParallelStateExited"}
_STEP_SUCCEEDED = "TaskSucceeded"
_STEP_FAILED = {"TaskFailed", "TaskTimedOut", "LambdaFunctionFailed", "LambdaFunctionTimedOut"}


@dataclass(frozen=True)
class Moment:
    """One entry of an order's timeline."""

    at: datetime
    service: str
    what: str


def timeline(stack: Stack, order: dict[str, Any]) -> list[Moment]:
    """The timeline of `order` (as the API answers it), oldest first."""
    moments = [Moment(_time(entry["at"]), "orders", entry["status"]) for entry in order["history"]]
    moments += _steps(stack, "order saga", execution_arn(stack, order["order_id"]))
    if any(entry["status"] == "cancelling" for entry in order["history"]):
        cancellation = execution_arn(stack, order["order_id"], machine="OrderCancellation")
        moments += _steps(stack, "cancellation", cancellation)
    moments += _fulfilment(stack, order["order_id"])
    moments += [
        Moment(_time(mail["Timestamp"]), "notifications", f"mail “{mail['Subject']}”")
        for mail in (stack.sent_mails() if stack.shows_mails else [])
        if order["order_id"] in mail["BodyText"]
    ]
    return sorted(moments, key=lambda moment: moment.at)


def _fulfilment(stack: Stack, order_id: str) -> list[Moment]:
    """The outcomes of capture and dispatch, as the orders service received them."""
    item = stack.client("dynamodb").get_item(
        TableName=stack.resource("OrdersTable"), Key={"pk": {"S": order_id}}, ConsistentRead=True
    )
    stored = item.get("Item", {})
    outcomes = {
        "captured_at": ("payments", "payment captured"),
        "capture_failed_at": ("payments", "payment could not be captured"),
        "dispatched_at": ("shipping", "parcel dispatched"),
    }
    return [Moment(_time(stored[name]["S"]), *what) for name, what in outcomes.items() if name in stored]


def execution_arn(stack: Stack, order_id: str, *, machine: str = "OrderSaga") -> str:
    """The ARN of the order's execution of `machine` (a logical id): it has the order's id as its name."""
    return f"{stack.resource(machine).replace(':stateMachine:', ':execution:')}:{order_id}"


def _steps(stack: Stack, service: str, execution: str) -> list[Moment]:
    """The steps that `execution` has taken; none if it has not started."""
    states = stack.client("stepfunctions")
    try:
        states.describe_execution(executionArn=execution)
    except states.exceptions.ExecutionDoesNotExist:
        return []
    moments, failure = [], ""
    for page in states.get_paginator("get_execution_history").paginate(executionArn=execution):
        for event in page["events"]:
            if event["type"] in _STEP_FAILED:
                details = next(value for name, value in event.items() if name.endswith("EventDetails"))
                failure = f" failed: {details.get('error', event['type'])}"
            elif event["type"] in _STEP_ENDED:
                what = event["stateExitedEventDetails"]["name"] + failure
                moments.append(Moment(event["timestamp"].astimezone(UTC), service, what))
                failure = ""
            elif event["type"] == _STEP_SUCCEEDED:
                failure = ""
    return moments


def _time(text: str | float) -> datetime:
    if isinstance(text, int | float):
        return datetime.fromtimestamp(text, UTC)
    moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)

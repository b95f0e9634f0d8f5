"""`make trace ORDER=ord_...`: the whole path of one order across requests, tables, events, steps and mails.
`make trace PERSON=...`: the admins who read or changed that person's data.

It reads CloudWatch Logs and Step Functions by their own APIs, so it works the same on AWS and in the embedded cloud.
The functions log the cause and the duration of each piece of work; an order's correlation id finds those lines. Step
Functions shows no EXPRESS execution, so the lines of its start and of its steps show the saga.
"""

import argparse
import json
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from botocore.exceptions import ClientError

from shared.dynamo import from_item
from tools.command_line import Subcommands, add_command, add_stack_option
from tools.console import StepError
from tools.log_search import LogLine, search
from tools.ops import audit_trail
from tools.ops.causal_tree import STARTED, Execution, Node, drawn, tree_of
from tools.stack import Stack

# The search begins this long before the order: its request began before it wrote the order.
_MARGIN = timedelta(seconds=60)
_FAILED = {"TaskFailed", "TaskTimedOut", "LambdaFunctionFailed", "LambdaFunctionTimedOut"}


def register(subcommands: Subcommands) -> None:
    """Registers `trace`."""
    parser = add_command(
        subcommands,
        "trace",
        _trace,
        description="draw the whole path of one order, or list the admins who looked at a person's data",
    )
    subject = parser.add_mutually_exclusive_group(required=True)
    subject.add_argument("order", nargs="?", metavar="ORDER", help="the order's id, ord_...")
    subject.add_argument(
        "--person", metavar="ID", help="the person's id, or the e-mail address of their profile"
    )
    parser.add_argument("--json", action="store_true", help="as a JSON object")
    add_stack_option(parser)


def _trace(arguments: argparse.Namespace) -> None:
    stack = Stack.named(arguments.stack, arguments.region)
    if arguments.person:
        audit_trail.show(stack, arguments.person, as_json=arguments.json)
    else:
        show(stack, arguments.order, as_json=arguments.json)


def show(stack: Stack, order_id: str, *, as_json: bool) -> None:
    """Prints the order's path as a tree, or as JSON; raises StepError if there is no such order."""
    order = _order(stack, order_id)
    roots = trace(stack, order)
    accesses = audit_trail.of_order(stack, order["customer_id"], order_id)
    if as_json:
        tree = [root.as_dict() for root in roots]
        shown = {"order_id": order_id, "tree": tree, "accesses": [access.as_dict() for access in accesses]}
        print(json.dumps(shown, indent=2))
        return
    first = roots[0].at if roots else _moment(order["history"][0]["at"])
    print(f"{order_id} is {order['status']}; correlation id {order['correlation_id']}")
    print(f"began {first:%Y-%m-%d %H:%M:%S}.{first.microsecond // 1000:03}Z\n")
    print("\n".join(drawn(roots)))
    for access in accesses:
        print(f"\nan admin's access: {access}")
    if not any(root.kind == "request" for root in roots):
        print(
            "\nThe log line of its request is missing: CloudWatch shows a line some seconds late, and not for ever."
        )


def trace(stack: Stack, order: dict[str, Any]) -> list[Node]:
    """The roots of the order's tree of causes."""
    history = [(_moment(entry["at"]), str(entry["status"])) for entry in order["history"]]
    functions = stack.functions
    lines = search(stack, functions, order["correlation_id"], since=history[0][0] - _MARGIN)
    return tree_of(lines, functions, history, _executions(stack, order["order_id"], lines))


def _order(stack: Stack, order_id: str) -> dict[str, Any]:
    answer = stack.client("dynamodb").get_item(
        TableName=stack.resource("OrdersTable"), Key={"pk": {"S": order_id}}, ConsistentRead=True
    )
    order = from_item(answer.get("Item", {}))
    if "history" not in order:
        raise StepError(
            f"There is no order {order_id} in {stack.name}.",
            "The answer to POST /orders has the order's id: make trace ORDER=ord_...",
        )
    return order


def _executions(stack: Stack, order_id: str, lines: list[LogLine]) -> list[Execution]:
    """The order's sagas, and the executions of its cancellation that Step Functions still knows."""
    saga = f"{order_id}-saga"
    names = {order_id} | {str(line.fields["execution"]) for line in lines if line.fields.get("execution")}
    found = [_cancellation(stack, name) for name in sorted(names - {saga})]
    return [*_sagas(saga, lines), *filter(None, found)]


def _sagas(name: str, lines: list[LogLine]) -> list[Execution]:
    """The executions of that name. Each begins with the line of its start, and ends with its last step."""
    of_it = [line for line in lines if line.fields.get("execution") == name]
    starts = [line.at for line in of_it if line.fields["message"] == STARTED]
    steps = [line.at for line in of_it if "step" in line.fields]
    return [
        Execution("OrderSaga", name, "", start, max((at for at in steps if start <= at < end), default=None))
        for start, end in pairwise([*starts, datetime.max.replace(tzinfo=UTC)])
    ]


def _cancellation(stack: Stack, name: str) -> Execution | None:
    states = stack.client("stepfunctions")
    arn = f"{stack.resource('OrderCancellation').replace(':stateMachine:', ':execution:')}:{name}"
    try:
        described = states.describe_execution(executionArn=arn)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ExecutionDoesNotExist":
            raise
        return None
    stopped = described.get("stopDate")
    return Execution(
        "OrderCancellation",
        name,
        described["status"],
        described["startDate"].astimezone(UTC),
        stopped.astimezone(UTC) if stopped else None,
        _failures(states, arn),
    )


def _failures(states: Any, execution: str) -> list[tuple[datetime, str]]:
    """The failed attempts: when, the task's state, and the error that the state machine caught."""
    failures, state = [], ""
    for page in states.get_paginator("get_execution_history").paginate(executionArn=execution):
        for event in page["events"]:
            if event["type"] == "TaskStateEntered":
                state = event["stateEnteredEventDetails"]["name"]
            elif event["type"] in _FAILED:
                details = next(value for name, value in event.items() if name.endswith("EventDetails"))
                failures.append(
                    (
                        event["timestamp"].astimezone(UTC),
                        f"{state} failed: {details.get('error', event['type'])}",
                    )
                )
    return failures


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))

"""What goes wrong in a deployed system, and is well again at the end of the block."""

import json
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from tools.cloud import strict as strictness
from tools.stack import Stack

# Those whose steps a test breaks.
_MACHINES = ("OrderSaga", "OrderCancellation", "OrderExport")


@contextmanager
def configured(stack: Stack, function: str, **changes: str) -> Iterator[None]:
    """A function with other environment variables, until the end of the block."""
    functions = stack.client("lambda")
    name = stack.resource(function)
    variables = functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    functions.update_function_configuration(FunctionName=name, Environment={"Variables": variables | changes})
    try:
        yield
    finally:
        functions.update_function_configuration(FunctionName=name, Environment={"Variables": variables})


def strict(stack: Stack, **settings: float) -> AbstractContextManager[None]:
    """The embedded cloud as strict as AWS in these settings, until the end of the block."""
    return strictness.strict(stack.endpoint, **settings)


def broken(stack: Stack, function: str) -> AbstractContextManager[None]:
    """A function whose table is gone, until the end of the block."""
    return configured(stack, function, TABLE_NAME="no-such-table")


@contextmanager
def broken_step(stack: Stack, function: str, step: str) -> Iterator[None]:
    """A step that fails, for executions that start in the block; the other steps of its function work.

    The state machines name a step instead that the function does not have.
    """
    sfn, name = stack.client("stepfunctions"), stack.resource(function)
    machines = [stack.resource(machine) for machine in _MACHINES]
    before = {
        machine: sfn.describe_state_machine(stateMachineArn=machine)["definition"] for machine in machines
    }
    try:
        for machine, definition in before.items():
            changed = json.dumps(_without_step(json.loads(definition), name, step))
            sfn.update_state_machine(stateMachineArn=machine, definition=changed)
        yield
    finally:
        for machine, definition in before.items():
            sfn.update_state_machine(stateMachineArn=machine, definition=definition)


def _without_step(definition: Any, function: str, step: str) -> Any:
    """The definition, or a part of it, with another name for the function's `step`."""
    if isinstance(definition, list):
        return [_without_step(part, function, step) for part in definition]
    if not isinstance(definition, dict):
        return definition
    changed = {name: _without_step(part, function, step) for name, part in definition.items()}
    invoked = str(changed.get("FunctionName", "")).rpartition(":")[2]
    if invoked == function and changed.get("Payload", {}).get("step") == step:
        changed["Payload"] = {**changed["Payload"], "step": f"broken {step}"}
    return changed


@contextmanager
def not_listening(stack: Stack, function: str, queue: str) -> Iterator[None]:
    """A consumer that takes nothing from its queue, until the end of the block; what came meanwhile is lost."""
    functions, sqs = stack.client("lambda"), stack.client("sqs")
    [mapping] = functions.list_event_source_mappings(FunctionName=stack.resource(function))[
        "EventSourceMappings"
    ]
    functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
    try:
        yield
    finally:
        sqs.purge_queue(QueueUrl=stack.resource(queue))
        functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=True)


@contextmanager
def paused(stack: Stack, function: str) -> Iterator[None]:
    """A consumer that takes nothing from its queue, until the end of the block; then it takes what came meanwhile."""
    functions = stack.client("lambda")
    [mapping] = functions.list_event_source_mappings(FunctionName=stack.resource(function))[
        "EventSourceMappings"
    ]
    functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
    try:
        yield
    finally:
        functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=True)


@contextmanager
def packing_takes(stack: Stack, seconds: int) -> Iterator[None]:
    """Orders that are confirmed until the end of the block are dispatched that much later."""
    sqs, queue = stack.client("sqs"), stack.resource("ShippingDispatchQueue")
    before = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["DelaySeconds"])["Attributes"]
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"DelaySeconds": str(seconds)})
    try:
        yield
    finally:
        sqs.set_queue_attributes(QueueUrl=queue, Attributes=before)


@contextmanager
def scheduled_each_minute(stack: Stack, rule: str) -> Iterator[None]:
    """A schedule that comes each minute, until the end of the block."""
    events = stack.client("events")
    name = stack.resource(rule)
    before = events.describe_rule(Name=name)["ScheduleExpression"]
    events.put_rule(Name=name, ScheduleExpression="rate(1 minute)")
    try:
        yield
    finally:
        events.put_rule(Name=name, ScheduleExpression=before)

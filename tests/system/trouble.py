"""What goes wrong in a deployed system, and is well again at the end of the block."""

import json
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from tools.stack import Stack


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


def broken(stack: Stack, function: str) -> AbstractContextManager[None]:
    """A function whose table is gone, until the end of the block."""
    return configured(stack, function, TABLE_NAME="no-such-table")


@contextmanager
def broken_step(stack: Stack, machine: str, state: str) -> Iterator[None]:
    """A state that names a step which its function does not have, until the end of the block: each try fails."""
    sfn, arn = stack.client("stepfunctions"), stack.resource(machine)
    before = sfn.describe_state_machine(stateMachineArn=arn)["definition"]
    definition = json.loads(before)
    definition["States"][state]["Parameters"]["Payload"]["step"] = "none"
    sfn.update_state_machine(stateMachineArn=arn, definition=json.dumps(definition))
    try:
        yield
    finally:
        sfn.update_state_machine(stateMachineArn=arn, definition=before)


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

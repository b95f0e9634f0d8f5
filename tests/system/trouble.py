"""What goes wrong in a deployed system, and is well again at the end of the block.

All tests share the system. So a block begins only when no order of an earlier test is on its way: its trouble is that
of its own test.
"""

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from functools import wraps
from threading import Event
from typing import Any

from tools.cloud import strict as strictness
from tools.stack import Stack
from tools.waiting import wait_for

from .earlier_orders import await_earlier_orders

# A changed attribute of a queue takes effect within so long, and no call shows when:
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html
_QUEUE_SECONDS_ON_AWS = 60
# "Within a few seconds", and no call shows when:
# https://docs.aws.amazon.com/step-functions/latest/apireference/API_UpdateStateMachine.html
_MACHINE_SECONDS_ON_AWS = 15
# The packing time of a new stack is longer than any test that must see no dispatch.
_LONG_ENOUGH_SECONDS = 240

_SECONDS_BETWEEN_RUNS = 3
# What a rule hands over if it names no input:
# https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-run-lambda-schedule.html
_SCHEDULED = json.dumps({"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}})

# Those whose steps a test breaks.
_MACHINES = ("OrderSaga", "OrderCancellation", "OrderExport")


def let_it_take_effect(stack: Stack, seconds: float = _QUEUE_SECONDS_ON_AWS) -> None:
    """Waits as long as a change needs on AWS, where no call shows that it has taken effect; elsewhere it has."""
    if stack.is_on_aws:
        time.sleep(seconds)


def trouble[**Given](
    make: Callable[Given, AbstractContextManager[None]],
) -> Callable[Given, AbstractContextManager[None]]:
    """Marks what changes something that all tests share: it begins when the orders of earlier tests have ended."""

    @wraps(make)
    def begin(*given: Given.args, **named: Given.kwargs) -> AbstractContextManager[None]:
        stack = given[0]
        assert isinstance(stack, Stack)
        await_earlier_orders(stack)
        return make(*given, **named)

    return begin


@trouble
@contextmanager
def configured(stack: Stack, function: str, **changes: str) -> Iterator[None]:
    """A function with other environment variables, until the end of the block."""
    functions = stack.client("lambda")
    name = stack.resource(function)
    variables = functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    updated = functions.get_waiter("function_updated_v2")
    functions.update_function_configuration(FunctionName=name, Environment={"Variables": variables | changes})
    try:
        updated.wait(FunctionName=name)
        yield
    finally:
        updated.wait(FunctionName=name)
        functions.update_function_configuration(FunctionName=name, Environment={"Variables": variables})
        updated.wait(FunctionName=name)


@trouble
def strict(stack: Stack, **settings: float) -> AbstractContextManager[None]:
    """The embedded cloud as strict as AWS in these settings, until the end of the block.

    It is a back door: the test, or its module, is marked with `sets_strictness` of `tests.system.back_doors`.
    """
    return strictness.strict(stack.endpoint, **settings)


def broken(stack: Stack, function: str) -> AbstractContextManager[None]:
    """A function whose table is gone, until the end of the block."""
    return configured(stack, function, TABLE_NAME="no-such-table")


@trouble
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
        let_it_take_effect(stack, _MACHINE_SECONDS_ON_AWS)
        yield
    finally:
        for machine, definition in before.items():
            sfn.update_state_machine(stateMachineArn=machine, definition=definition)
        let_it_take_effect(stack, _MACHINE_SECONDS_ON_AWS)


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
    with paused(stack, function):
        try:
            yield
        finally:
            stack.client("sqs").purge_queue(QueueUrl=stack.resource(queue))
            let_it_take_effect(stack)


@trouble
@contextmanager
def paused(stack: Stack, function: str) -> Iterator[None]:
    """A consumer that takes nothing from its queue, until the end of the block; then it takes what came meanwhile."""
    functions = stack.client("lambda")
    [mapping] = functions.list_event_source_mappings(FunctionName=stack.resource(function))[
        "EventSourceMappings"
    ]

    def set_to(state: str) -> None:
        functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=state == "Enabled")
        wait_for(
            lambda: functions.get_event_source_mapping(UUID=mapping["UUID"])["State"] == state,
            f"{function} to be {state}",
            seconds=60,
        )

    try:
        set_to("Disabled")
        yield
    finally:
        set_to("Enabled")


@contextmanager
def packing_takes(stack: Stack, seconds: int) -> Iterator[None]:
    """Orders that are confirmed until the end of the block are dispatched that much later.

    Orders of earlier tests come to no harm by that: the queue holds back each message for as long as it said when the
    message came.
    """
    sqs, queue = stack.client("sqs"), stack.resource("ShippingDispatchQueue")
    before = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["DelaySeconds"])["Attributes"]
    if seconds > int(before["DelaySeconds"]) >= _LONG_ENOUGH_SECONDS:
        yield
        return
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"DelaySeconds": str(seconds)})
    try:
        let_it_take_effect(stack)
        yield
    finally:
        sqs.set_queue_attributes(QueueUrl=queue, Attributes=before)
        let_it_take_effect(stack)


@contextmanager
def scheduled_each_minute(stack: Stack, rule: str) -> Iterator[None]:
    """A schedule that comes each minute, until the end of the block."""
    events = stack.client("events")
    name = stack.resource(rule)
    # A rule that is put loses each property that the call leaves out.
    kept = ("Name", "Description", "State", "ScheduleExpression")
    before = {key: value for key, value in events.describe_rule(Name=name).items() if key in kept}
    events.put_rule(**before | {"ScheduleExpression": "rate(1 minute)"})
    try:
        yield
    finally:
        events.put_rule(**before)


@contextmanager
def coming_often(stack: Stack, rule: str) -> Iterator[None]:
    """A schedule whose function runs every few seconds, until the end of the block, invoked as the schedule does it.

    A schedule itself comes once a minute at most.
    """
    [target] = stack.client("events").list_targets_by_rule(Rule=stack.resource(rule))["Targets"]
    functions, ends = stack.client("lambda"), Event()

    def come() -> None:
        while not ends.is_set():
            functions.invoke(FunctionName=target["Arn"], Payload=target.get("Input", _SCHEDULED))
            ends.wait(_SECONDS_BETWEEN_RUNS)

    with ThreadPoolExecutor(1) as thread:
        coming = thread.submit(come)
        try:
            yield
        finally:
            ends.set()
            coming.result()

"""What each function and state machine of a deployed stack did.

The embedded cloud records what IAM is asked when functions call AWS. Two others do work with the roles, and it asks IAM
for neither: Lambda reads queues and streams, and Step Functions invokes functions. What they need is in the event
sources and in the definitions of the state machines. A schedule that starts a state machine has a role, too.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import requests

from tools.stack import Stack

_PATH = "/_cartwright/permissions"
_TIMEOUT_SECONDS = 30
_READING = {
    "sqs": ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"),
    "dynamodb": (
        "dynamodb:DescribeStream",
        "dynamodb:GetRecords",
        "dynamodb:GetShardIterator",
        "dynamodb:ListStreams",
    ),
}


@dataclass(frozen=True, order=True)
class Use:
    """An action on a resource that a part of the stack asked for, and whether it was allowed."""

    part: str
    """The logical id of the function or the state machine."""
    action: str
    resource: str
    allowed: bool = True


def uses_of(stack: Stack) -> set[Use]:
    """All uses so far of a stack in the embedded cloud."""
    return {*_recorded(stack), *_by_event_sources(stack), *_by_tasks(stack), *_by_schedules(stack)}


def _recorded(stack: Stack) -> Iterator[Use]:
    answer = requests.get(stack.endpoint + _PATH, timeout=_TIMEOUT_SECONDS)
    answer.raise_for_status()
    for fact in answer.json():
        if function := stack.functions.get(fact["function"]):
            yield Use(f"{function}Function", fact["action"], fact["resource"], fact["allowed"])


def _by_event_sources(stack: Stack) -> Iterator[Use]:
    for page in stack.client("lambda").get_paginator("list_event_source_mappings").paginate():
        for mapping in page["EventSourceMappings"]:
            if function := stack.functions.get(mapping["FunctionArn"].rpartition(":")[2]):
                source = mapping["EventSourceArn"]
                for action in _READING[source.split(":")[2]]:
                    yield Use(f"{function}Function", action, source)


def _by_tasks(stack: Stack) -> Iterator[Use]:
    for name, arn in stack.resources.items():
        if ":stateMachine:" in arn:
            described = stack.client("stepfunctions").describe_state_machine(stateMachineArn=arn)
            for function in _functions_in(json.loads(described["definition"])):
                yield Use(name, "lambda:InvokeFunction", function)


def _by_schedules(stack: Stack) -> Iterator[Use]:
    for name, rule in stack.resources.items():
        if name.endswith("Schedule"):
            for target in stack.client("events").list_targets_by_rule(Rule=rule)["Targets"]:
                if ":stateMachine:" in target["Arn"]:
                    yield Use(name, "states:StartExecution", target["Arn"])


def _functions_in(definition: Any) -> Iterator[str]:
    """The ARNs of functions anywhere in a state machine's definition."""
    match definition:
        case dict():
            for value in definition.values():
                yield from _functions_in(value)
        case list():
            for value in definition:
                yield from _functions_in(value)
        case str() if ":lambda:" in definition and ":function:" in definition:
            yield definition

"""What each function, state machine and schedule of a deployed stack asked IAM, as the embedded cloud records it.

Lambda, Step Functions and EventBridge ask with the roles as well: `tools/cloud/strictness/service_roles.py`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import requests

from tools.stack import Stack

_PATH = "/_cartwright/permissions"
_TIMEOUT_SECONDS = 30


@dataclass(frozen=True, order=True)
class Use:
    """An action on a resource that a part of the stack asked for, whether it was allowed, and during which tests."""

    part: str
    """The logical id of the function, the state machine or the schedule."""
    action: str
    resource: str
    allowed: bool = True
    tests: tuple[str, ...] = field(default=(), compare=False)


def denied_uses_of(stack: Stack) -> set[Use]:
    """All uses so far that IAM denied to a stack in the embedded cloud."""
    parts = _parts(stack)
    return {
        Use(parts[fact["asker"]], fact["action"], fact["resource"], allowed=False, tests=tuple(fact["tests"]))
        for fact in _called(stack, "GET", {"allowed": False})
        if fact["asker"] in parts and not fact["allowed"]
    }


def uses_denied_by(
    stack: Stack, part: str, role: str, policies: Sequence[Mapping[str, Any]]
) -> Iterator[Use]:
    """The allowed uses of the part that IAM would deny if its role had these policies alone.

    The engine of the embedded cloud answers each recorded request again, with its condition keys.
    """
    asker = next(asker for asker, name in _parts(stack).items() if name == part)
    for fact in _called(stack, "POST", {"asker": asker, "role": role, "policies": list(policies)}):
        yield Use(part, fact["action"], fact["resource"], allowed=False, tests=tuple(fact["tests"]))


def begin_test(stack: Stack, test: str) -> None:
    """From now on, uses are of that test."""
    _called(stack, "PUT", {"test": test})


def forget_denials(stack: Stack, part: str, action: str) -> None:
    """Takes denials that a test provoked out of the record."""
    for asker, name in _parts(stack).items():
        if name == part:
            _called(stack, "DELETE", {"asker": asker, "action": action})


def _parts(stack: Stack) -> dict[str, str]:
    """The parts that have a role, by their names in the record."""
    return {physical: name for name, physical in stack.resources.items() if f"{name}Role" in stack.resources}


def _called(stack: Stack, method: str, body: Any) -> Any:
    answer = requests.request(method, stack.endpoint + _PATH, json=body, timeout=_TIMEOUT_SECONDS)
    answer.raise_for_status()
    return answer.json()

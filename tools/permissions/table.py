"""The grants of a stack beside their uses: each grant is used, expected to be unused for a reason, or unused.

A use that IAM denied is a row of its own. Rows name resources as the template does, so rows of several stacks join.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from tools.permissions.exceptions import reason_for
from tools.permissions.grants import grants_of
from tools.permissions.uses import Use, uses_of
from tools.stack import Stack

DENIED, USED, EXPECTED, UNUSED = "denied", "used", "expected", "unused"
STATES = (DENIED, USED, EXPECTED, UNUSED)


@dataclass(frozen=True, order=True)
class Row:
    """An action of a function or a state machine on a resource, and its state."""

    part: str
    action: str
    resource: str
    state: str


def rows_of(stack: Stack) -> set[Row]:
    """The rows of a stack in the embedded cloud, by its uses so far."""
    uses, names = uses_of(stack), _Names(stack)
    granted = {
        Row(
            grant.part,
            grant.action,
            names.of(grant.resource),
            USED if _is_used(grant.resource, of_action) else UNUSED,
        )
        for grant in grants_of(stack)
        for of_action in [[use for use in uses if (use.part, use.action) == (grant.part, grant.action)]]
    }
    denied = {
        Row(use.part, use.action, names.of(use.resource), DENIED)
        for use in uses
        # A test may lead a function to a resource of no stack.
        if not use.allowed and names.has(use.resource)
    }
    return granted | denied


def joined(rows: Iterable[Row]) -> list[Row]:
    """The rows of several stacks of one template: a grant is used if one of them used it."""
    states: dict[Row, set[str]] = {}
    for row in rows:
        states.setdefault(replace(row, state=""), set()).add(row.state)
    return sorted(replace(row, state=_joint(row, found)) for row, found in states.items())


def _joint(row: Row, states: set[str]) -> str:
    state = next(state for state in STATES if state in states)
    return EXPECTED if state == UNUSED and reason_for(row.part, row.action, row.resource) else state


def _is_used(granted: str, uses: list[Use]) -> bool:
    # `Ref` of a secret is its name in MiniStack, and its ARN on AWS.
    is_name = granted != "*" and not granted.startswith("arn:")
    pattern = f"arn:aws:secretsmanager:*:{granted}*" if is_name else granted
    return any(use.allowed and fnmatchcase(use.resource, pattern) for use in uses)


class _Names:
    """The names of a stack's resources in the template."""

    def __init__(self, stack: Stack) -> None:
        made = {re.split("[:/]", physical)[-1]: logical for logical, physical in stack.resources.items()}
        # A name that the template gives is also a word elsewhere. A name that AWS makes up is long, and has a digit.
        unmistakable = [pair for pair in made.items() if re.fullmatch(r"(?=.*\d).{8,}", pair[0])]
        self._names = sorted(unmistakable, key=lambda pair: -len(pair[0]))

    def has(self, resource: str) -> bool:
        """Whether the resource is the stack's."""
        return any(name in resource for name, _ in self._names)

    def of(self, resource: str) -> str:
        """The resource as the template names it, without partition, region and account."""
        for name, logical in self._names:
            resource = resource.replace(name, logical)
        if not resource.startswith("arn:"):
            return resource
        return ":".join(resource.split(":")[5:])

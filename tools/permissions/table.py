"""The grants of a stack beside their uses: each grant is used, expected to be unused for a reason, or unused.

A grant is used if, without it, IAM would deny a request that was made. A use that IAM denied is a row of its own. Rows
name resources as the template does, so rows of several stacks join.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from tools.permissions.exceptions import reason_for
from tools.permissions.grants import Grant, Role, roles_of
from tools.permissions.uses import Use, denied_uses_of, uses_denied_by
from tools.stack import Stack

DENIED, USED, EXPECTED, UNUSED = "denied", "used", "expected", "unused"
STATES = (DENIED, USED, EXPECTED, UNUSED)
NOWHERE = "no-such-"
"""Begins the names of tables and buckets that do not exist; a test leads a function there."""


@dataclass(frozen=True, order=True)
class Row:
    """An action of a function, a state machine or a schedule on a resource, and its state."""

    part: str
    action: str
    resource: str
    state: str
    conditions: str = ""
    """The condition keys that limit the grant, with commas."""
    tests: Sequence[str] = field(default=(), compare=False)
    """The tests that make a request which IAM would deny without the grant, or did deny."""


def rows_of(stack: Stack) -> set[Row]:
    """The rows of a stack in the embedded cloud, by its uses so far."""
    names = _Names(stack)
    granted = {
        _row(role, grant, names, _denied_without(stack, role, grant))
        for role in roles_of(stack)
        for grant in role.grants()
    }
    return granted | denials_of(stack)


def denials_of(stack: Stack) -> set[Row]:
    """The rows of what IAM denied so far."""
    names = _Names(stack)
    return {
        Row(use.part, use.action, names.of(use.resource), DENIED, tests=use.tests)
        for use in denied_uses_of(stack)
        if NOWHERE not in use.resource
    }


def granted_as(stack: Stack, part: str, action: str, resource: str) -> tuple[Role, Grant]:
    """The role and its grant that a row of these names stands for; raises LookupError if there is none."""
    return Grants(stack).find(part, action, resource)


class Grants:
    """The grants of a stack by the names of rows. Each role is read once."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._names = _Names(stack)
        self._roles: dict[str, Role] = {}

    def find(self, part: str, action: str, resource: str) -> tuple[Role, Grant]:
        """The role and its grant that a row of these names stands for; raises LookupError if there is none."""
        if part not in self._roles:
            self._roles[part] = Role(self._stack, part)
        role = self._roles[part]
        for grant in role.grants():
            if (grant.action, self._names.of(grant.resource)) == (action, resource):
                return role, grant
        raise LookupError(f"{part} has no {action} on {resource}")


def joined(rows: Iterable[Row]) -> list[Row]:
    """The rows of several stacks of one template: a grant is used if one of them used it."""
    found: dict[Row, list[Row]] = {}
    for row in rows:
        found.setdefault(replace(row, state=""), []).append(row)
    return sorted(
        replace(row, state=_joint(same), tests=tuple(sorted({test for one in same for test in one.tests})))
        for row, same in found.items()
    )


def _joint(same: list[Row]) -> str:
    row, states = same[0], {row.state for row in same}
    state = next(state for state in STATES if state in states)
    return EXPECTED if state == UNUSED and reason_for(row.part, row.action, row.resource) else state


def _denied_without(stack: Stack, role: Role, grant: Grant) -> list[Use]:
    """The uses that IAM would deny without the grant, of its own action on its own resource."""
    denied = uses_denied_by(stack, grant.part, f"role/{role.name}", role.without(grant))
    return [use for use in denied if use.action == grant.action and grant.covers(use.resource)]


def _row(role: Role, grant: Grant, names: "_Names", denied: list[Use]) -> Row:
    tests = tuple(sorted({test for use in denied for test in use.tests}))
    state = USED if denied else UNUSED
    return Row(role.part, grant.action, names.of(grant.resource), state, grant.conditions, tests)


class _Names:
    """The names of a stack's resources in the template."""

    def __init__(self, stack: Stack) -> None:
        made = {re.split("[:/]", physical)[-1]: logical for logical, physical in stack.resources.items()}
        # A name that the template gives is also a word elsewhere. A name that AWS makes up is long, and has a digit.
        unmistakable = [pair for pair in made.items() if re.fullmatch(r"(?=.*\d).{8,}", pair[0])]
        self._names = sorted(unmistakable, key=lambda pair: -len(pair[0]))

    def of(self, resource: str) -> str:
        """The resource as the template names it, without partition, region and account."""
        for name, logical in self._names:
            resource = resource.replace(name, logical)
        if not resource.startswith("arn:"):
            return resource
        # A stream is named by the moment of its creation.
        return re.sub(r"/stream/.+", "/stream", ":".join(resource.split(":")[5:]))

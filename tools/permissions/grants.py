"""What the policies of a deployed stack's roles allow, action by action, after their denials."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tools.cloud.workarounds import ADDED_POLICY
from tools.stack import Stack

AWS_POLICY = "policy"
"""The action of a grant that is one of AWS's policies as a whole: MiniStack does not know X-Ray's."""


@dataclass(frozen=True, order=True)
class Grant:
    """An action that a function or a state machine may do on a resource, which may be a pattern."""

    part: str
    """The logical id of the function or the state machine."""
    action: str
    resource: str


def grants_of(stack: Stack) -> set[Grant]:
    """Everything that the roles of the stack's functions and state machines allow."""
    return {
        Grant(part, action, resource)
        for part in stack.resources
        if f"{part}Role" in stack.resources
        for action, resource in _allowed(list(_statements(stack, stack.resource(f"{part}Role"))))
    }


def _statements(stack: Stack, role: str) -> Iterator[dict[str, Any]]:
    iam = stack.client("iam")
    for name in set(iam.list_role_policies(RoleName=role)["PolicyNames"]) - {ADDED_POLICY}:
        yield from iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]["Statement"]
    for policy in iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]:
        yield from _statements_of_aws(iam, policy["PolicyArn"])


def _statements_of_aws(iam: Any, arn: str) -> list[dict[str, Any]]:
    try:
        version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
    except iam.exceptions.NoSuchEntityException:
        return [{"Effect": "Allow", "Action": AWS_POLICY, "Resource": arn}]
    found = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]
    statements: list[dict[str, Any]] = found["Statement"]
    return statements


def _allowed(statements: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    """Each allowed action with its resource; an action that is denied for all but some, with those alone."""
    left = {
        action: _listed(each["NotResource"])
        for each in statements
        if each["Effect"] == "Deny"
        for action in _listed(each["Action"])
    }
    for statement in statements:
        if statement["Effect"] == "Allow":
            for action in _listed(statement["Action"]):
                for resource in _listed(statement["Resource"]):
                    own = left.get(action, ["*"]) if resource == "*" else [resource]
                    yield from ((action, each) for each in own)


def _listed(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)

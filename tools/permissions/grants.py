"""What the policies of a deployed stack's roles allow, action by action, after their denials."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from tools.cloud.workarounds import ADDED_POLICY
from tools.stack import Stack

AWS_POLICY = "policy"
"""The action of a grant that is one of AWS's policies as a whole: MiniStack does not know X-Ray's."""

type Policy = dict[str, Any]
"""A policy's document."""


@dataclass(frozen=True, order=True)
class Grant:
    """An action that a function or a state machine may do on a resource, which may be a pattern."""

    part: str
    """The logical id of the function or the state machine."""
    action: str
    resource: str
    """As the policy has it; what a denial leaves of all resources."""
    conditions: str = ""
    """The condition keys that limit the grant, with commas."""

    def covers(self, resource: str) -> bool:
        """Whether the resource is among the granted ones."""
        pattern = f"arn:aws:secretsmanager:*:{self.resource}*" if self.is_of_a_name else self.resource
        return fnmatchcase(resource, pattern)

    @property
    def is_of_a_name(self) -> bool:
        """Whether the policy has a secret's name: `Ref` of a secret is its name in MiniStack, and its ARN on AWS."""
        return self.resource != "*" and not self.resource.startswith("arn:")


class Role:
    """The role of a function, a state machine or a schedule, with its policies as they are deployed."""

    def __init__(self, stack: Stack, part: str) -> None:
        self._iam = stack.client("iam")
        self.part = part
        self.name = stack.resource(f"{part}Role")
        self.own = {
            name: self._iam.get_role_policy(RoleName=self.name, PolicyName=name)["PolicyDocument"]
            for name in self._iam.list_role_policies(RoleName=self.name)["PolicyNames"]
        }
        listed = self._iam.list_attached_role_policies(RoleName=self.name)["AttachedPolicies"]
        self.attached = {policy["PolicyArn"]: self._of_aws(policy["PolicyArn"]) for policy in listed}

    def _of_aws(self, arn: str) -> Policy:
        try:
            version = self._iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
        except self._iam.exceptions.NoSuchEntityException:
            return {"Statement": [{"Effect": "Allow", "Action": AWS_POLICY, "Resource": arn}]}
        document: Policy = self._iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"][
            "Document"
        ]
        return document

    def grants(self) -> set[Grant]:
        """Everything that the policies allow; what the embedded cloud added belongs to the template's own grant."""
        own = [document for name, document in self.own.items() if name != ADDED_POLICY]
        statements = [each for document in (*own, *self.attached.values()) for each in document["Statement"]]
        return {Grant(self.part, *allowed) for allowed in _allowed(statements)}

    def without(self, grant: Grant) -> list[Policy]:
        """All policies as they would be without the grant."""
        return [_without(document, grant) for document in (*self.own.values(), *self.attached.values())]

    @contextmanager
    def deprived_of(self, grant: Grant) -> Iterator[None]:
        """The deployed role without the grant, until the end of the block.

        AWS's policies cannot be changed, so a changed copy stands for one of them.
        """
        own = {name: _without(document, grant) for name, document in self.own.items()}
        copies = {arn: _without(document, grant) for arn, document in self.attached.items()}
        changed = {name: policy for name, policy in own.items() if policy != self.own[name]}
        replaced = {arn: policy for arn, policy in copies.items() if policy != self.attached[arn]}
        try:
            for name, policy in changed.items():
                self._put(name, policy)
            for number, (arn, policy) in enumerate(replaced.items()):
                self._put(f"copy-{number}", policy)
                self._iam.detach_role_policy(RoleName=self.name, PolicyArn=arn)
            yield
        finally:
            for name in changed:
                self._put(name, self.own[name])
            for number, arn in enumerate(replaced):
                self._iam.attach_role_policy(RoleName=self.name, PolicyArn=arn)
                self._iam.delete_role_policy(RoleName=self.name, PolicyName=f"copy-{number}")

    def _put(self, name: str, policy: Policy) -> None:
        if policy["Statement"]:
            self._iam.put_role_policy(RoleName=self.name, PolicyName=name, PolicyDocument=json.dumps(policy))
        else:
            self._iam.delete_role_policy(RoleName=self.name, PolicyName=name)


def roles_of(stack: Stack) -> list[Role]:
    """The roles of the stack's functions, state machines and schedules."""
    return [Role(stack, part) for part in stack.resources if f"{part}Role" in stack.resources]


def _allowed(statements: list[dict[str, Any]]) -> Iterator[tuple[str, str, str]]:
    """Each allowed action with its resource and condition keys; an action that is denied for all but some, with those
    alone."""
    left = {
        action: _listed(each["NotResource"])
        for each in statements
        if each["Effect"] == "Deny"
        for action in _listed(each["Action"])
    }
    for statement in statements:
        if statement["Effect"] == "Allow":
            keys = {key for tested in statement.get("Condition", {}).values() for key in tested}
            for action in _listed(statement["Action"]):
                for resource in _listed(statement["Resource"]):
                    own = left.get(action, ["*"]) if resource == "*" else [resource]
                    yield from ((action, each, ", ".join(sorted(keys))) for each in own)


def _without(document: Policy, grant: Grant) -> Policy:
    """The document without the grant: of a statement about several actions and resources, all other pairs stay."""
    return {**document, "Statement": [part for each in document["Statement"] for part in _rest(each, grant)]}


def _rest(statement: dict[str, Any], grant: Grant) -> Iterator[dict[str, Any]]:
    if statement["Effect"] != "Allow" or grant.action not in _listed(statement["Action"]):
        yield statement
        return
    actions, resources = _listed(statement["Action"]), _listed(statement["Resource"])
    if others := [action for action in actions if action != grant.action]:
        yield {**statement, "Action": others}
    if kept := [resource for resource in resources if not _is_of(resource, grant)]:
        yield {**statement, "Action": grant.action, "Resource": kept}


def _is_of(resource: str, grant: Grant) -> bool:
    """Whether the resource of a statement is the grant's. A denial may leave less of "*" than the statement allows; of
    a secret's name, the embedded cloud also allows the ARN."""
    return resource in ("*", grant.resource) or (grant.is_of_a_name and grant.covers(resource))


def _listed(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)

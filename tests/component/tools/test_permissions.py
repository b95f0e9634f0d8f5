"""Grants of deployed roles: which there are, and what a role is without one of them."""

import json
from typing import Any, cast

import boto3
import pytest

from tools.cloud.workarounds import ADDED_POLICY
from tools.permissions.grants import Grant, Role
from tools.stack import Stack

ORDERS, PRICES = (f"arn:aws:dynamodb:eu-central-1:123456789012:table/{name}" for name in ("orders", "prices"))
GET_ORDERS = Grant("Shop", "dynamodb:GetItem", ORDERS)
READ_QUEUE = Grant("Shop", "sqs:ReceiveMessage", "arn:aws:sqs:eu-central-1:123456789012:own")
AWS_POLICY = "arn:aws:iam::aws:policy/service-role/AWSLambdaSQSQueueExecutionRole"
LIMIT = {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["ord_*"]}}


class OneRole:
    """A stack with the role of one function."""

    def resource(self, name: str) -> str:
        return {"Shop": "shop-1", "ShopRole": "shop-role"}[name]

    def client(self, service: str) -> Any:
        return boto3.client(cast(Any, service))


@pytest.fixture
def stack(aws: None, monkeypatch: pytest.MonkeyPatch) -> Stack:
    monkeypatch.setenv("MOTO_IAM_LOAD_MANAGED_POLICIES", "true")
    boto3.client("iam").create_role(RoleName="shop-role", AssumeRolePolicyDocument="{}")
    return cast(Stack, OneRole())


def allow(actions: Any, resources: Any, **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": actions, "Resource": resources, **more}


def put(*statements: dict[str, Any], name: str = "own") -> None:
    document = json.dumps({"Version": "2012-10-17", "Statement": statements})
    boto3.client("iam").put_role_policy(RoleName="shop-role", PolicyName=name, PolicyDocument=document)


def statements(policies: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [each for policy in policies for each in policy["Statement"]]


def test_a_role_without_a_grant_keeps_each_other_pair_of_action_and_resource(stack: Stack) -> None:
    put(allow(["dynamodb:GetItem", "dynamodb:PutItem"], [ORDERS, PRICES], Condition=LIMIT))
    role = Role(stack, "Shop")
    assert {(grant.action, grant.resource) for grant in role.grants()} == {
        (action, resource)
        for action in ("dynamodb:GetItem", "dynamodb:PutItem")
        for resource in (ORDERS, PRICES)
    }
    assert {grant.conditions for grant in role.grants()} == {"dynamodb:LeadingKeys"}
    assert statements(role.without(GET_ORDERS)) == [
        allow(["dynamodb:PutItem"], [ORDERS, PRICES], Condition=LIMIT),
        allow("dynamodb:GetItem", [PRICES], Condition=LIMIT),
    ]


def test_a_grant_that_stands_twice_goes_twice(stack: Stack) -> None:
    put(allow("dynamodb:GetItem", ORDERS), allow("dynamodb:GetItem", ORDERS, Condition=LIMIT))
    assert statements(Role(stack, "Shop").without(GET_ORDERS)) == []


def test_a_denial_stays_and_leaves_a_grant_on_its_own_resource(stack: Stack) -> None:
    deny = {"Effect": "Deny", "Action": ["sqs:ReceiveMessage"], "NotResource": READ_QUEUE.resource}
    put(deny, allow(["sqs:ReceiveMessage", "sqs:DeleteMessage"], "*"))
    role = Role(stack, "Shop")
    assert READ_QUEUE in role.grants()
    assert statements(role.without(READ_QUEUE)) == [deny, allow(["sqs:DeleteMessage"], "*")]


def test_a_secret_goes_by_its_name_and_by_the_arn_that_the_embedded_cloud_added(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    action, arn = "secretsmanager:GetSecretValue", "arn:aws:secretsmanager:eu-central-1:123456789012:secret:"
    role, other = Role(stack, "Shop"), allow("secretsmanager:GetSecretValue", f"{arn}other-Cd34")
    # Moto refuses the name, as AWS does, where the template's reference is an ARN.
    added = {"Statement": [allow(action, f"{arn}shop/secret-Ab12"), other]}
    monkeypatch.setattr(
        role, "own", {"own": {"Statement": [allow(action, "shop/secret")]}, ADDED_POLICY: added}
    )
    grant = Grant("Shop", action, "shop/secret")
    assert role.grants() == {grant}
    assert grant.covers(f"{arn}shop/secret-Ab12")
    assert statements(role.without(grant)) == [{**other, "Resource": [other["Resource"]]}]


def deployed() -> tuple[dict[str, Any], list[str]]:
    iam = boto3.client("iam")
    own = {
        name: iam.get_role_policy(RoleName="shop-role", PolicyName=name)["PolicyDocument"]
        for name in iam.list_role_policies(RoleName="shop-role")["PolicyNames"]
    }
    attached = iam.list_attached_role_policies(RoleName="shop-role")["AttachedPolicies"]
    return own, [policy["PolicyArn"] for policy in attached]


def test_a_deployed_role_has_a_grant_back_after_the_block_even_if_that_fails(stack: Stack) -> None:
    put(allow(["dynamodb:GetItem", "dynamodb:PutItem"], ORDERS))
    put(allow("dynamodb:GetItem", ORDERS), name="more")
    before = deployed()
    during: list[dict[str, Any]] = []

    def fail() -> None:
        with Role(stack, "Shop").deprived_of(GET_ORDERS):
            during.extend(statements(list(deployed()[0].values())))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert during == [allow(["dynamodb:PutItem"], ORDERS)]
    assert deployed() == before


def test_a_changed_copy_stands_for_a_policy_of_aws(stack: Stack) -> None:
    boto3.client("iam").attach_role_policy(RoleName="shop-role", PolicyArn=AWS_POLICY)
    before = deployed()
    role = Role(stack, "Shop")
    grant = next(each for each in role.grants() if each.action == "sqs:ReceiveMessage")
    with role.deprived_of(grant):
        own, attached = deployed()
        assert attached == []
        [copy] = statements(list(own.values()))
        assert "sqs:ReceiveMessage" not in copy["Action"]
        assert "sqs:DeleteMessage" in copy["Action"]
    assert deployed() == before

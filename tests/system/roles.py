"""Acts with the rights of one of the system's roles."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from tools.stack import Stack
from tools.waiting import wait_for

type Client = Callable[[str], Any]
"""Makes the boto3 client of a service, with the role's rights."""

DENIED = {"AccessDenied", "AccessDeniedException", "AuthorizationError"}


@contextmanager
def acting_as(stack: Stack, role: str) -> Iterator[Client]:
    """Until the end of the block, clients with the rights of the role of that logical id.

    Only Lambda may assume the role itself. So this makes a double of it, with the same policies.
    """
    iam, name, double = stack.client("iam"), stack.resource(role), f"double-{uuid4().hex[:12]}"
    account = stack.client("sts").get_caller_identity()["Account"]
    trust = {"Effect": "Allow", "Principal": {"AWS": account}, "Action": "sts:AssumeRole"}
    policies = {
        policy: iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
        for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]
    }
    attached = [
        policy["PolicyArn"] for policy in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
    ]
    arn = iam.create_role(
        RoleName=double,
        AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
    )["Role"]["Arn"]
    try:
        for policy, document in policies.items():
            iam.put_role_policy(RoleName=double, PolicyName=policy, PolicyDocument=json.dumps(document))
        for policy in attached:
            iam.attach_role_policy(RoleName=double, PolicyArn=policy)
        yield _clients(stack, wait_for(lambda: _assumed(stack, arn), f"the role {arn} to exist", seconds=60))
    finally:
        for policy in policies:
            iam.delete_role_policy(RoleName=double, PolicyName=policy)
        for policy in attached:
            iam.detach_role_policy(RoleName=double, PolicyArn=policy)
        iam.delete_role(RoleName=double)


def is_denied(call: Callable[..., Any], **arguments: Any) -> bool:
    """Whether IAM denies the call; it must succeed otherwise."""
    try:
        call(**arguments)
    except ClientError as error:
        if error.response["Error"]["Code"] not in DENIED:
            raise
        return True
    return False


def _assumed(stack: Stack, arn: str) -> dict[str, str] | None:
    try:
        answer = stack.client("sts").assume_role(RoleArn=arn, RoleSessionName="system-tests")
    except ClientError:  # IAM takes a while to know a new role everywhere
        return None
    credentials: dict[str, str] = answer["Credentials"]
    return credentials


def _clients(stack: Stack, credentials: dict[str, str]) -> Client:
    session: Any = boto3.session.Session(
        aws_access_key_id=credentials["AccessKeyId"],
        aws_secret_access_key=credentials["SecretAccessKey"],
        aws_session_token=credentials["SessionToken"],
        region_name=stack.region,
    )
    return lambda service: session.client(
        service, endpoint_url=stack.endpoint or None, config=Config(retries={"total_max_attempts": 1})
    )

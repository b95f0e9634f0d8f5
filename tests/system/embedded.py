"""Lets the tests use the embedded cloud as a caller uses AWS: by the environment, and with credentials of their own."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import pytest

from tools.settings import tool_environment
from tools.stack import Stack

_ADMINISTRATOR = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
}


@contextmanager
def as_an_ordinary_user(root: Stack) -> Iterator[None]:
    """Until the end of the block, AWS is the embedded cloud for this process, which acts as an IAM user there.

    IAM decides what the user may, as it does on AWS; `root` is the account's root user, who may do all.
    """
    iam, user = root.client("iam"), f"system-tests-{uuid4().hex[:8]}"
    iam.create_user(UserName=user)
    iam.put_user_policy(UserName=user, PolicyName="administrator", PolicyDocument=json.dumps(_ADMINISTRATOR))
    key = iam.create_access_key(UserName=user)["AccessKey"]
    environment = tool_environment(root.endpoint) | {
        "AWS_ACCESS_KEY_ID": key["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
    }
    try:
        with pytest.MonkeyPatch.context() as patch:
            for name in os.environ.keys() - environment.keys():
                patch.delenv(name)
            for name, value in environment.items():
                patch.setenv(name, value)
            yield
    finally:
        iam.delete_access_key(UserName=user, AccessKeyId=key["AccessKeyId"])
        iam.delete_user_policy(UserName=user, PolicyName="administrator")
        iam.delete_user(UserName=user)

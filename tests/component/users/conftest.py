"""The users table and the user pool, in the test's pretended account."""

from typing import Any

import boto3
import pytest

from tests.component.audit_trail import make_audit_trail
from tests.component.users.account import TABLE, Users
from tests.faults.template import Template


@pytest.fixture
def pool(aws: None, monkeypatch: pytest.MonkeyPatch) -> str:
    """The id of an empty user pool with the two groups."""
    cognito = boto3.client("cognito-idp")
    pool_id = cognito.create_user_pool(
        PoolName="users",
        UsernameAttributes=["email"],
        AutoVerifiedAttributes=["email"],
        Policies={"PasswordPolicy": {"MinimumLength": 12, "RequireUppercase": True, "RequireNumbers": True}},
    )["UserPool"]["Id"]
    client = cognito.create_user_pool_client(UserPoolId=pool_id, ClientName="web")["UserPoolClient"]
    for group in ("customer", "admin"):
        cognito.create_group(UserPoolId=pool_id, GroupName=group)
    monkeypatch.setenv("USER_POOL_ID", pool_id)
    monkeypatch.setenv("USER_POOL_CLIENT_ID", client["ClientId"])
    from users import dependencies

    dependencies.accounts.cache_clear()
    dependencies.sign_ups.cache_clear()
    return pool_id


@pytest.fixture
def users(pool: str, lambda_context: Any, monkeypatch: pytest.MonkeyPatch) -> Users:
    """An empty users service."""
    boto3.client("dynamodb").create_table(**Template().tables[TABLE])
    make_audit_trail()
    monkeypatch.setenv("TABLE_NAME", TABLE)
    monkeypatch.setenv("MAX_SIGN_UPS_PER_SOURCE", "1000")
    monkeypatch.setenv("ALSO_EXPORTED", "/orders: orders, with their shipping addresses")
    from users import dependencies

    dependencies.profile_store.cache_clear()
    dependencies.sign_up_counters.cache_clear()
    dependencies.sign_up_settings.cache_clear()
    return Users(lambda_context, pool)

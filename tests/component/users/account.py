"""The users service in a pretended account, and what its tests read from and write to it."""

import json
from typing import Any

import boto3
import pytest

from tests.component.rest_events import claims_of, json_body, rest_event

PASSWORD = "Analytical-Engine-1843"
ADA = {"email": "ada@example.com", "password": PASSWORD, "name": "Ada Lovelace", "locale": "de-AT"}


class Users:
    """The users API as a client meets it, and a look at what it stored."""

    def __init__(self, context: Any, pool: str) -> None:
        self._context = context
        self.pool = pool

    def call(self, method: str, path: str, **request: Any) -> dict[str, Any]:
        from users.functions.api import handler

        return handler(rest_event(method, path, **request), self._context)

    def sign_up(self, **changes: Any) -> dict[str, Any]:
        return self.call("POST", "/users", body={**ADA, **changes})

    def me(self, **claims: str) -> dict[str, Any]:
        return self.call("GET", "/users/me", claims=claims_of(**claims))

    def signed_up(self, **changes: Any) -> str:
        """The id of someone new."""
        return json_body(self.sign_up(**changes))["user_id"]

    def elsewhere(self, email: str = "ada@example.com") -> str:
        """The `sub` of an account that was made without the shop."""
        account = boto3.client("cognito-idp").admin_create_user(UserPoolId=self.pool, Username=email)["User"]
        return next(entry["Value"] for entry in account["Attributes"] if entry["Name"] == "sub")

    def groups_of(self, user_id: str) -> list[str]:
        found = boto3.client("cognito-idp").admin_list_groups_for_user(UserPoolId=self.pool, Username=user_id)
        return [group["GroupName"] for group in found["Groups"]]

    def stored(self) -> list[dict[str, Any]]:
        return boto3.client("dynamodb").scan(TableName="users")["Items"]

    def outbox(self) -> list[dict[str, Any]]:
        return [json.loads(entry["S"]) for item in self.stored() for entry in item["outbox"]["L"]]


def users_account(context: Any, monkeypatch: pytest.MonkeyPatch) -> Users:
    """An empty users service in the pretended account of the test."""
    boto3.client("dynamodb").create_table(
        TableName="users",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "email", "AttributeType": "S"},
            {"AttributeName": "email_as_of", "AttributeType": "N"},
            {"AttributeName": "register", "AttributeType": "S"},
            {"AttributeName": "registered", "AttributeType": "S"},
        ],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        GlobalSecondaryIndexes=[
            {
                "IndexName": name,
                "KeySchema": [
                    {"AttributeName": key, "KeyType": "HASH"},
                    {"AttributeName": order, "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "ALL"},
            }
            for name, key, order in [
                ("by-email", "email", "email_as_of"),
                ("by-registration", "register", "registered"),
            ]
        ],
    )
    cognito = boto3.client("cognito-idp")
    pool = cognito.create_user_pool(
        PoolName="users",
        UsernameAttributes=["email"],
        AutoVerifiedAttributes=["email"],
        Policies={"PasswordPolicy": {"MinimumLength": 12, "RequireUppercase": True, "RequireNumbers": True}},
    )["UserPool"]["Id"]
    client_id = cognito.create_user_pool_client(UserPoolId=pool, ClientName="web")["UserPoolClient"][
        "ClientId"
    ]
    for group in ("customer", "admin"):
        cognito.create_group(UserPoolId=pool, GroupName=group)
    monkeypatch.setenv("TABLE_NAME", "users")
    monkeypatch.setenv("USER_POOL_ID", pool)
    monkeypatch.setenv("USER_POOL_CLIENT_ID", client_id)
    from users import dependencies as resources

    resources.profile_store.cache_clear()
    resources.accounts.cache_clear()
    resources.sign_ups.cache_clear()
    return Users(context, pool)

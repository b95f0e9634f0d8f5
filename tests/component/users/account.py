"""The users service in a pretended account: requests to its API, and its stored items."""

import json
from typing import Any

import boto3

from tests.component.rest_events import claims_of, json_body, rest_event

TABLE = "UsersTable"
PASSWORD = "Analytical-Engine-1843"
ADA = {"email": "ada@example.com", "password": PASSWORD, "name": "Ada Lovelace", "locale": "de-AT"}


class Users:
    """The users API as a client calls it, and the items that it stored."""

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
        """The id of a new user."""
        return json_body(self.sign_up(**changes))["user_id"]

    def elsewhere(self, email: str = "ada@example.com") -> str:
        """The `sub` of an account that was made without the shop."""
        account = boto3.client("cognito-idp").admin_create_user(UserPoolId=self.pool, Username=email)["User"]
        return next(entry["Value"] for entry in account["Attributes"] if entry["Name"] == "sub")

    def groups_of(self, user_id: str) -> list[str]:
        found = boto3.client("cognito-idp").admin_list_groups_for_user(UserPoolId=self.pool, Username=user_id)
        return [group["GroupName"] for group in found["Groups"]]

    def stored(self) -> list[dict[str, Any]]:
        """The items of profiles."""
        return [item for item in self.items() if "sign_ups" not in item]

    def items(self) -> list[dict[str, Any]]:
        return boto3.client("dynamodb").scan(TableName=TABLE)["Items"]

    def outbox(self) -> list[dict[str, Any]]:
        return [json.loads(entry["S"]) for item in self.stored() for entry in item["outbox"]["L"]]

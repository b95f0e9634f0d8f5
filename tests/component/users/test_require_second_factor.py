"""The tokens of admins without a second factor, through the real handler, as Cognito calls it."""

import copy
import json
import os
from importlib import import_module, reload
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.component.users.account import PASSWORD

EXAMPLE = json.loads((Path(__file__).parents[3] / "events" / "users_require_second_factor.json").read_text())


class Pool:
    """A user pool that asks the function before it makes a token."""

    def __init__(self, pool: str, context: Any) -> None:
        self._cognito: Any = boto3.client("cognito-idp")
        self._pool, self._context = pool, context

    def event(self, *groups: str, has_factor: bool) -> dict[str, Any]:
        event = copy.deepcopy(EXAMPLE)
        account = {"UserPoolId": self._pool, "Username": "ada@example.com"}
        self._cognito.admin_create_user(**account)
        if has_factor:
            self._set_up_factor(account)
        event |= {"userPoolId": self._pool, "userName": "ada@example.com"}
        event["request"]["groupConfiguration"]["groupsToOverride"] = list(groups)
        return event

    def _set_up_factor(self, account: dict[str, str]) -> None:
        self._cognito.admin_set_user_password(**account, Password=PASSWORD, Permanent=True)
        session = self._cognito.initiate_auth(
            ClientId=os.environ["USER_POOL_CLIENT_ID"],
            AuthFlow="USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": account["Username"], "PASSWORD": PASSWORD},
        )
        access = session["AuthenticationResult"]["AccessToken"]
        self._cognito.associate_software_token(AccessToken=access)
        self._cognito.verify_software_token(AccessToken=access, UserCode="123456")
        self._cognito.set_user_mfa_preference(
            AccessToken=access, SoftwareTokenMfaSettings={"Enabled": True, "PreferredMfa": True}
        )

    def ask(self, event: dict[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = reload(import_module("users.functions.require_second_factor")).handler(
            event, self._context
        )
        return answer


@pytest.fixture
def cognito(pool: str, lambda_context: Any, monkeypatch: pytest.MonkeyPatch) -> Pool:
    monkeypatch.setenv("SECOND_FACTOR", "required")
    from users import dependencies

    dependencies.second_factors.cache_clear()
    dependencies.second_factor_settings.cache_clear()
    return Pool(pool, lambda_context)


def test_an_account_without_a_second_factor_is_no_admin_and_keeps_its_other_groups(cognito: Pool) -> None:
    answer = cognito.ask(cognito.event("admin", "customer", has_factor=False))
    assert answer["response"]["claimsOverrideDetails"] == {
        "groupOverrideDetails": {
            "groupsToOverride": ["customer"],
            "iamRolesToOverride": [],
            "preferredRole": None,
        }
    }


def test_an_account_that_is_in_no_other_group_gets_a_token_without_groups(cognito: Pool) -> None:
    """Cognito may read an empty list of groups as no list at all."""
    details = cognito.ask(cognito.event("admin", has_factor=False))["response"]["claimsOverrideDetails"]
    assert details["groupOverrideDetails"]["groupsToOverride"] == []
    assert details["claimsToSuppress"] == ["cognito:groups"]


def test_an_admin_with_a_second_factor_stays_one(cognito: Pool) -> None:
    event = cognito.event("admin", "customer", has_factor=True)
    assert cognito.ask(event) == event


def test_a_stack_that_asks_for_no_second_factor_leaves_admins_as_they_are(
    cognito: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECOND_FACTOR", "optional")
    event = cognito.event("admin", has_factor=False)
    assert cognito.ask(event) == event


def test_a_customers_token_costs_no_call_of_cognito(cognito: Pool) -> None:
    assert cognito.ask({**EXAMPLE, "userName": "unknown"}) == {**EXAMPLE, "userName": "unknown"}


def test_if_cognito_does_not_say_there_is_no_token(cognito: Pool) -> None:
    event = cognito.event("admin", has_factor=False) | {"userName": "unknown"}
    with pytest.raises(Exception, match="UserNotFound"):
        cognito.ask(event)

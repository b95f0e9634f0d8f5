"""An operator ends the sessions of an account, and takes a role from it."""

from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from .conftest import STACK, Command, FakeCloudFormation

EMAIL, PASSWORD = "ops@example.com", "Correct-horse-7-battery"
ADMIN_COMMAND = ("sign-out", EMAIL, "--role", "admin", "--stack", STACK)


@pytest.fixture
def cognito(on_aws: FakeCloudFormation) -> Any:
    """Cognito with one account, a customer and admin who is signed in."""
    made: Any = boto3.client("cognito-idp")
    account = {"UserPoolId": on_aws.resources["UserPool"], "Username": EMAIL}
    made.admin_create_user(**account, TemporaryPassword=PASSWORD)
    made.admin_set_user_password(**account, Password=PASSWORD, Permanent=True)
    for group in ("admin", "customer"):
        made.admin_add_user_to_group(**account, GroupName=group)
    return made


def session_of(cognito: Any, on_aws: FakeCloudFormation) -> dict[str, Any]:
    """The tokens of a sign-in."""
    answer = cognito.initiate_auth(
        ClientId=on_aws.resources["UserPoolClient"],
        AuthFlow="USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": EMAIL, "PASSWORD": PASSWORD},
    )
    session: dict[str, Any] = answer["AuthenticationResult"]
    return session


def groups(cognito: Any, on_aws: FakeCloudFormation) -> list[str]:
    listed = cognito.admin_list_groups_for_user(UserPoolId=on_aws.resources["UserPool"], Username=EMAIL)
    return sorted(group["GroupName"] for group in listed["Groups"])


def test_a_sign_out_ends_the_sessions_and_leaves_the_roles(
    cognito: Any, on_aws: FakeCloudFormation, command: Command
) -> None:
    access = session_of(cognito, on_aws)["AccessToken"]
    assert cognito.get_user(AccessToken=access)["Username"]

    shown = command("sign-out", EMAIL, "--stack", STACK)

    assert (shown.code, "an admin's for five minutes at most" in shown.output) == (0, True)
    with pytest.raises(ClientError, match="NotAuthorizedException"):
        cognito.get_user(AccessToken=access)
    assert groups(cognito, on_aws) == ["admin", "customer"]


def test_with_a_role_the_account_loses_it_too_once(
    cognito: Any, on_aws: FakeCloudFormation, command: Command
) -> None:
    for _ in range(2):
        assert "and no admin any more" in command(*ADMIN_COMMAND).output
    assert groups(cognito, on_aws) == ["customer"]


def test_an_address_without_an_account_is_refused(on_aws: FakeCloudFormation, command: Command) -> None:
    refused = command(*ADMIN_COMMAND)
    assert refused.code == 1
    assert f"No account has the address {EMAIL}." in refused.errors

"""Signing up and reading one's own profile, through the real handler, against a pretended Cognito and DynamoDB."""

import json
from io import StringIO
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.component.rest_events import CORRELATION_ID, claims_of, header, json_body, rest_event

PASSWORD = "Analytical-Engine-1843"
ADA = {"email": "ada@example.com", "password": PASSWORD, "name": "Ada Lovelace", "locale": "de-AT"}


class Users:
    """The users API as a client meets it, and a look at what it stored."""

    def __init__(self, context: Any) -> None:
        self._context = context

    def call(self, method: str, path: str, **request: Any) -> dict[str, Any]:
        from users.api import handler

        return handler(rest_event(method, path, **request), self._context)

    def sign_up(self, **changes: Any) -> dict[str, Any]:
        return self.call("POST", "/users", body={**ADA, **changes})

    def me(self, **claims: str) -> dict[str, Any]:
        return self.call("GET", "/users/me", claims=claims_of(**claims))

    def stored(self) -> list[dict[str, Any]]:
        return boto3.client("dynamodb").scan(TableName="users")["Items"]

    def outbox(self) -> list[dict[str, Any]]:
        return [json.loads(entry["S"]) for item in self.stored() for entry in item["outbox"]["L"]]


@pytest.fixture
def users(aws: None, lambda_context: Any, monkeypatch: pytest.MonkeyPatch) -> Users:
    boto3.client("dynamodb").create_table(
        TableName="users",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
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
    monkeypatch.setenv("TABLE_NAME", "users")
    monkeypatch.setenv("USER_POOL_CLIENT_ID", client_id)
    from users import resources

    resources.profile_store.cache_clear()
    resources.accounts.cache_clear()
    return Users(lambda_context)


def lose_the_next_write(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes the profile's write fail as it does when DynamoDB is out of reach."""
    from users.store import ProfileStore

    def fail(*_: Any) -> None:
        raise ClientError({"Error": {"Code": "InternalServerError", "Message": "no answer"}}, "PutItem")

    monkeypatch.setattr(ProfileStore, "add", fail)


def test_signing_up_answers_with_the_profile_and_where_to_find_it(users: Users) -> None:
    answer = users.sign_up()
    assert answer["statusCode"] == 201
    assert header(answer, "Location") == "/users/me"
    profile = json_body(answer)
    assert {name: profile[name] for name in ("email", "name", "locale")} == {
        "email": "ada@example.com",
        "name": "Ada Lovelace",
        "locale": "de-AT",
    }
    assert set(profile) == {"user_id", "email", "name", "locale", "registered_at"}
    assert json_body(users.me(user_id=profile["user_id"], email="ada@example.com")) == profile


def test_the_account_is_the_profiles_and_waits_for_its_address_to_be_confirmed(users: Users) -> None:
    user_id = json_body(users.sign_up())["user_id"]
    cognito = boto3.client("cognito-idp")
    [pool] = cognito.list_user_pools(MaxResults=1)["UserPools"]
    [account] = cognito.list_users(UserPoolId=pool["Id"])["Users"]
    attributes = {entry["Name"]: entry["Value"] for entry in account["Attributes"]}
    assert attributes["sub"] == user_id
    assert (attributes["email"], attributes["name"], attributes["locale"]) == (
        "ada@example.com",
        "Ada Lovelace",
        "de-AT",
    )
    assert account["UserStatus"] == "UNCONFIRMED"


def test_signing_up_leaves_one_event_in_the_outbox_with_the_requests_correlation_id(users: Users) -> None:
    user_id = json_body(users.sign_up())["user_id"]
    [event] = users.outbox()
    assert (event["event_type"], event["aggregate_id"]) == ("user.registered", user_id)
    assert event["correlation_id"] == CORRELATION_ID
    assert event["data"]["email"] == "ada@example.com"


def test_an_address_that_has_an_account_is_a_conflict_that_tells_nothing_of_it(users: Users) -> None:
    users.sign_up()
    answer = users.sign_up(email="ADA@example.com", name="Someone Else")
    assert answer["statusCode"] == 409
    problem = json_body(answer)
    assert problem["type"].endswith("/email-taken")
    assert "ada" not in answer["body"].lower()
    assert len(users.stored()) == 1
    assert users.stored()[0]["name"] == {"S": "Ada Lovelace"}


def test_a_weak_password_is_unprocessable_and_named(users: Users) -> None:
    answer = users.sign_up(password="short")
    assert answer["statusCode"] == 422
    assert [entry["pointer"] for entry in json_body(answer)["errors"]] == ["/body/password"]
    assert users.stored() == []


@pytest.mark.parametrize(
    ("field", "value"), [("email", "ada"), ("name", ""), ("locale", "English"), ("password", "")]
)
def test_an_invalid_field_is_unprocessable_and_named(users: Users, field: str, value: str) -> None:
    answer = users.sign_up(**{field: value})
    assert answer["statusCode"] == 422
    assert [entry["pointer"] for entry in json_body(answer)["errors"]] == [f"/body/{field}"]


def test_a_sign_up_whose_profile_was_lost_is_healed_by_the_first_look_at_it(
    users: Users, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as outage:
        lose_the_next_write(outage)
        assert users.sign_up()["statusCode"] == 500
    assert users.stored() == []

    answer = users.me(user_id="the-sub", email="ada@example.com", name="Ada Lovelace", locale="de-AT")

    assert answer["statusCode"] == 200
    profile = json_body(answer)
    assert (profile["name"], profile["locale"]) == ("Ada Lovelace", "de-AT")
    assert [event["event_type"] for event in users.outbox()] == ["user.registered"]


def test_looking_twice_makes_one_profile_and_one_event(users: Users) -> None:
    first = users.me(user_id="the-sub", email="ada@example.com")
    second = users.me(user_id="the-sub", email="ada@example.com")
    assert first["body"] == second["body"]
    assert len(users.outbox()) == 1


def test_two_first_looks_at_once_agree_on_the_profile_that_was_stored(
    users: Users, monkeypatch: pytest.MonkeyPatch
) -> None:
    from users.store import ProfileStore

    first = users.me(user_id="the-sub", email="ada@example.com", name="First")
    # The other request read before the first one wrote.
    monkeypatch.setattr(ProfileStore, "find", lambda *_: None)
    second = users.me(user_id="the-sub", email="ada@example.com", name="Second")
    assert second["statusCode"] == 200
    assert json_body(second) == json_body(first)
    assert [item["name"] for item in users.stored()] == [{"S": "First"}]


def test_a_profile_is_not_made_from_a_token_without_an_address(users: Users) -> None:
    answer = users.me(user_id="the-sub")
    assert answer["statusCode"] == 401
    assert users.stored() == []


def test_the_own_profile_needs_a_token(users: Users) -> None:
    assert users.call("GET", "/users/me")["statusCode"] == 401


def test_too_many_sign_ups_are_answered_as_such(users: Users, monkeypatch: pytest.MonkeyPatch) -> None:
    from users import resources

    def throttle(**_: Any) -> None:
        raise ClientError({"Error": {"Code": "TooManyRequestsException", "Message": "slow down"}}, "SignUp")

    monkeypatch.setattr(resources.accounts()._cognito, "sign_up", throttle)
    answer = users.sign_up()
    assert answer["statusCode"] == 429
    assert json_body(answer)["type"].endswith("/too-many-requests")


def test_logs_hold_neither_address_nor_name_nor_password(
    users: Users, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from shared.observability import logger

    lines = StringIO()
    monkeypatch.setattr(logger.registered_handler, "stream", lines)
    users.sign_up()
    users.sign_up()
    users.sign_up(password="short-secret")
    users.me(user_id="the-sub", email="ada@example.com", name="Ada Lovelace")
    lose_the_next_write(monkeypatch)
    users.sign_up(email="ada+2@example.com")
    printed = lines.getvalue() + "".join(capsys.readouterr())
    assert "user registered" in printed
    assert "request failed unexpectedly" in printed
    for personal in ("ada@", "ada+2", "Lovelace", PASSWORD, "short-secret"):
        assert personal not in printed

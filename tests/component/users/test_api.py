"""Signing up and reading one's own profile, through the real handler, against a pretended Cognito and DynamoDB."""

import json
from collections.abc import Iterator
from datetime import datetime
from io import BytesIO, StringIO
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import ClientError, ReadTimeoutError

from tests.component.rest_events import CORRELATION_ID, claims_of, header, json_body
from tests.component.users.account import PASSWORD, Users


def lose_the_next_write(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes the profile's write fail as it does when DynamoDB is out of reach."""
    from users.adapters.profile_store import ProfileStore

    def fail(*_: Any) -> None:
        raise ClientError({"Error": {"Code": "InternalServerError", "Message": "no answer"}}, "PutItem")

    monkeypatch.setattr(ProfileStore, "add", fail)


def test_signing_up_answers_with_the_profile_and_where_to_find_it(users: Users) -> None:
    answer = users.sign_up()
    assert answer["statusCode"] == 201
    assert header(answer, "Location") == "/test/users/me"
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


def test_an_address_with_an_account_is_a_conflict_that_reveals_nothing_of_it(users: Users) -> None:
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


@pytest.mark.parametrize(("sent", "kept"), [("es-419", "es-419"), ("zh-hant-tw", "zh-Hant-TW")])
def test_every_entrance_takes_a_locale_with_a_region_or_a_script(users: Users, sent: str, kept: str) -> None:
    signed_up = json_body(users.sign_up(locale=sent))
    assert signed_up["locale"] == kept

    claims = claims_of(user_id=signed_up["user_id"], email="ada@example.com")
    users.call("PUT", "/users/me", body={"name": "Ada", "locale": "en"}, claims=claims)
    changed = users.call("PUT", "/users/me", body={"name": "Ada", "locale": sent}, claims=claims)
    assert (changed["statusCode"], json_body(changed)["locale"]) == (200, kept)

    elsewhere = users.elsewhere("grace@example.com")
    made_late = users.me(user_id=elsewhere, email="grace@example.com", locale=sent)
    assert json_body(made_late)["locale"] == kept
    assert [event["data"]["locale"] for event in users.outbox()] == [kept, kept]


def test_a_sign_up_whose_profile_was_lost_is_healed_by_the_first_look_at_it(
    users: Users, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as outage:
        lose_the_next_write(outage)
        assert users.sign_up()["statusCode"] == 500
    assert users.stored() == []

    account = boto3.client("cognito-idp").admin_get_user(UserPoolId=users.pool, Username="ada@example.com")
    answer = users.me(
        user_id=account["Username"], email="ada@example.com", name="Ada Lovelace", locale="de-AT"
    )

    assert answer["statusCode"] == 200
    profile = json_body(answer)
    assert (profile["name"], profile["locale"]) == ("Ada Lovelace", "de-AT")
    assert [event["event_type"] for event in users.outbox()] == ["user.registered"]


def test_looking_twice_makes_one_profile_and_one_event(users: Users) -> None:
    user_id = users.elsewhere()
    first = users.me(user_id=user_id, email="ada@example.com")
    second = users.me(user_id=user_id, email="ada@example.com")
    assert first["body"] == second["body"]
    assert len(users.outbox()) == 1


def test_two_first_looks_at_once_agree_on_the_profile_that_was_stored(
    users: Users, monkeypatch: pytest.MonkeyPatch
) -> None:
    from users.adapters.profile_store import ProfileStore

    user_id = users.elsewhere()
    first = users.me(user_id=user_id, email="ada@example.com", name="First")
    # The other request read before the first one wrote.
    monkeypatch.setattr(ProfileStore, "find", lambda *_: None)
    second = users.me(user_id=user_id, email="ada@example.com", name="Second")
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
    from users import dependencies

    def throttle(**_: Any) -> None:
        raise ClientError({"Error": {"Code": "TooManyRequestsException", "Message": "slow down"}}, "SignUp")

    monkeypatch.setattr(dependencies.sign_ups()._cognito, "sign_up", throttle)
    answer = users.sign_up()
    assert answer["statusCode"] == 429
    assert json_body(answer)["type"].endswith("/too-many-requests")
    assert answer["multiValueHeaders"]["Retry-After"] == ["60"]


QUOTA_USED_UP = (
    "Exceeded daily email limit for the operation or the account. If a higher limit is required, please configure "
    "your user pool to use your own Amazon SES configuration for sending email."
)


def mail_no_code(monkeypatch: pytest.MonkeyPatch, code: str, message: str = "") -> None:
    """Has the pool make accounts and answer each with an error, as Cognito does if it cannot mail the code."""
    from users import dependencies

    cognito = dependencies.sign_ups()._cognito
    sign_up = cognito.sign_up

    def sign_up_without_mail(**request: Any) -> None:
        sign_up(**request)
        raise ClientError({"Error": {"Code": code, "Message": message}}, "SignUp")

    monkeypatch.setattr(cognito, "sign_up", sign_up_without_mail)


@pytest.mark.parametrize(
    ("now", "again", "seconds"),
    [
        ("2026-11-30T08:59:30+00:00", "2026-11-30T09:00:00.000Z", "30"),
        ("2026-11-30T09:00:00+00:00", "2026-12-01T09:00:00.000Z", "86400"),
        ("2026-11-30T23:00:00+00:00", "2026-12-01T09:00:00.000Z", "36000"),
    ],
)
def test_when_cognitos_mails_of_the_day_are_used_up_a_sign_up_says_when_there_are_more(
    users: Users, monkeypatch: pytest.MonkeyPatch, now: str, again: str, seconds: str
) -> None:
    monkeypatch.setattr("users.functions.profile_requests.utc_now", lambda: datetime.fromisoformat(now))
    mail_no_code(monkeypatch, "LimitExceededException", QUOTA_USED_UP)

    answer = users.sign_up()

    problem = json_body(answer)
    assert (answer["statusCode"], problem["type"].rpartition("/")[2]) == (503, "confirmation-not-sent")
    assert answer["multiValueHeaders"]["Retry-After"] == [seconds]
    assert f"sign up again after {again}" in problem["detail"]


@pytest.mark.parametrize(
    "code",
    ["LimitExceededException", "CodeDeliveryFailureException", "InvalidEmailRoleAccessPolicyException"],
)
def test_a_sign_up_whose_code_was_not_mailed_leaves_nothing_and_works_again_later(
    users: Users, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    with monkeypatch.context() as now:
        mail_no_code(now, code)
        answer = users.sign_up()
    assert (answer["statusCode"], answer["multiValueHeaders"]["Retry-After"]) == (503, ["60"])
    assert boto3.client("cognito-idp").list_users(UserPoolId=users.pool)["Users"] == []
    assert users.stored() == []

    assert users.sign_up(password="Another-Engine-1871")["statusCode"] == 201


def test_a_sign_up_without_a_code_leaves_another_sign_ups_account(
    users: Users, monkeypatch: pytest.MonkeyPatch
) -> None:
    user_id = users.signed_up()
    from users import dependencies

    def refuse(**_: Any) -> None:
        raise ClientError({"Error": {"Code": "LimitExceededException", "Message": QUOTA_USED_UP}}, "SignUp")

    monkeypatch.setattr(dependencies.sign_ups()._cognito, "sign_up", refuse)
    assert users.sign_up()["statusCode"] == 503

    [account] = boto3.client("cognito-idp").list_users(UserPoolId=users.pool)["Users"]
    assert account["Username"] == user_id


class RawBody(BytesIO):
    """A body as botocore reads it from the network."""

    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self.read()


def test_the_sdk_repeats_no_sign_up_because_the_repeat_would_meet_the_first_ones_account(
    users: Users,
) -> None:
    from users import dependencies

    calls: list[str] = []

    def refuse(request: Any, **_: Any) -> AWSResponse:
        calls.append(request.headers["X-Amz-Target"])
        body = json.dumps({"__type": "LimitExceededException", "message": QUOTA_USED_UP}).encode()
        return AWSResponse(request.url, 400, HTTPHeaders(), RawBody(body))

    events = dependencies.sign_ups()._cognito.meta.events
    events.register_first("before-send.cognito-identity-provider.SignUp", refuse)
    try:
        assert users.sign_up()["statusCode"] == 503
    finally:
        events.unregister("before-send.cognito-identity-provider.SignUp", refuse)
    assert len(calls) == 1


@pytest.mark.parametrize(
    "failure",
    [
        ClientError({"Error": {"Code": "InternalErrorException", "Message": ""}}, "SignUp"),
        ReadTimeoutError(endpoint_url="https://cognito"),
    ],
)
def test_a_sign_up_that_the_pool_does_not_answer_may_be_sent_again(
    users: Users, monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    from users import dependencies

    def fail(**_: Any) -> None:
        raise failure

    monkeypatch.setattr(dependencies.sign_ups()._cognito, "sign_up", fail)
    answer = users.sign_up()
    assert (answer["statusCode"], json_body(answer)["type"].rpartition("/")[2]) == (
        503,
        "temporarily-unavailable",
    )


def test_logs_hold_neither_address_nor_name_nor_password(
    users: Users, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from shared.observability import logger

    lines = StringIO()
    monkeypatch.setattr(logger.registered_handler, "stream", lines)
    users.sign_up()
    users.sign_up()
    users.sign_up(password="short-secret")
    user_id = users.elsewhere("lovelace@example.com")
    users.me(user_id=user_id, email="lovelace@example.com", name="Ada Lovelace")
    ada = claims_of(user_id, "ada@changed.example", email_verified="true", iat="9999999999")
    users.call("PUT", "/users/me", body={"name": "Countess Lovelace", "locale": "en"}, claims=ada)
    users.call("GET", "/users/me/export", claims=ada)
    users.call("DELETE", "/users/me", claims=ada)
    lose_the_next_write(monkeypatch)
    users.sign_up(email="ada+2@example.com")
    printed = lines.getvalue() + "".join(capsys.readouterr())
    assert "user registered" in printed and "user closed" in printed
    assert "request failed unexpectedly" in printed
    for personal in ("ada@", "lovelace@", "ada+2", "Lovelace", PASSWORD, "short-secret"):
        assert personal not in printed

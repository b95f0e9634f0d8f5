"""Abuse of sign-ups: how many come from one source in an hour, and when the welcome is sent."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.component.rest_events import claims_of, header, json_body, rest_event
from tests.component.users.account import ADA, Users

HALF_PAST = datetime(2026, 11, 21, 10, 30, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _limit(users: Users, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAX_SIGN_UPS_PER_SOURCE", "2")
    monkeypatch.setattr("users.functions.profile_requests.utc_now", lambda: HALF_PAST)


def sign_up(name: str, source: str, lambda_context: Any) -> dict[str, Any]:
    from users.functions.api import handler

    event = rest_event("POST", "/users", body={**ADA, "email": f"{name}@example.com"})
    event["requestContext"]["identity"]["sourceIp"] = source
    return handler(event, lambda_context)


def test_beyond_the_limit_a_source_waits_for_the_next_hour_and_no_other_does(
    users: Users, lambda_context: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = [sign_up(f"stranger{number}", "203.0.113.7", lambda_context) for number in range(4)]

    assert [answer["statusCode"] for answer in answers] == [201, 201, 429, 429]
    assert json_body(answers[3])["type"].endswith("/too-many-sign-ups")
    assert header(answers[3], "Retry-After") == "1800"
    assert len(users.stored()) == 2
    assert sign_up("neighbour", "203.0.113.8", lambda_context)["statusCode"] == 201

    monkeypatch.setattr("users.functions.profile_requests.utc_now", lambda: HALF_PAST + timedelta(minutes=30))
    assert sign_up("late", "203.0.113.7", lambda_context)["statusCode"] == 201


def test_a_network_of_ipv6_is_one_source(users: Users, lambda_context: Any) -> None:
    for number in (1, 2):
        assert sign_up(f"a{number}", f"2001:db8:1:2::{number}", lambda_context)["statusCode"] == 201
    assert sign_up("a3", "2001:db8:1:2:ffff::3", lambda_context)["statusCode"] == 429
    assert sign_up("a4", "2001:db8:1:3::1", lambda_context)["statusCode"] == 201


def test_a_refused_attempt_counts_since_it_shows_whether_an_address_has_an_account(
    users: Users, lambda_context: Any
) -> None:
    answers = [sign_up("ada", "203.0.113.7", lambda_context)["statusCode"] for _ in range(3)]
    assert answers == [201, 409, 429]


def test_a_counter_shows_no_address_wakes_no_relay_and_expires_with_its_hour(
    users: Users, lambda_context: Any
) -> None:
    sign_up("ada", "203.0.113.7", lambda_context)

    [counter] = [item for item in users.items() if "sign_ups" in item]
    assert "203.0.113.7" not in str(counter)
    assert counter["publishes_nothing"] == {"BOOL": True}
    assert counter["expires_at"] == {"N": str(int((HALF_PAST + timedelta(minutes=30)).timestamp()))}
    assert set(counter) == {"pk", "sign_ups", "expires_at", "outbox", "publishes_nothing"}


def test_the_address_is_verified_by_the_first_verified_token_once(users: Users) -> None:
    user_id = users.signed_up()
    assert [event["event_type"] for event in users.outbox()] == ["user.registered"]

    claims = {"user_id": user_id, "email": "ada@example.com"}
    users.me(**claims)
    users.me(**claims, email_verified="false")
    assert [event["event_type"] for event in users.outbox()] == ["user.registered"]

    users.me(**claims, email_verified="true")
    [verified] = users.outbox()
    assert (verified["event_type"], verified["data"]["email"]) == ("user.verified", "ada@example.com")
    assert json_body(users.me(**claims, email_verified="true"))["email"] == "ada@example.com"
    assert users.outbox() == [verified]


def test_an_account_made_elsewhere_is_registered_and_verified_at_once(users: Users) -> None:
    user_id = users.elsewhere()
    users.call("GET", "/users/me", claims=claims_of(user_id, "ada@example.com", email_verified="true"))
    assert [event["event_type"] for event in users.outbox()] == ["user.registered", "user.verified"]

"""The rules of a sign-up and of a profile."""

from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from users.domain import Profile, SignUp

NOW = datetime(2026, 11, 21, 10, 15, tzinfo=UTC)
VALID = {"email": "ada@example.com", "password": "Analytical-1843", "name": "Ada Lovelace"}


def register(**changes: str) -> Profile:
    fields = {"email": "ada@example.com", "name": "Ada", "locale": "de-AT", **changes}
    return Profile.register("user-1", **fields, correlation_id="c-1", now=NOW)[0]


def test_addresses_that_differ_in_case_or_surrounding_space_are_one_address() -> None:
    assert SignUp(**{**VALID, "email": " Ada@Example.COM "}).email == "ada@example.com"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("email", "ada"),
        ("email", "ada@localhost"),
        ("email", "a@b@example.com"),
        ("email", "ada@example.com\nBcc: eve@example.com"),
        ("email", "a" * 250 + "@example.com"),
        ("password", ""),
        ("password", "x" * 257),
        ("name", "   "),
        ("name", "Ada\r\nBcc: eve@example.com"),
        ("name", "x" * 101),
        ("locale", "English"),
    ],
)
def test_a_sign_up_that_could_not_be_mailed_or_stored_is_refused(field: str, value: str) -> None:
    with pytest.raises(ValidationError) as refused:
        SignUp(**{**VALID, field: value})
    assert refused.value.errors()[0]["loc"] == (field,)


def test_a_field_nobody_asked_for_is_refused_rather_than_ignored() -> None:
    with pytest.raises(ValidationError):
        SignUp.model_validate({**VALID, "groups": "admin"})


def test_neither_a_sign_up_nor_its_refusal_shows_the_password() -> None:
    assert VALID["password"] not in repr(SignUp(**VALID))
    with pytest.raises(ValidationError) as refused:
        SignUp(**{**VALID, "password": "secret" * 50})
    assert "secret" not in str(refused.value)


def test_a_profile_begins_at_version_1_with_one_event_that_carries_what_mails_need() -> None:
    profile, events = Profile.register(
        "user-1", email="ada@example.com", name="Ada", locale="de-AT", correlation_id="c-1", now=NOW
    )
    assert profile.version == 1
    assert profile.registered_at == "2026-11-21T10:15:00.000Z"
    [event] = events
    assert (event.event_type, event.aggregate_id, event.aggregate_version) == ("user.registered", "user-1", 1)
    assert event.correlation_id == "c-1"
    assert event.data == {"user_id": "user-1", "email": "ada@example.com", "name": "Ada", "locale": "de-AT"}


def test_registering_the_same_user_twice_makes_the_same_event_id() -> None:
    ids = {
        Profile.register("user-1", email="a@b.c", name="", locale="", correlation_id=c, now=NOW)[1][
            0
        ].event_id
        for c in ("c-1", "c-2")
    }
    assert len(ids) == 1


def test_what_an_elsewhere_made_account_does_not_tell_has_a_default() -> None:
    profile = register(name="", locale="")
    assert (profile.name, profile.locale) == ("ada", "en")

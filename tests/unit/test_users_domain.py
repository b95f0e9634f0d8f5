"""The rules of a sign-up and of a profile."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from users.domain.profile import (
    AddressRefused,
    ClosedProfile,
    Profile,
    ProfileChange,
    SignUp,
    close,
    is_abandoned,
)

NOW = datetime(2026, 11, 21, 10, 15, tzinfo=UTC)
SIGNED_UP = int(NOW.timestamp())
LATER = NOW + timedelta(days=1)
VALID = {"email": "ada@example.com", "password": "Analytical-1843", "name": "Ada Lovelace"}


def register(**changes: str) -> Profile:
    fields = {"email": "ada@example.com", "name": "Ada", "locale": "de-AT", **changes}
    return Profile.register(
        "user-1",
        email=fields["email"],
        name=fields["name"],
        locale=fields["locale"],
        correlation_id="c-1",
        now=NOW,
    )[0]


def test_addresses_that_differ_in_case_or_surrounding_space_are_one_address() -> None:
    assert SignUp(**{**VALID, "email": " Ada@Example.COM "}).email == "ada@example.com"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("email", "ada"),
        ("email", "ada@localhost"),
        ("email", "a@b@example.com"),
        ("email", "a,b@example.com"),
        ("email", "ada@-example.com"),
        ("email", "ada@example.com\x00"),
        ("email", "ada@example.com\nBcc: eve@example.com"),
        ("email", "a" * 250 + "@example.com"),
        ("password", ""),
        ("password", "x" * 257),
        ("name", "   "),
        ("name", "Ada\r\nBcc: eve@example.com"),
        ("name", "x" * 101),
        ("locale", "English"),
        ("locale", "de-AT\n"),
        ("locale", "de-" + "x" * 33),
    ],
)
def test_a_sign_up_that_could_not_be_mailed_or_stored_is_refused(field: str, value: str) -> None:
    with pytest.raises(ValidationError) as refused:
        SignUp(**{**VALID, field: value})
    assert refused.value.errors()[0]["loc"] == (field,)


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("es-419", "es-419"),
        ("zh-Hant-TW", "zh-Hant-TW"),
        ("DE-at", "de-AT"),
        ("de_AT", "de-AT"),
        ("gsw", "gsw"),
    ],
)
def test_a_locale_with_a_region_or_a_script_is_kept_in_its_usual_spelling(sent: str, kept: str) -> None:
    signed_up = SignUp(**{**VALID, "locale": sent})
    changed, _ = register().change(ProfileChange(name="Ada", locale=sent), correlation_id="c-2", now=LATER)
    made_elsewhere = register(locale=sent)
    assert (signed_up.locale, changed.locale, made_elsewhere.locale) == (kept, kept, kept)


def test_an_unknown_field_is_refused_rather_than_ignored() -> None:
    with pytest.raises(ValidationError):
        SignUp.model_validate({**VALID, "groups": "admin"})


def test_neither_a_sign_up_nor_its_refusal_shows_the_password() -> None:
    assert VALID["password"] not in repr(SignUp(**VALID))
    with pytest.raises(ValidationError) as refused:
        SignUp(**{**VALID, "password": "secret" * 50})
    assert "secret" not in str(refused.value)


def test_a_profile_begins_at_version_1_with_one_event_that_mails_can_be_sent_by() -> None:
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


def test_missing_attributes_of_an_account_made_elsewhere_have_defaults() -> None:
    profile = register(name="", locale="")
    assert (profile.name, profile.locale) == ("ada", "en")


@pytest.mark.parametrize(
    ("name", "locale"),
    [("Ada\nBcc: eve@example.com", "en"), (" Ada ", "xx-yy"), ("", "English"), ("x" * 500, "es-419")],
)
def test_a_profile_of_an_account_made_elsewhere_accepts_its_own_values_as_a_change(
    name: str, locale: str
) -> None:
    profile = register(name=name, locale=locale)
    change = ProfileChange(name=profile.name, locale=profile.locale)
    assert profile.change(change, correlation_id="c-2", now=LATER) == (profile, [])


@pytest.mark.parametrize(
    "name", ["Ada\x1b[2J", "Ada\x00", "\u3164", "\u200b\u200d", "Ada\u0085\x7f", "\x07", "   "]
)
def test_a_name_that_a_sign_up_refuses_is_not_taken_from_the_account_either(name: str) -> None:
    with pytest.raises(ValidationError):
        SignUp(**{**VALID, "name": name})
    assert register(name=name).name == "ada"


ODD_ADDRESSES = [
    "ada@localhost",
    '"ada lovelace"@example.com',
    "ada@exa mple.com",
    "ada@b\u00fccher.example",
    "ada@example.com\nBcc: eve@example.com",
    f"{'a' * 250}@example.com",
    "",
]


@pytest.mark.parametrize("address", ODD_ADDRESSES)
def test_an_address_that_a_sign_up_refuses_is_not_taken_from_the_account_either(address: str) -> None:
    with pytest.raises(ValidationError):
        SignUp(**{**VALID, "email": address})
    with pytest.raises(AddressRefused):
        register(email=address)
    profile = register()
    followed = profile.follow_account(address, issued_at=SIGNED_UP + 9, correlation_id="c-2", now=LATER)
    assert followed == (profile, [])


def test_a_change_is_the_next_version_and_its_event_carries_the_new_values() -> None:
    changed, [event] = register().change(
        ProfileChange(name="Ada King", locale="fr"), correlation_id="c-2", now=LATER
    )
    assert (changed.name, changed.locale, changed.version) == ("Ada King", "fr", 2)
    assert (event.event_type, event.aggregate_version, event.correlation_id) == ("user.changed", 2, "c-2")
    assert event.data == {
        "user_id": "user-1",
        "email": "ada@example.com",
        "name": "Ada King",
        "locale": "fr",
    }


@pytest.mark.parametrize("lacking", ["name", "locale"])
def test_a_change_says_all_of_it(lacking: str) -> None:
    said = {"name": "Ada", "locale": "en"}
    del said[lacking]
    with pytest.raises(ValidationError):
        ProfileChange.model_validate(said)


def follow(profile: Profile, email: str, issued_at: int) -> Profile:
    return profile.follow_account(email, issued_at=issued_at, correlation_id="c-2", now=LATER)[0]


def test_a_newer_token_with_another_address_changes_the_profiles() -> None:
    followed, [event, _] = register().follow_account(
        "Ada@New.example", issued_at=SIGNED_UP + 1, correlation_id="c-2", now=LATER
    )
    assert (followed.email, followed.version) == ("ada@new.example", 2)
    assert (event.event_type, event.data["email"]) == ("user.changed", "ada@new.example")


def test_the_same_address_in_a_newer_token_changes_nothing() -> None:
    profile = follow(register(), "ada@example.com", SIGNED_UP)
    assert follow(profile, "ADA@example.com", SIGNED_UP + 1) == profile


def test_the_first_token_of_the_profiles_address_verifies_it_whenever_it_was_issued() -> None:
    verified, [event] = register().follow_account(
        "ADA@example.com", issued_at=SIGNED_UP - 1, correlation_id="c-2", now=LATER
    )
    assert (verified.awaits_verification, verified.version) == (False, 2)
    assert (event.event_type, event.aggregate_version) == ("user.verified", 2)


def test_an_older_token_of_another_address_verifies_nothing() -> None:
    assert follow(register(), "eve@example.com", SIGNED_UP - 1) == register()


def test_a_profile_of_an_earlier_release_was_welcomed_when_it_was_registered() -> None:
    stored = register().model_dump(exclude={"awaits_verification"})
    assert follow(Profile.model_validate(stored), "ada@example.com", SIGNED_UP + 1) == Profile(**stored)


@given(st.lists(st.integers(1, 50), min_size=1))
def test_in_whatever_order_tokens_come_the_newest_address_stays(ages: list[int]) -> None:
    """Each token says the address that the account had when it was issued."""
    profile = register()
    for age in ages:
        profile = follow(profile, f"ada.{age}@example.com", SIGNED_UP + age)
    assert profile.email == f"ada.{max(ages)}@example.com"
    assert follow(profile, "ada@example.com", SIGNED_UP) == profile


def test_closing_leaves_a_tombstone_without_personal_data() -> None:
    closed, [event] = close("user-1", register(), correlation_id="c-9", now=LATER)
    assert closed == ClosedProfile(user_id="user-1", version=2, deleted_at="2026-11-22T10:15:00.000Z")
    assert (event.event_type, event.aggregate_id, event.aggregate_version) == ("user.deleted", "user-1", 2)
    assert event.data == {"user_id": "user-1"}


def test_closing_twice_publishes_nothing_new() -> None:
    closed, _ = close("user-1", register(), correlation_id="c-9", now=LATER)
    again = close("user-1", closed, correlation_id="c-10", now=LATER + timedelta(days=1))
    assert again == (closed, [])


def test_an_account_without_a_profile_is_closed_as_well() -> None:
    closed, [event] = close("user-1", None, correlation_id="c-9", now=LATER)
    assert (closed.version, event.event_type) == (1, "user.deleted")


@pytest.mark.parametrize(
    ("confirmed", "age", "abandoned"),
    [
        (False, timedelta(hours=24, seconds=1), True),
        (False, timedelta(hours=24), False),
        (True, timedelta(days=400), False),
    ],
)
def test_an_address_is_held_without_confirmation_for_as_long_as_the_code_is_good(
    confirmed: bool, age: timedelta, abandoned: bool
) -> None:
    assert is_abandoned(confirmed=confirmed, signed_up_at=NOW, now=NOW + age) is abandoned

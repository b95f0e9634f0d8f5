"""Reading, changing, listing, exporting and closing users, through the real handler, against a pretended AWS."""

import json
from datetime import timedelta
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.component.rest_events import claims_of, header, json_body
from tests.component.users.account import ADA, Users

ADMIN = claims_of("admin-1", groups="admin")
CHANGE = {"name": "Ada King", "locale": "fr"}
SOON = "9999999999"


def problem(answer: dict[str, Any]) -> tuple[int, str]:
    return answer["statusCode"], json_body(answer)["type"].rpartition("/")[2]


def change(users: Users, user_id: str, if_match: str | None = None, **body: str) -> dict[str, Any]:
    return users.call(
        "PUT",
        "/users/me",
        body={**CHANGE, **body},
        claims=claims_of(user_id),
        headers={"If-Match": if_match} if if_match else None,
    )


def interpose(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """Lets others write these names, one before each write of the next request, as a second client would."""
    from shared.clock import utc_now
    from users.adapters.profile_store import ProfileStore
    from users.domain.profile import ProfileChange

    put, waiting = ProfileStore.put, list(names)

    def put_after_others(store: Any, changed: Any, events: Any, *, replaces: int) -> None:
        if waiting:
            current = store.find(changed.user_id)
            theirs = current.change(
                ProfileChange(name=waiting.pop(0), locale="en"), correlation_id="other", now=utc_now()
            )
            put(store, *theirs, replaces=current.version)
        put(store, changed, events, replaces=replaces)

    monkeypatch.setattr(ProfileStore, "put", put_after_others)


# --- Groups


def test_a_sign_up_is_a_customer_from_the_start(users: Users) -> None:
    assert users.groups_of(users.signed_up()) == ["customer"]


def test_a_sign_up_that_did_not_become_a_customer_has_no_profile_and_is_healed_by_the_first_look(
    users: Users, monkeypatch: pytest.MonkeyPatch
) -> None:
    from users.adapters.accounts import Accounts

    with monkeypatch.context() as outage:
        outage.setattr(
            Accounts, "make_customer", lambda *_: (_ for _ in ()).throw(ClientError({"Error": {}}, "Add"))
        )
        assert users.sign_up()["statusCode"] == 500
    assert users.stored() == []

    [account] = boto3.client("cognito-idp").list_users(UserPoolId=users.pool)["Users"]
    user_id = account["Username"]
    assert users.me(user_id=user_id, email="ada@example.com", groups="")["statusCode"] == 200
    assert users.groups_of(user_id) == ["customer"]


def test_reading_the_profile_does_not_put_a_barred_customer_back_into_the_group(users: Users) -> None:
    user_id = users.signed_up()
    boto3.client("cognito-idp").admin_remove_user_from_group(
        UserPoolId=users.pool, Username=user_id, GroupName="customer"
    )
    assert users.me(user_id=user_id, email="ada@example.com", groups="")["statusCode"] == 200
    assert users.groups_of(user_id) == []


# --- Access

OWN = [("GET", "", 200), ("PUT", "", 200), ("DELETE", "", 204), ("GET", "/export", 200)]


@pytest.mark.parametrize(("method", "tail", "status"), OWN)
def test_only_the_owner_and_admins_have_access_to_a_profile(
    users: Users, method: str, tail: str, status: int
) -> None:
    user_id = users.signed_up()

    def ask(claims: dict[str, str] | None, whose: str = user_id) -> dict[str, Any]:
        body = CHANGE if method == "PUT" else None
        return users.call(method, f"/users/{whose}{tail}", claims=claims, body=body)

    assert problem(ask(None)) == (401, "unauthorized")
    mallory, unknown = ask(claims_of("mallory")), ask(claims_of("mallory"), "nobody")
    assert problem(mallory) == problem(unknown) == (404, "not-found")
    assert mallory["body"] == unknown["body"]
    assert users.stored()[0]["name"] == {"S": "Ada Lovelace"}
    assert problem(ask(ADMIN, "nobody")) == (404, "not-found")
    assert ask(ADMIN, "x" * 65)["statusCode"] == 422
    assert ask(ADMIN)["statusCode"] == status
    assert ask(claims_of(user_id))["statusCode"] == (status if method == "DELETE" else 200)


# --- Changing


def test_a_change_answers_with_its_version_and_is_published(users: Users) -> None:
    user_id = users.signed_up()
    answer = change(users, user_id, '"1"')

    assert (answer["statusCode"], header(answer, "ETag")) == (200, '"2"')
    assert json_body(answer) | CHANGE == json_body(answer)
    assert json_body(users.me(user_id=user_id)) == json_body(answer)
    [event] = users.outbox()
    assert (event["event_type"], event["aggregate_version"]) == ("user.changed", 2)
    assert event["data"] == {"user_id": user_id, "email": "ada@example.com", **CHANGE}


def test_changing_nothing_makes_no_version_and_no_event(users: Users) -> None:
    user_id = users.signed_up()
    answer = change(users, user_id, name=ADA["name"], locale=ADA["locale"])
    assert (answer["statusCode"], header(answer, "ETag")) == (200, '"1"')
    assert [event["event_type"] for event in users.outbox()] == ["user.registered"]


@pytest.mark.parametrize("tag", ['"2"', "*", 'W/"1"', "1"])
def test_a_change_based_on_another_version_is_refused(users: Users, tag: str) -> None:
    assert problem(change(users, users.signed_up(), tag)) == (412, "precondition-failed")
    assert users.stored()[0]["name"] == {"S": "Ada Lovelace"}


@pytest.mark.parametrize("tag", ['"2"', "*", 'W/"1"', "1"])
@pytest.mark.parametrize("whose", ["me", None])
def test_a_closing_based_on_another_version_is_refused(users: Users, whose: str | None, tag: str) -> None:
    user_id = users.signed_up()
    answer = users.call(
        "DELETE", f"/users/{whose or user_id}", claims=claims_of(user_id), headers={"If-Match": tag}
    )
    assert problem(answer) == (412, "precondition-failed")
    assert users.stored()[0]["name"] == {"S": "Ada Lovelace"}


def test_a_closing_based_on_the_present_version_closes_and_may_be_repeated(users: Users) -> None:
    user_id = users.signed_up()
    for _ in range(2):
        answer = users.call("DELETE", "/users/me", claims=claims_of(user_id), headers={"If-Match": '"1"'})
        assert answer["statusCode"] == 204
    assert "name" not in users.stored()[0]


@pytest.mark.parametrize("whose", ["me", None])
def test_a_client_with_the_latest_version_of_a_profile_gets_304(users: Users, whose: str | None) -> None:
    user_id = users.signed_up()

    def read(known: str) -> dict[str, Any]:
        path = f"/users/{whose or user_id}"
        return users.call("GET", path, claims=claims_of(user_id), headers={"If-None-Match": known})

    answer = read('"1"')
    assert (answer["statusCode"], answer["body"], header(answer, "ETag")) == (304, "", '"1"')
    assert read('"2"')["statusCode"] == 200


def test_of_two_changes_based_on_one_version_the_second_is_refused(
    users: Users, monkeypatch: pytest.MonkeyPatch
) -> None:
    user_id = users.signed_up()
    interpose(monkeypatch, "First")
    assert problem(change(users, user_id, '"1"')) == (412, "precondition-failed")
    assert users.stored()[0]["name"] == {"S": "First"}


def test_a_change_that_names_no_version_applies_to_the_latest_version(
    users: Users, monkeypatch: pytest.MonkeyPatch
) -> None:
    user_id = users.signed_up()
    interpose(monkeypatch, "First", "Second")
    answer = change(users, user_id)
    assert (answer["statusCode"], header(answer, "ETag")) == (200, '"4"')
    assert users.stored()[0]["name"] == {"S": "Ada King"}


def test_a_change_that_always_comes_second_is_to_be_sent_again(
    users: Users, monkeypatch: pytest.MonkeyPatch
) -> None:
    user_id = users.signed_up()
    interpose(monkeypatch, *["First", "Second"] * 3, "Third")
    assert problem(change(users, user_id)) == (503, "temporarily-unavailable")
    assert users.stored()[0]["name"] == {"S": "Third"}


@pytest.mark.parametrize(
    "body",
    [
        {"name": "Ada"},
        {**CHANGE, "email": "x@example.com"},
        {**CHANGE, "name": " "},
        {**CHANGE, "locale": "?"},
    ],
)
def test_a_change_of_anything_else_is_refused(users: Users, body: dict[str, str]) -> None:
    answer = users.call("PUT", "/users/me", body=body, claims=claims_of(users.signed_up()))
    assert problem(answer) == (422, "invalid-request")


# --- The address


def test_the_profile_follows_a_verified_address_of_a_newer_token_and_no_old_one_turns_it_back(
    users: Users,
) -> None:
    user_id = users.signed_up()
    new = {"email": "ada@new.example", "email_verified": "true"}
    assert json_body(users.me(user_id=user_id, iat="1", **new))["email"] == "ada@example.com"
    assert json_body(users.me(user_id=user_id, iat=SOON, **new))["email"] == "ada@new.example"
    old = users.me(user_id=user_id, email="ada@example.com", email_verified="true", iat="9999999998")
    assert json_body(old)["email"] == "ada@new.example"
    assert [(event["event_type"], event["data"]["email"]) for event in users.outbox()] == [
        ("user.changed", "ada@new.example"),
        ("user.verified", "ada@new.example"),
    ]


@pytest.mark.parametrize("verified", ["false", ""])
def test_an_address_that_is_not_verified_is_not_followed(users: Users, verified: str) -> None:
    user_id = users.signed_up()
    answer = users.me(user_id=user_id, email="eve@new.example", email_verified=verified, iat=SOON)
    assert json_body(answer)["email"] == "ada@example.com"


def test_an_account_with_an_address_that_the_shop_does_not_take_gets_no_profile(users: Users) -> None:
    user_id = users.elsewhere()
    answer = users.me(user_id=user_id, email="ada@localhost", email_verified="true", iat=SOON)
    assert answer["statusCode"] == 403
    assert "Amazon Cognito" in json_body(answer)["detail"]
    assert "localhost" not in answer["body"]
    assert users.groups_of(user_id) == []


# --- The register


def listed(users: Users, **query: str) -> dict[str, Any]:
    answer = users.call("GET", "/users", claims=ADMIN, query=query or None)
    assert answer["statusCode"] == 200
    return json_body(answer)


def test_admins_list_users_newest_first_by_page_and_inserts_move_nothing(users: Users) -> None:
    ids = [users.signed_up(email=f"u{number}@example.com") for number in range(5)]
    first = listed(users, limit="2")
    users.signed_up(email="between@example.com")
    second = listed(users, limit="2", cursor=first["next"])
    third = listed(users, limit="2", cursor=second["next"])
    found = [user["user_id"] for page in (first, second, third) for user in page["users"]]
    # Registered within one millisecond, users are in the order of their ids.
    assert sorted(found) == sorted(ids)
    times = [user["registered_at"] for page in (first, second, third) for user in page["users"]]
    assert times == sorted(times, reverse=True)
    assert third["next"] is None


def test_a_last_page_that_is_full_has_no_next(users: Users) -> None:
    users.signed_up()
    assert listed(users, limit="1")["next"] is None


@pytest.mark.parametrize(
    "cursor",
    [
        "nonsense",
        "eyJhIjoiYiJ9",
        # Longer than any key of the table.
        "eyJyZWdpc3RlcmVkX2F0IjoiMjAyNi0xMS0yMVQxMDoxNTowMC4wMDBaIiwidXNlcl9pZCI6Ii" + "A" * 1900 + "In0",
    ],
)
def test_a_cursor_that_the_list_did_not_hand_out_is_refused(users: Users, cursor: str) -> None:
    answer = users.call("GET", "/users", claims=ADMIN, query={"cursor": cursor})
    assert problem(answer) == (400, "invalid-cursor")


def test_an_address_finds_its_user_in_any_spelling_if_there_is_one(users: Users) -> None:
    user_id = users.signed_up()
    assert [user["user_id"] for user in listed(users, email="ADA@example.com")["users"]] == [user_id]
    assert listed(users, email="bob@example.com") == {"users": [], "next": None}


def test_an_address_that_changed_hands_finds_its_present_owner(users: Users) -> None:
    """The first user changed it in the account and did not return, so their profile still shows it."""
    first, second = users.signed_up(), users.signed_up(email="bob@example.com")
    users.me(user_id=second, email="ada@example.com", email_verified="true", iat=SOON)
    assert first != second
    assert [user["user_id"] for user in listed(users, email="ada@example.com")["users"]] == [second]


def test_customers_do_not_list_users(users: Users) -> None:
    assert problem(users.call("GET", "/users", claims=claims_of("u-1"))) == (403, "forbidden")
    assert problem(users.call("GET", "/users")) == (401, "unauthorized")


# --- The export


def test_an_export_is_a_file_of_profile_account_and_where_the_rest_is(users: Users) -> None:
    user_id = users.signed_up()
    answer = users.call("GET", "/users/me/export", claims=claims_of(user_id))
    assert header(answer, "Content-Disposition") == f'attachment; filename="cartwright-{user_id}.json"'
    exported = json_body(answer)
    assert exported["profile"]["email"] == "ada@example.com"
    sign_in = exported["sign_in"]
    assert (sign_in["status"], sign_in["groups"], sign_in["mfa"]) == ("UNCONFIRMED", ["customer"], [])
    assert sign_in["attributes"]["name"] == "Ada Lovelace"
    assert exported["elsewhere"] == [
        {"what": "orders, with their shipping addresses", "href": "/test/orders"}
    ]


def test_an_export_without_an_account_says_so(users: Users) -> None:
    user_id = users.signed_up()
    boto3.client("cognito-idp").admin_delete_user(UserPoolId=users.pool, Username=user_id)
    answer = users.call("GET", f"/users/{user_id}/export", claims=ADMIN)
    assert json_body(answer)["sign_in"] is None


def test_an_export_while_cognito_is_busy_is_to_be_asked_for_again(
    users: Users, monkeypatch: pytest.MonkeyPatch
) -> None:
    from users import dependencies

    user_id = users.signed_up()

    def throttle(**_: Any) -> None:
        raise ClientError({"Error": {"Code": "TooManyRequestsException"}}, "AdminGetUser")

    monkeypatch.setattr(dependencies.accounts()._cognito, "admin_get_user", throttle)
    answer = users.call("GET", "/users/me/export", claims=claims_of(user_id))
    assert problem(answer) == (503, "temporarily-unavailable")


# --- Closing


def test_closing_erases_all_personal_data_and_is_published_at_once(users: Users) -> None:
    user_id = users.signed_up()
    answer = users.call("DELETE", "/users/me", claims=claims_of(user_id))
    assert (answer["statusCode"], answer["body"]) == (204, "")
    [item] = users.stored()
    assert set(item) == {"pk", "user_id", "version", "deleted_at", "outbox"}
    [event] = users.outbox()
    assert (event["event_type"], event["data"]) == ("user.deleted", {"user_id": user_id})
    for personal in ("ada@", "Lovelace", "de-AT"):
        assert personal not in json.dumps(item)
    assert listed(users)["users"] == listed(users, email="ada@example.com")["users"] == []


def test_closing_again_answers_the_same_and_publishes_nothing(users: Users) -> None:
    user_id = users.signed_up()
    users.call("DELETE", "/users/me", claims=claims_of(user_id))
    before = users.stored()
    for claims in (claims_of(user_id), ADMIN):
        assert users.call("DELETE", f"/users/{user_id}", claims=claims)["statusCode"] == 204
    assert users.stored() == before


def test_a_closed_profile_stays_closed_for_a_token_that_is_still_valid(users: Users) -> None:
    user_id = users.signed_up()
    token = claims_of(user_id, "ada@example.com", email_verified="true", iat=SOON)
    users.call("DELETE", "/users/me", claims=token)
    before = users.stored()
    for method, path in [("GET", "/users/me"), ("PUT", "/users/me"), ("GET", "/users/me/export")]:
        body = CHANGE if method == "PUT" else None
        assert problem(users.call(method, path, claims=token, body=body)) == (404, "not-found")
    assert users.stored() == before


def test_a_change_that_meets_a_closing_does_not_bring_the_profile_back(
    users: Users, monkeypatch: pytest.MonkeyPatch
) -> None:
    from users.adapters.profile_store import ProfileStore
    from users.functions.profile_requests import close_profile

    user_id = users.signed_up()
    put = ProfileStore.put

    def put_after_the_closing(store: Any, *write: Any, replaces: int) -> None:
        monkeypatch.setattr(ProfileStore, "put", put)
        close_profile(user_id)
        put(store, *write, replaces=replaces)

    monkeypatch.setattr(ProfileStore, "put", put_after_the_closing)
    assert problem(change(users, user_id)) == (404, "not-found")
    assert "deleted_at" in users.stored()[0]


def test_an_account_that_never_looked_at_its_profile_can_be_closed(users: Users) -> None:
    user_id = users.elsewhere()
    assert users.call("DELETE", "/users/me", claims=claims_of(user_id))["statusCode"] == 204
    assert [event["event_type"] for event in users.outbox()] == ["user.deleted"]


# --- An address that a stranger signed up


def test_an_address_unconfirmed_for_a_day_is_freed_by_the_next_sign_up(
    users: Users, monkeypatch: pytest.MonkeyPatch
) -> None:
    from shared.clock import utc_now

    squatter = users.signed_up(name="Squatter")
    assert problem(users.sign_up()) == (409, "email-taken")
    assert [event["event_type"] for event in users.outbox()] == ["user.registered"]

    monkeypatch.setattr("users.functions.profile_requests.utc_now", lambda: utc_now() + timedelta(hours=25))
    assert problem(users.sign_up()) == (409, "email-taken")
    [event] = users.outbox()
    assert (event["event_type"], event["aggregate_id"]) == ("user.deleted", squatter)


def test_a_confirmed_address_is_never_freed(users: Users, monkeypatch: pytest.MonkeyPatch) -> None:
    from shared.clock import utc_now

    users.signed_up()
    boto3.client("cognito-idp").admin_confirm_sign_up(UserPoolId=users.pool, Username="ada@example.com")
    monkeypatch.setattr("users.functions.profile_requests.utc_now", lambda: utc_now() + timedelta(days=400))
    assert problem(users.sign_up()) == (409, "email-taken")
    assert [event["event_type"] for event in users.outbox()] == ["user.registered"]

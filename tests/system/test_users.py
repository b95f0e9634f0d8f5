"""The users' routes, over HTTP on the deployed stack: their answers to the right and the wrong request, what an erasure
leaves anywhere, and who wins when many ask for one thing at once."""

import base64
import hashlib
import hmac
import json
import struct
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier
from typing import Any
from uuid import uuid4

import pytest
import requests
from botocore.exceptions import ClientError

from tests.system.links import target
from tests.system.products import TEA
from tools.shop.audit import Auditor
from tools.shop.client import PASSWORD, Customer, Session, Shop, made_up_address, made_up_name
from tools.stack import Stack
from tools.waiting import wait_for

from .back_doors import reads_mails
from .clean_up import KIND
from .conftest import event
from .unsent_mails import why_unsent

OWN = [("GET", ""), ("PUT", ""), ("DELETE", ""), ("GET", "/export")]
SOMEBODY = "7d3c9a52-5b1e-4f0c-9a64-0f6f2f1d8e11"
ROUTES = [
    ("GET", "/users"),
    *((method, f"/users/me{tail}") for method, tail in OWN),
    *((method, f"/users/{SOMEBODY}{tail}") for method, tail in OWN),
]


@pytest.fixture(scope="module")
def admin(shop: Shop) -> Customer:
    """Somebody who runs the shop."""
    return shop.admin()


@pytest.fixture
def ada(shop: Shop) -> Customer:
    """A customer whom no other test knows."""
    return shop.sign_up("Ada Example")


def new_address() -> str:
    return made_up_address(KIND, "Someone")


def new_profile() -> dict[str, str]:
    """What a profile may become. Nobody else has the name, or the search for leaks would take one for the other."""
    return {"name": made_up_name("Ada King"), "locale": "de-AT"}


def asked(shop: Shop, method: str, path: str, token: str | None) -> requests.Response:
    """The answer to a well-formed request for the route."""
    return shop.request(method, path, token=token, json=new_profile() if method == "PUT" else None)


def problem_of(answer: requests.Response) -> tuple[int, str]:
    """The status and the last word of the type of an answer that must be problem details."""
    assert answer.headers["Content-Type"] == "application/problem+json", answer.text
    return answer.status_code, answer.json()["type"].rpartition("/")[2]


def forged(token: str) -> str:
    """The token with another subject, under the old signature."""
    header, payload, signature = token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    changed = json.dumps(claims | {"sub": str(uuid4()), "cognito:groups": ["admin"]}).encode()
    return ".".join([header, base64.urlsafe_b64encode(changed).decode().rstrip("="), signature])


def at_once[Answer](count: int, act: Callable[[int], Answer]) -> list[Answer]:
    """What `count` threads that begin together get from `act`."""
    barrier = Barrier(count)

    def begin(position: int) -> Answer:
        barrier.wait()
        return act(position)

    with ThreadPoolExecutor(count) as threads:
        return list(threads.map(begin, range(count)))


# --- Signing up


def test_a_sign_up_is_answered_with_the_profile_and_makes_a_customer(shop: Shop) -> None:
    email, name = new_address(), made_up_name("Ada")
    answer = shop.request("POST", "/users", json={"email": email, "password": PASSWORD, "name": name})

    assert answer.status_code == 201
    assert answer.headers["ETag"] == '"1"'
    assert answer.json() | {"user_id": "", "registered_at": ""} == {
        "user_id": "",
        "email": email,
        "name": name,
        "locale": "en",
        "registered_at": "",
    }
    cognito = shop.stack.client("cognito-idp")
    groups = cognito.admin_list_groups_for_user(
        UserPoolId=shop.stack.resource("UserPool"), Username=answer.json()["user_id"]
    )["Groups"]
    assert [group["GroupName"] for group in groups] == ["customer"]


@pytest.mark.parametrize(("sent", "kept"), [("es-419", "es-419"), ("zh-hant-tw", "zh-Hant-TW")])
def test_a_locale_with_a_region_or_a_script_is_taken(shop: Shop, sent: str, kept: str) -> None:
    body = {"email": new_address(), "password": PASSWORD, "name": made_up_name("Ada"), "locale": sent}
    answer = shop.request("POST", "/users", json=body)

    assert (answer.status_code, answer.json()["locale"]) == (201, kept)


@pytest.mark.parametrize(
    ("changes", "problem", "pointer"),
    [
        ({"email": "ada"}, "invalid-request", "/body/email"),
        ({"email": "a,b@example.com"}, "invalid-request", "/body/email"),
        ({"name": ""}, "invalid-request", "/body/name"),
        ({"name": "Ada\r\nBcc: eve@example.com"}, "invalid-request", "/body/name"),
        ({"name": "x" * 101}, "invalid-request", "/body/name"),
        ({"locale": "English"}, "invalid-request", "/body/locale"),
        ({"password": ""}, "invalid-request", "/body/password"),
        ({"password": "short"}, "weak-password", "/body/password"),
        ({"groups": ["admin"]}, "invalid-request", "/body/groups"),
    ],
)
def test_a_sign_up_that_cannot_be_says_where(
    shop: Shop, changes: dict[str, Any], problem: str, pointer: str
) -> None:
    body = {"email": new_address(), "password": PASSWORD, "name": made_up_name("Ada"), **changes}
    answer = shop.request("POST", "/users", json=body)

    assert problem_of(answer) == (422, problem)
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


@pytest.mark.parametrize(
    ("body", "media_type", "problem"),
    [
        ("{", "application/json", (400, "malformed-json")),
        ("email=ada", "application/x-www-form-urlencoded", (415, "unsupported-media-type")),
        (json.dumps({"name": "x" * 70_000}), "application/json", (413, "payload-too-large")),
        ('{"name": "\\ud800"}', "application/json", (422, "invalid-request")),
    ],
)
def test_a_body_that_no_sign_up_has_is_refused(
    shop: Shop, body: str, media_type: str, problem: tuple[int, str]
) -> None:
    answer = shop.request("POST", "/users", data=body, headers={"Content-Type": media_type})

    assert problem_of(answer) == problem


def test_of_many_sign_ups_with_one_address_at_once_one_wins(shop: Shop, admin: Customer) -> None:
    email = new_address()

    def sign_up(position: int) -> requests.Response:
        # Cases differ, the account does not.
        spelled = email.upper() if position % 2 else email
        body = {"email": spelled, "password": PASSWORD, "name": made_up_name(f"Racer{position}")}
        return Shop(shop.stack).request("POST", "/users", json=body)

    answers = at_once(8, sign_up)

    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 7}
    lost = {problem_of(answer) for answer in answers if answer.status_code == 409}
    assert lost == {(409, "email-taken")}
    [won] = [answer.json() for answer in answers if answer.status_code == 201]
    found = shop.request("GET", "/users", token=admin.token, params={"email": email}).json()
    assert found["users"] == [won]


# --- Who may


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_without_a_valid_token_no_user_is_shown_changed_or_closed(
    shop: Shop, customer: Customer, method: str, path: str
) -> None:
    for token in (None, "not-a-token", forged(customer.token)):
        assert problem_of(asked(shop, method, path, token)) == (401, "unauthorized")


@pytest.mark.parametrize(("method", "tail"), OWN)
def test_anothers_profile_is_as_if_it_were_not(
    shop: Shop, customer: Customer, ada: Customer, method: str, tail: str
) -> None:
    others = asked(shop, method, f"/users/{ada.user_id}{tail}", customer.token)
    unknown = asked(shop, method, f"/users/{uuid4()}{tail}", customer.token)

    assert problem_of(others) == problem_of(unknown) == (404, "not-found")
    assert others.json() == unknown.json()
    assert shop.request("GET", "/users/me", token=ada.token).status_code == 200


@pytest.mark.parametrize(("method", "tail"), OWN)
def test_an_id_that_nobody_can_have_is_refused_to_admins_too(
    shop: Shop, admin: Customer, method: str, tail: str
) -> None:
    assert problem_of(asked(shop, method, f"/users/{uuid4()}{tail}", admin.token)) == (404, "not-found")
    assert asked(shop, method, f"/users/{'x' * 65}{tail}", admin.token).status_code == 422


def test_only_admins_list_users(shop: Shop, customer: Customer) -> None:
    assert problem_of(asked(shop, "GET", "/users", customer.token)) == (403, "forbidden")


def test_who_was_put_out_of_the_customers_stays_out_and_can_still_close_the_account(
    shop: Shop, stack: Stack, ada: Customer
) -> None:
    stack.client("cognito-idp").admin_remove_user_from_group(
        UserPoolId=stack.resource("UserPool"), Username=ada.user_id, GroupName="customer"
    )
    barred = replace(ada, session=Session(shop.token_of(ada.email)))

    assert shop.request("GET", "/users/me", token=barred.token).status_code == 200
    again = replace(ada, session=Session(shop.token_of(ada.email)))
    assert shop.place(again, {TEA: 1}).status_code == 403
    assert shop.request("DELETE", "/users/me", token=again.token).status_code == 204


# --- Reading and changing


def test_one_reads_oneself_as_me_and_by_id_and_an_admin_reads_anyone(
    shop: Shop, ada: Customer, admin: Customer
) -> None:
    mine = shop.request("GET", "/users/me", token=ada.token)
    by_id = shop.request("GET", f"/users/{ada.user_id}", token=ada.token)
    as_admin = shop.request("GET", f"/users/{ada.user_id}", token=admin.token)

    assert mine.json() == by_id.json() == as_admin.json()
    assert mine.json()["email"] == ada.email
    assert mine.headers["ETag"] == as_admin.headers["ETag"] == '"1"'


@pytest.mark.parametrize("path", ["/users/me", "/users/{user_id}"])
def test_a_change_is_a_new_version_and_changing_nothing_is_none(shop: Shop, ada: Customer, path: str) -> None:
    where = path.format(user_id=ada.user_id)
    new = new_profile()
    changed = shop.request("PUT", where, token=ada.token, json=new, headers={"If-Match": '"1"'})
    same = shop.request("PUT", where, token=ada.token, json=new)

    assert (changed.status_code, same.status_code) == (200, 200)
    assert changed.json() | new == changed.json() == same.json()
    assert changed.headers["ETag"] == same.headers["ETag"] == '"2"'


def test_an_admin_changes_anyone(shop: Shop, ada: Customer, admin: Customer) -> None:
    assert asked(shop, "PUT", f"/users/{ada.user_id}", admin.token).json()["locale"] == "de-AT"


@pytest.mark.parametrize("tag", ['"2"', 'W/"1"', "*", "nonsense"])
def test_a_change_that_is_based_on_another_version_is_refused(shop: Shop, ada: Customer, tag: str) -> None:
    answer = shop.request("PUT", "/users/me", token=ada.token, json=new_profile(), headers={"If-Match": tag})

    assert problem_of(answer) == (412, "precondition-failed")
    assert shop.request("GET", "/users/me", token=ada.token).json()["name"] == ada.name


@pytest.mark.parametrize(
    "body",
    [
        {"name": "Ada"},
        {"locale": "en"},
        {**new_profile(), "email": "x@example.com"},
        {**new_profile(), "name": "\u0000"},
    ],
)
def test_a_change_says_all_that_can_be_changed_and_no_more(
    shop: Shop, ada: Customer, body: dict[str, str]
) -> None:
    assert problem_of(shop.request("PUT", "/users/me", token=ada.token, json=body)) == (
        422,
        "invalid-request",
    )


def test_of_changes_based_on_one_version_one_wins(shop: Shop, ada: Customer) -> None:
    def change(position: int) -> requests.Response:
        return Shop(shop.stack).request(
            "PUT",
            "/users/me",
            token=ada.token,
            json={**new_profile(), "name": made_up_name(f"Name{position}")},
            headers={"If-Match": '"1"'},
        )

    answers = at_once(6, change)

    assert Counter(answer.status_code for answer in answers) == {200: 1, 412: 5}
    [won] = [answer.json() for answer in answers if answer.status_code == 200]
    assert shop.request("GET", "/users/me", token=ada.token).json() == won


def test_an_address_that_was_changed_where_one_signs_in_is_the_profiles_from_the_next_token_on(
    shop: Shop, stack: Stack, ada: Customer, admin: Customer
) -> None:
    renamed = new_address()
    stack.client("cognito-idp").admin_update_user_attributes(
        UserPoolId=stack.resource("UserPool"),
        Username=ada.user_id,
        UserAttributes=[
            {"Name": "email", "Value": renamed},
            {"Name": "email_verified", "Value": "true"},
        ],
    )

    def followed() -> str | None:
        # A token has its time in whole seconds, so one of the second of the sign-up is no newer.
        token = shop.token_of(renamed)
        found = shop.request("GET", "/users/me", token=token).json()
        return token if found["email"] == renamed else None

    wait_for(followed, "the profile to follow the account", seconds=20)

    assert shop.request("GET", "/users/me", token=ada.token).json()["email"] == renamed
    by_address = [
        shop.request("GET", "/users", token=admin.token, params={"email": email}).json()["users"]
        for email in (renamed, ada.email)
    ]
    assert [[user["user_id"] for user in users] for users in by_address] == [[ada.user_id], []]


# --- The register


def test_admins_list_users_newest_first_by_page_and_sign_ups_in_between_move_nothing(
    shop: Shop, admin: Customer
) -> None:
    signed_up = [shop.sign_up("Paged Example").user_id for _ in range(3)]
    first = shop.request("GET", "/users", token=admin.token, params={"limit": 2}).json()
    shop.sign_up("Between Example")
    second = shop.request(
        "GET", "/users", token=admin.token, params={"limit": 2, "cursor": first["next"]}
    ).json()

    listed = [user["user_id"] for user in first["users"] + second["users"]]
    assert listed[:3] == signed_up[::-1]
    assert len(set(listed)) == 4


def test_every_page_together_is_every_user_once(shop: Shop, admin: Customer, auditor: Auditor) -> None:
    listed: list[str] = []
    params: dict[str, Any] = {"limit": 100}
    while True:
        page = shop.request("GET", "/users", token=admin.token, params=params).json()
        listed += [user["user_id"] for user in page["users"]]
        if page["next"] is None:
            break
        params["cursor"] = page["next"]

    open_profiles = [item["user_id"] for item in auditor.table("UsersTable") if "register" in item]
    assert sorted(listed) == sorted(open_profiles)


@pytest.mark.parametrize(
    ("params", "problem"),
    [
        ({"cursor": "nonsense"}, (400, "invalid-cursor")),
        ({"limit": "0"}, (422, "invalid-request")),
        ({"limit": "101"}, (422, "invalid-request")),
        ({"email": "ada"}, (422, "invalid-request")),
    ],
)
def test_a_list_that_cannot_be_is_refused(
    shop: Shop, admin: Customer, params: dict[str, str], problem: tuple[int, str]
) -> None:
    assert problem_of(shop.request("GET", "/users", token=admin.token, params=params)) == problem


def test_an_address_that_nobody_has_finds_nobody(shop: Shop, admin: Customer) -> None:
    found = shop.request("GET", "/users", token=admin.token, params={"email": new_address()})

    assert (found.status_code, found.json()) == (200, {"users": [], "next": None})


# --- The export


@pytest.mark.parametrize("path", ["/users/me/export", "/users/{user_id}/export"])
def test_an_export_is_a_file_of_all_that_is_kept(shop: Shop, ada: Customer, path: str) -> None:
    answer = shop.request("GET", path.format(user_id=ada.user_id), token=ada.token)

    assert answer.status_code == 200
    assert answer.headers["Content-Disposition"].startswith("attachment; filename=")
    exported = answer.json()
    assert exported["profile"] == shop.request("GET", "/users/me", token=ada.token).json()
    assert exported["sign_in"]["attributes"]["email"] == ada.email
    assert (exported["sign_in"]["status"], exported["sign_in"]["groups"]) == ("CONFIRMED", ["customer"])
    linked = [
        shop.request("GET", target(answer, link["href"]), token=ada.token) for link in exported["elsewhere"]
    ]
    assert [list_of.status_code for list_of in linked] == [200] * len(linked)
    assert linked[0].json()["orders"] == []


def test_an_admin_exports_anyones_data(shop: Shop, ada: Customer, admin: Customer) -> None:
    answer = shop.request("GET", f"/users/{ada.user_id}/export", token=admin.token)

    assert answer.json()["profile"]["user_id"] == ada.user_id


# --- The second factor


def one_time_code(secret: str) -> str:
    """The present time-based code of `secret` (RFC 6238: HMAC-SHA-1, 30 seconds, six digits)."""
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    digest = hmac.new(key, struct.pack(">Q", int(time.time()) // 30), hashlib.sha1).digest()
    offset = digest[-1] & 0x0F
    (number,) = struct.unpack(">I", digest[offset : offset + 4])
    return f"{(number & 0x7FFFFFFF) % 1_000_000:06d}"


def test_a_second_factor_can_be_set_up_and_is_asked_for_from_then_on(
    shop: Shop, stack: Stack, ada: Customer
) -> None:
    cognito, client_id = stack.client("cognito-idp"), stack.resource("UserPoolClient")

    def sign_in() -> dict[str, Any]:
        return cognito.initiate_auth(
            ClientId=client_id,
            AuthFlow="USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": ada.email, "PASSWORD": PASSWORD},
        )

    access = sign_in()["AuthenticationResult"]["AccessToken"]
    secret = cognito.associate_software_token(AccessToken=access)["SecretCode"]
    used = one_time_code(secret)
    cognito.verify_software_token(AccessToken=access, UserCode=used)
    cognito.set_user_mfa_preference(
        AccessToken=access, SoftwareTokenMfaSettings={"Enabled": True, "PreferredMfa": True}
    )

    challenge = sign_in()
    assert challenge["ChallengeName"] == "SOFTWARE_TOKEN_MFA"
    assert "AuthenticationResult" not in challenge

    def answer(code: str) -> dict[str, Any]:
        return cognito.respond_to_auth_challenge(
            ClientId=client_id,
            ChallengeName="SOFTWARE_TOKEN_MFA",
            Session=challenge["Session"],
            ChallengeResponses={"USERNAME": ada.email, "SOFTWARE_TOKEN_MFA_CODE": code},
        )

    with pytest.raises(ClientError, match="CodeMismatch"):
        answer("000000" if one_time_code(secret) != "000000" else "111111")
    if stack.is_on_aws:  # Cognito takes each code once.
        wait_for(lambda: one_time_code(secret) != used, "the next code", seconds=40)
        challenge = sign_in()
    token = answer(one_time_code(secret))["AuthenticationResult"]["IdToken"]
    exported = shop.request("GET", "/users/me/export", token=token).json()
    assert exported["sign_in"]["mfa"] == ["SOFTWARE_TOKEN_MFA"]


# --- Erasure


def test_a_closed_account_is_gone_for_its_owner_and_for_admins(
    shop: Shop, ada: Customer, admin: Customer
) -> None:
    closed = shop.request("DELETE", "/users/me", token=ada.token)
    again = shop.request("DELETE", f"/users/{ada.user_id}", token=ada.token)

    assert (closed.status_code, closed.content) == (204, b"")
    assert again.status_code == 204
    for method, tail in [("GET", ""), ("PUT", ""), ("GET", "/export")]:
        assert problem_of(asked(shop, method, f"/users/me{tail}", ada.token)) == (404, "not-found")
        assert problem_of(asked(shop, method, f"/users/{ada.user_id}{tail}", admin.token))[0] == 404
    found = shop.request("GET", "/users", token=admin.token, params={"email": ada.email}).json()
    assert found["users"] == []


def test_an_admin_closes_an_account(shop: Shop, ada: Customer, admin: Customer) -> None:
    assert shop.request("DELETE", f"/users/{ada.user_id}", token=admin.token).status_code == 204
    assert shop.request("GET", "/users/me", token=ada.token).status_code == 404


def test_a_closed_account_can_sign_in_no_more_and_its_address_is_free_again(
    shop: Shop, ada: Customer, admin: Customer
) -> None:
    shop.request("DELETE", "/users/me", token=ada.token)

    def refusal() -> str | None:
        try:
            shop.token_of(ada.email)
        except ClientError as error:
            return str(error.response["Error"]["Code"])
        return None

    assert wait_for(refusal, "the sign-in to be removed", seconds=30) == "NotAuthorizedException"
    body = {"email": ada.email, "password": PASSWORD, "name": made_up_name("Ada")}
    again = shop.request("POST", "/users", json=body)
    assert again.status_code == 201
    assert again.json()["user_id"] != ada.user_id
    found = shop.request("GET", "/users", token=admin.token, params={"email": ada.email}).json()
    assert found["users"] == [again.json()]


def test_erasing_a_customer_erases_every_copy_of_name_and_address(shop: Shop, auditor: Auditor) -> None:
    name = f"Erasmus {uuid4().hex}"
    gone = shop.sign_up(name)
    order_id = shop.place(gone, {TEA: 1}).json()["order_id"]
    assert shop.settled(gone, order_id)["status"] in {"confirmed", "fulfilled"}
    wait_for(
        lambda: gone.user_id in {item["pk"] for item in auditor.table("NotificationsTable")},
        "the address",
        seconds=30,
    )

    shop.request("DELETE", "/users/me", token=gone.token)

    def shipment() -> dict[str, Any]:
        [found] = [item for item in auditor.table("ShippingTable") if item["pk"] == order_id]
        return found

    def erased() -> bool:
        [address] = [item for item in auditor.table("NotificationsTable") if item["pk"] == gone.user_id]
        return "erased_at" in shipment()["parcel"]["address"] and "erased_at" in address

    wait_for(erased, "every copy to be erased", seconds=60)
    kept = shipment()
    assert kept["parcel"]["address"]["country"] == "DE"
    assert kept["customer_id"] == gone.user_id
    for table in ("UsersTable", "NotificationsTable", "ShippingTable"):
        # Nobody else is called that: what mentions the person at all is a copy that was left.
        assert not [item for item in auditor.table(table) if name in str(item) or gone.email in str(item)]
    [left] = [item for item in auditor.table("NotificationsTable") if item["pk"] == gone.user_id]
    assert set(left) == {"pk", "user_id", "version", "erased_at"}


@reads_mails
def test_an_erased_customer_gets_no_more_mail(
    shop: Shop, stack: Stack, auditor: Auditor, ada: Customer
) -> None:
    shop.request("DELETE", "/users/me", token=ada.token)

    def is_erased() -> bool:
        found = [item for item in auditor.table("NotificationsTable") if item["pk"] == ada.user_id]
        return any("erased_at" in item for item in found)

    wait_for(is_erased, "the address to be erased", seconds=60)

    late = f"ord_{uuid4().hex}"
    confirmed = event(
        "order.confirmed",
        late,
        {
            "order_id": late,
            "customer_id": ada.user_id,
            "lines": [{"sku": TEA, "quantity": 1, "unit_price": {"amount": 1, "currency": "EUR"}}],
            "total": {"amount": 1, "currency": "EUR"},
        },
    )
    stack.client("sns").publish(
        TopicArn=stack.resource("DomainEventsTopic"),
        Message=json.dumps(confirmed),
        MessageAttributes={"event_type": {"DataType": "String", "StringValue": "order.confirmed"}},
    )
    unsent = wait_for(lambda: why_unsent(stack, confirmed["event_id"]), "the mail to be skipped", seconds=30)
    assert unsent == "customer erased"
    assert not [mail for mail in stack.sent_mails() if late in mail["BodyText"]]

"""Live updates on the deployed stack: over a real WebSocket, with real tokens."""

import json
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.system.products import TEA
from tools.shop.client import PASSWORD, Customer, Shop
from tools.shop.watch import Watcher, watching
from tools.stack import Stack
from tools.waiting import wait_for

from .conftest import event
from .test_choreography import publish
from .tokens import altered, expired, forged, lives_a_second, unsigned

pytestmark = pytest.mark.system


def placed(shop: Shop, customer: Customer) -> str:
    answer = shop.place(customer, {TEA: 1})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["order_id"])


def connections(stack: Stack, customer: Customer) -> list[dict[str, Any]]:
    """What the service holds for the customer's connections."""
    found: list[dict[str, Any]] = stack.client("dynamodb").query(
        TableName=stack.resource("LiveTable"),
        KeyConditionExpression="pk = :customer AND begins_with(sk, :prefix)",
        ExpressionAttributeValues={":customer": {"S": customer.user_id}, ":prefix": {"S": "connection#"}},
    )["Items"]
    return found


def changes_of(watcher: Watcher, order_id: str) -> list[dict[str, Any]]:
    return [change for change in watcher.changes if change["order_id"] == order_id]


def has_ended(watcher: Watcher) -> bool:
    """Whether the server has closed the connection; waits a moment for it."""
    try:
        watcher.socket.recv(timeout=1)
    except TimeoutError:
        return False
    except ConnectionClosed:
        return True
    return False


def test_a_customer_sees_their_order_go_on_and_nobody_else_does(stack: Stack, shop: Shop) -> None:
    owner, stranger = shop.sign_up("Live Owner"), shop.sign_up("Live Stranger")
    with watching(stack, owner.token) as own, watching(stack, stranger.token) as other:
        own.request("subscribe")
        other.request("subscribe")
        order_id = placed(shop, owner)
        other.request("subscribe", order_id=order_id)

        own.wait_for_change(order_id, "confirmed")
        marker = placed(shop, stranger)
        other.wait_for_change(marker, "confirmed")

        pushed = changes_of(own, order_id)
        assert [change["version"] for change in pushed] == sorted({change["version"] for change in pushed})
        history = shop.order(owner, order_id)["history"]
        known = {(entry["status"], entry["at"]) for entry in history}
        assert {(change["status"], change["at"]) for change in pushed} <= known
        assert not changes_of(other, order_id)


def test_a_rejection_is_pushed_with_its_reason(stack: Stack, shop: Shop) -> None:
    customer = shop.sign_up("Live Rejected")
    with watching(stack, customer.token) as watcher:
        watcher.request("subscribe")
        order_id = shop.place(customer, {TEA: 1}, country="AQ").json()["order_id"]

        assert watcher.wait_for_change(order_id, "rejected")["reason"] == "address_not_served"


def test_both_windows_of_a_customer_get_the_same_changes(stack: Stack, shop: Shop) -> None:
    customer = shop.sign_up("Live Twice")
    with (
        watching(stack, customer.token) as app,
        watching(stack, customer.token, as_browser=True) as browser,
    ):
        assert browser.socket.subprotocol == "cartwright.v1"
        app.request("subscribe")
        order_id = placed(shop, customer)
        browser.request("subscribe", order_id=order_id)

        assert app.wait_for_change(order_id, "confirmed") == browser.wait_for_change(order_id, "confirmed")


@pytest.mark.usefixtures("unhurried")
def test_who_was_away_catches_up_with_exactly_what_it_missed(stack: Stack, shop: Shop) -> None:
    customer = shop.sign_up("Live Away")
    with watching(stack, customer.token) as witness:
        seen = witness.request("subscribe")["cursor"]
        with watching(stack, customer.token) as leaving:
            leaving.request("subscribe")
            first = placed(shop, customer)
            seen = leaving.wait_for_change(first, "confirmed")["cursor"]
        second = placed(shop, customer)
        witness.wait_for_change(second, "confirmed")

        with watching(stack, customer.token) as back:
            back.request("subscribe")
            pages = [back.request("catch_up", after=seen, limit=1)]
            while pages[-1]["more"]:
                pages.append(back.request("catch_up", after=pages[-1]["cursor"], limit=1))

    missed = [change for page in pages for change in page["changes"]]
    assert missed == [change for change in witness.changes if int(change["cursor"]) > int(seen)]
    assert all(page["complete"] for page in pages)
    assert {change["order_id"] for change in missed} == {second}


def test_a_connection_that_is_gone_is_forgotten(stack: Stack, shop: Shop) -> None:
    customer = shop.sign_up("Live Gone")
    with watching(stack, customer.token) as watcher:
        watcher.request("subscribe")
        assert len(connections(stack, customer)) == 1

    wait_for(lambda: not connections(stack, customer), "the connection to be forgotten", seconds=60)


def test_a_connection_that_ended_unnoticed_is_forgotten_at_the_next_push(stack: Stack, shop: Shop) -> None:
    """As when `$disconnect`, which API Gateway calls if it can, never came."""
    customer = shop.sign_up("Live Ghost")
    with watching(stack, customer.token) as watcher:
        watcher.request("subscribe")
        [kept] = connections(stack, customer)
        ghost = {**kept, "sk": {"S": "connection#never-closed"}, "connection_id": {"S": "never-closed"}}
        stack.client("dynamodb").put_item(TableName=stack.resource("LiveTable"), Item=ghost)

        watcher.wait_for_change(placed(shop, customer), "confirmed")

        assert [left["sk"] for left in connections(stack, customer)] == [kept["sk"]]


def test_an_event_delivered_three_times_is_one_change(stack: Stack, shop: Shop) -> None:
    customer, order_id = shop.sign_up("Live Again"), f"ord_{uuid4().hex}"
    facts = {"order_id": order_id, "customer_id": customer.user_id}
    with watching(stack, customer.token) as watcher:
        watcher.request("subscribe")
        body = json.dumps(event("order.fulfilled", order_id, {**facts, "status": "fulfilled"}))
        for _ in range(3):
            publish(stack, "order.fulfilled", body)
        order = placed(shop, customer)
        watcher.wait_for_change(order, "confirmed")
        watcher.wait_for_change(order_id, "fulfilled")

        pushed = {change["cursor"] for change in changes_of(watcher, order_id)}
        kept = watcher.request("catch_up", order_id=order_id)["changes"]

    assert len(pushed) == len(kept) == 1


BAD_TOKENS: dict[str, Callable[[Stack, Customer], str]] = {
    "garbage": lambda _, __: "garbage",
    "unsigned": lambda _, customer: unsigned(customer.token),
    "altered": lambda _, customer: altered(customer.token, sub="another"),
    "forged": lambda _, customer: forged(customer.token),
    "expired": expired,
}


@pytest.mark.parametrize(
    "kind",
    [pytest.param(kind, marks=lives_a_second) if kind == "expired" else kind for kind in BAD_TOKENS],
)
def test_a_bad_token_opens_nothing(stack: Stack, customer: Customer, kind: str) -> None:
    token = BAD_TOKENS[kind](stack, customer)

    for as_browser in (False, True):
        with pytest.raises(InvalidStatus) as refused, watching(stack, token, as_browser=as_browser):
            pass
        assert refused.value.response.status_code in {401, 403}


def test_an_access_token_opens_nothing(stack: Stack, shop: Shop, customer: Customer) -> None:
    session = stack.client("cognito-idp").initiate_auth(
        ClientId=stack.resource("UserPoolClient"),
        AuthFlow="USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": customer.email, "PASSWORD": PASSWORD},
    )

    with (
        pytest.raises(InvalidStatus) as refused,
        watching(stack, session["AuthenticationResult"]["AccessToken"]),
    ):
        pass
    assert refused.value.response.status_code in {401, 403}


@pytest.mark.parametrize(
    ("message", "status"),
    [
        ("not json", 400),
        ("[]", 422),
        ('{"action": "dance"}', 422),
        ('{"action": "catch_up", "after": "x"}', 422),
    ],
)
def test_a_message_that_cannot_be_read_is_answered_and_the_connection_goes_on(
    stack: Stack, customer: Customer, message: str, status: int
) -> None:
    with watching(stack, customer.token) as watcher:
        answer = watcher.send(message)

        assert (answer["type"], answer["problem"]["status"]) == ("error", status)
        assert watcher.request("ping")["type"] == "pong"


def test_a_closed_account_watches_nothing_any_more(stack: Stack, shop: Shop) -> None:
    customer = shop.sign_up("Live Leaver")
    with watching(stack, customer.token) as watcher:
        watcher.request("subscribe")
        watcher.wait_for_change(placed(shop, customer), "confirmed")

        profile = shop.request("GET", f"/users/{customer.user_id}", token=customer.token)
        gone = shop.request(
            "DELETE",
            f"/users/{customer.user_id}",
            token=customer.token,
            headers={"If-Match": profile.headers["ETag"]},
        )
        assert gone.status_code == 204, gone.text
        wait_for(lambda: has_ended(watcher), "the connection to end", seconds=60)

    def refused() -> bool:
        try:
            with watching(stack, customer.token):
                return False
        except InvalidStatus as refusal:
            return refusal.response.status_code in {401, 403}

    wait_for(refused, "the account's connections to be refused", seconds=60)
    wait_for(lambda: left_of(stack, customer) == ["feed"], "the feed to be erased", seconds=60)


def left_of(stack: Stack, customer: Customer) -> list[str]:
    items = stack.client("dynamodb").query(
        TableName=stack.resource("LiveTable"),
        KeyConditionExpression="pk = :customer",
        ExpressionAttributeValues={":customer": {"S": customer.user_id}},
    )["Items"]
    return [item["sk"]["S"] for item in items]

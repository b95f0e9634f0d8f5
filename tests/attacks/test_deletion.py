"""An account that was deleted: its token, its orders and links, and the next account with its address."""

from typing import Any

import pytest
from botocore.exceptions import ClientError
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.attacks.attempts import Attempts
from tests.attacks.requests_of_routes import Requests
from tests.routes import routes
from tests.system.products import TEA
from tools.api import open_account
from tools.shop.client import PASSWORD, Customer, Shop
from tools.shop.watch import watching
from tools.stack import Stack
from tools.waiting import NotInTime, wait_for


@pytest.fixture(scope="module")
def left(stack: Stack, shop: Shop) -> Customer:
    """A former customer, who ordered and deleted their account. Their token is valid for the rest of its hour."""
    return leaving(stack, shop)


def leaving(stack: Stack, shop: Shop) -> Customer:
    """A new customer, who has an order and no account any more."""
    person = shop.sign_up("Leaver Example")
    order_id = shop.place(person, {TEA: 1}).json()["order_id"]
    shop.become(person, order_id, "fulfilled", seconds=120)
    shop.request("DELETE", "/users/me", token=person.token).raise_for_status()
    wait_for(lambda: not _exists(stack, person.user_id), "the account to be gone", seconds=60)
    return person


def test_the_token_of_a_deleted_account_gives_nothing_and_changes_nothing(
    attempts: Attempts, shop: Shop, left: Customer
) -> None:
    sender = Requests(shop, {"user_id": left.user_id, "sku": TEA})
    knows = _in_time(lambda: shop.place(left, {TEA: 1}).status_code == 403)
    attempts.check("an order with the token of a deleted account", held=knows)
    for route in routes("signed-in", "customer", "owner"):
        if route.method == "DELETE" or route.path.startswith("/orders/"):
            continue
        # What is left of their orders and returns names nobody: the tests below look at it.
        if route.path in {"/orders", "/returns"} and route.method == "GET":
            continue
        answer = sender.send(route, left.token, headers={"If-Match": '"2"'})
        attempts.refused(f"{route} with the token of a deleted account", answer, 401, 403, 404)
    for route in routes("admin"):
        attempts.refused(f"{route} with it", sender.send(route, left.token), 403)


def test_a_deletion_repeated_brings_nothing_back(attempts: Attempts, shop: Shop, left: Customer) -> None:
    for _ in range(2):
        shop.request("DELETE", "/users/me", token=left.token)
        answer = shop.request("GET", "/users/me", token=left.token)
        attempts.refused("the profile after a repeated deletion", answer, 404)


def test_what_a_deleted_customer_ordered_names_nobody(
    attempts: Attempts, shop: Shop, left: Customer, admin: Customer
) -> None:
    for who in (left, admin):

        def shown(who: Customer = who) -> str:
            return shop.request("GET", "/orders", token=who.token, params={"customer_id": left.user_id}).text

        wait_for(lambda: "Analytical" not in shown(), "the orders to forget the address", seconds=60)
        for text in (left.email, "Ada Example", "Analytical", "10115"):
            attempts.check(f"the orders name {text}", held=text not in shown(), seen=shown())
    returns = shop.request("GET", "/returns", token=left.token).text
    attempts.check("the returns name them", held=left.email not in returns, seen=returns)
    found = shop.request("GET", "/users", token=admin.token, params={"email": left.email}).json()
    attempts.check("the users by the address", held=not found["users"], seen=found)
    for path in (f"/users/{left.user_id}", f"/users/{left.user_id}/export"):
        attempts.refused(path, shop.request("GET", path, token=admin.token), 404)


def test_a_deleted_account_cannot_sign_in_and_opens_no_websocket(
    attempts: Attempts, stack: Stack, shop: Shop, left: Customer
) -> None:
    attempts.check("signing in", held=_is_refused(shop, left.email))
    for as_browser in (False, True):

        def refused(as_browser: bool = as_browser) -> bool:
            try:
                with watching(stack, left.token, as_browser=as_browser):
                    return False
            except InvalidStatus as refusal:
                return refusal.response.status_code in {401, 403}

        attempts.check("a WebSocket", held=_in_time(refused))


@pytest.mark.long
def test_an_open_websocket_ends_with_the_account(attempts: Attempts, stack: Stack, shop: Shop) -> None:
    person = shop.sign_up("Leaver Example")
    with watching(stack, person.token) as watcher:
        watcher.request("subscribe")
        shop.request("DELETE", "/users/me", token=person.token).raise_for_status()

        def ended() -> bool:
            try:
                watcher.socket.recv(timeout=1)
            except ConnectionClosed:
                return True
            except TimeoutError:
                return False
            return False

        attempts.check("an open WebSocket of a deleted account", held=_in_time(ended))


def test_the_next_account_with_the_address_is_another(attempts: Attempts, stack: Stack, shop: Shop) -> None:
    left = leaving(stack, shop)
    open_account(stack, left.email, PASSWORD, name="Next Example", groups=["customer"])
    token = shop.token_of(left.email)
    profile = shop.request("GET", "/users/me", token=token).json()
    attempts.check("its id", held=profile["user_id"] != left.user_id, seen=profile)
    attempts.check("its name", held=profile["name"] == "Next Example", seen=profile)
    orders = shop.request("GET", "/orders", token=token).json()
    attempts.check("its orders", held=not orders["orders"], seen=orders)
    for path in (f"/users/{left.user_id}", f"/users/{left.user_id}/export"):
        attempts.refused(path, shop.request("GET", path, token=token), 404)
    listed = shop.request("GET", "/orders", token=token, params={"customer_id": left.user_id})
    attempts.refused("the orders of the earlier account", listed, 403)
    with watching(stack, token) as watcher:
        caught_up: dict[str, Any] = watcher.request("catch_up", after="0")
        attempts.check("its live changes", held=not caught_up["changes"], seen=caught_up)


def _exists(stack: Stack, user_id: str) -> bool:
    cognito = stack.client("cognito-idp")
    try:
        cognito.admin_get_user(UserPoolId=stack.resource("UserPool"), Username=user_id)
    except cognito.exceptions.UserNotFoundException:
        return False
    return True


def _is_refused(shop: Shop, email: str) -> bool:
    try:
        shop.token_of(email)
    except ClientError:
        return True
    return False


def _in_time(condition: Any) -> bool:
    """Whether the condition comes true within the time that a deletion takes to reach all services."""
    try:
        return bool(wait_for(condition, "the deletion to reach the service", seconds=60))
    except NotInTime:
        return False

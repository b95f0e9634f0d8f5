"""Every route of the API's document against every kind of caller: docs/authorization.md says what is answered."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from tests.routes import GUARDED_ACCESSES, Route, routes
from tests.system import tokens
from tests.system.orders import order_body
from tests.system.products import TEA
from tools.shop.client import Customer, Shop, made_up_name
from tools.stack import Stack

GUARDED = routes(*GUARDED_ACCESSES)


@pytest.fixture(scope="module")
def owner(shop: Shop) -> Customer:
    """Whoever the things belong to that the routes name."""
    return shop.sign_up("Owner Example")


@pytest.fixture(scope="module")
def stranger(shop: Shop) -> Customer:
    """Another customer."""
    return shop.sign_up("Stranger Example")


@pytest.fixture(scope="module")
def places(shop: Shop, owner: Customer) -> dict[str, str]:
    """What stands for the placeholders in the routes' paths: things that exist and are `owner`'s."""
    order_id = shop.place(owner, {TEA: 1}).json()["order_id"]
    shop.settled(owner, order_id)
    return {
        "order_id": order_id,
        "user_id": owner.user_id,
        "sku": TEA,
        "movement_id": "none",
        "job_id": "none",
        "upload_id": "none",
        "picture_id": "none",
        "rendition": "none",
        "asset": "page.js",
    }


@pytest.fixture(scope="module")
def call(shop: Shop, places: dict[str, str]) -> Callable[..., int]:
    """The status that a route answers to a request that is complete but for its token."""

    def status(route: Route, token: str | None) -> int:
        headers = {"Idempotency-Key": str(uuid4()), "If-Match": '"999999"'}
        body = BODIES.get(str(route))
        path = route.path.format_map(places)
        answer = shop.request(route.method, path, token=token, headers=headers, json=body)
        if answer.status_code >= 400:
            assert answer.headers["Content-Type"] == "application/problem+json"
            assert answer.headers["X-Correlation-Id"]
        return answer.status_code

    return status


# Complete bodies, so that nothing but the token (or the missing version) can be why a request is refused.
BODIES: dict[str, Any] = {
    "POST /orders": order_body(),
    "PUT /users/me": {"name": made_up_name("Somebody"), "locale": "en"},
    "PUT /users/{user_id}": {"name": made_up_name("Somebody"), "locale": "en"},
}


@pytest.mark.parametrize("route", GUARDED, ids=str)
def test_without_a_token_a_guarded_route_answers_401(call: Callable[..., int], route: Route) -> None:
    assert call(route, None) == 401


@pytest.fixture(scope="module")
def bad_tokens(stack: Stack, owner: Customer) -> dict[str, str]:
    as_admin = {"cognito:groups": ["admin", "customer"]}
    return {
        "garbage": "not-a-token",
        "unsigned": tokens.unsigned(owner.token),
        "altered": tokens.altered(owner.token, **as_admin),
        "forged": tokens.forged(owner.token, **as_admin),
        "access token": tokens.access_token(stack, owner),
    }


@pytest.mark.parametrize("route", GUARDED, ids=str)
def test_a_bad_token_opens_no_guarded_route(
    call: Callable[..., int], bad_tokens: dict[str, str], route: Route
) -> None:
    assert {name: call(route, token) for name, token in bad_tokens.items()} == dict.fromkeys(bad_tokens, 401)


@tokens.lives_a_second
def test_an_expired_token_opens_no_guarded_route(
    call: Callable[..., int], stack: Stack, owner: Customer
) -> None:
    token = tokens.expired(stack, owner)
    assert {str(route): call(route, token) for route in GUARDED} == {str(route): 401 for route in GUARDED}


@pytest.mark.parametrize("route", routes("admin"), ids=str)
def test_a_customers_token_opens_no_admin_route(
    call: Callable[..., int], stranger: Customer, route: Route
) -> None:
    assert call(route, stranger.token) == 403


@pytest.mark.parametrize("route", routes("customer", "admin"), ids=str)
def test_someone_outside_the_group_is_refused(
    call: Callable[..., int], outsider: Customer, route: Route
) -> None:
    assert call(route, outsider.token) == 403


@pytest.mark.parametrize("route", routes("owner"), ids=str)
def test_what_is_anothers_does_not_exist(call: Callable[..., int], stranger: Customer, route: Route) -> None:
    assert call(route, stranger.token) == 404


# Whoever deletes the account that the other tests act for, does so on somebody else's.
@pytest.mark.parametrize("route", [route for route in routes("owner") if route.method != "DELETE"], ids=str)
def test_an_admin_reaches_what_is_anothers(call: Callable[..., int], admin: Customer, route: Route) -> None:
    assert call(route, admin.token) not in {401, 403, 404}


@pytest.mark.parametrize("route", routes("anyone"), ids=str)
def test_an_open_route_asks_for_no_token(call: Callable[..., int], route: Route) -> None:
    assert call(route, None) not in {401, 403}


@pytest.fixture(scope="module")
def outsider(shop: Shop, stack: Stack) -> Customer:
    """Someone who signed up and whom an operator took out of the group of customers."""
    person = shop.sign_up("Barred Example")
    stack.client("cognito-idp").admin_remove_user_from_group(
        UserPoolId=stack.resource("UserPool"), Username=person.email, GroupName="customer"
    )
    return Customer(person.user_id, person.email, person.name, shop.token_of(person.email))


@pytest.fixture(scope="module")
def admin(shop: Shop) -> Customer:
    """Someone who runs the shop."""
    return shop.admin()

"""Forged tokens on every route and on the WebSocket; valid tokens where they do not belong."""

import re
from datetime import timedelta

import pytest
import requests
from websockets.exceptions import InvalidStatus

from shared.clock import utc_now
from tests.attacks.attempts import Attempts
from tests.attacks.forging import forgeries, token_of_another_client, token_of_another_pool
from tests.attacks.requests_of_routes import Requests
from tests.routes import GUARDED_ACCESSES, Route, routes
from tests.system import tokens
from tools.log_search import entries
from tools.shop.client import Customer, Shop
from tools.shop.watch import watching
from tools.stack import Stack
from tools.waiting import wait_for

GUARDED = routes(*GUARDED_ACCESSES)


@pytest.fixture(scope="module")
def forged(stack: Stack, attacker: Customer) -> dict[str, str]:
    return forgeries(stack, attacker)


@pytest.mark.parametrize("route", GUARDED, ids=str)
def test_a_forged_token_opens_no_route(
    attempts: Attempts, of_victim: Requests, forged: dict[str, str], route: Route
) -> None:
    for forgery in attempts.some(forged, short=1):
        attempts.refused(f"{route} with {forgery}", of_victim.send(route, forged[forgery]), 401)


def test_a_token_of_another_pool_opens_nothing(
    attempts: Attempts, stack: Stack, of_victim: Requests, attacker: Customer
) -> None:
    with token_of_another_pool(stack, attacker) as token:
        for route in attempts.some(GUARDED, short=5):
            attempts.refused(f"{route} with a token of another pool", of_victim.send(route, token), 401)
        attempts.check("a WebSocket with a token of another pool", held=_is_refused(stack, token))


def test_a_token_of_another_app_client_gives_no_more_rights_to_an_admin(
    attempts: Attempts, stack: Stack, of_victim: Requests, admin: Customer
) -> None:
    with token_of_another_client(stack, admin) as token:
        for route in attempts.some(routes("admin"), short=5):
            attempts.refused(f"{route} with another client's token", of_victim.send(route, token), 401, 403)
        attempts.check("a WebSocket with another client's token", held=_is_refused(stack, token))


def test_an_admins_token_of_the_customers_client_is_a_customers(
    attempts: Attempts, shop: Shop, of_victim: Requests, admin: Customer
) -> None:
    token = shop.token_of(admin.email)
    for route in attempts.some(routes("admin"), short=5):
        attempts.refused(f"{route} with the customers' client", of_victim.send(route, token), 403)
    for route in attempts.some(routes("owner"), short=2):
        attempts.refused(f"{route} with the customers' client", of_victim.send(route, token), 404)


@pytest.mark.long
def test_an_expired_token_opens_nothing(
    attempts: Attempts, stack: Stack, of_victim: Requests, attacker: Customer
) -> None:
    if not stack.is_embedded:
        pytest.skip("on AWS a token lives five minutes at least")
    token = tokens.expired(stack, attacker)
    for route in GUARDED:
        attempts.refused(f"{route} with an expired token", of_victim.send(route, token), 401)
    attempts.check("a WebSocket with an expired token", held=_is_refused(stack, token))


@pytest.mark.parametrize("route", GUARDED, ids=str)
def test_a_valid_token_counts_in_its_own_header_alone(
    attempts: Attempts, of_victim: Requests, admin: Customer, route: Route
) -> None:
    token = admin.token
    elsewhere: dict[str, dict[str, dict[str, str]]] = {
        **{
            f"the query's {name}": {"params": {name: token}}
            for name in ("access_token", "token", "id_token", "authorization", "Authorization", "jwt")
        },
        **{
            f"the header {name}": {"headers": {name: f"Bearer {token}"}}
            for name in (
                "X-Authorization",
                "Proxy-Authorization",
                "X-Forwarded-Authorization",
                "X-Auth-Token",
            )
        },
        "a cookie": {"cookies": {"Authorization": token, "id_token": token}},
    }
    for place in attempts.some(elsewhere, short=1):
        answer = of_victim.send(route, None, **elsewhere[place])
        attempts.refused(f"{route} with its token in {place}", answer, 401)


def test_a_forged_token_opens_no_websocket(
    attempts: Attempts, stack: Stack, forged: dict[str, str], attacker: Customer
) -> None:
    for name in attempts.some(forged, short=4):
        for as_browser in (False, True):
            # A subprotocol's name has these characters alone.
            if as_browser and not re.fullmatch(r"[\w.-]+", forged[name], re.ASCII):
                continue
            where = "a subprotocol" if as_browser else "the header"
            held = _is_refused(stack, forged[name], as_browser=as_browser)
            attempts.check(f"a WebSocket with {name} in {where}", held=held)
    access_token = tokens.access_token(stack, attacker)
    attempts.check("a WebSocket with an access token", held=_is_refused(stack, access_token))


def test_no_valid_token_reaches_a_log(
    attempts: Attempts, stack: Stack, shop: Shop, attacker: Customer
) -> None:
    began, token = utc_now() - timedelta(seconds=5), shop.token_of(attacker.email)
    correlation_id = _places_an_order_and_watches(shop, attacker, token)
    wait_for(
        lambda: entries(stack, stack.functions, correlation_id, since=began),
        "the log of the requests",
        seconds=60,
    )
    for part, text in zip(("claims", "signature"), token.split(".")[1:], strict=True):
        seen = entries(stack, stack.functions, text, since=began)
        attempts.check(
            f"the logs have a token's {part}", held=not seen, seen=[line.function for line in seen]
        )


def _places_an_order_and_watches(shop: Shop, attacker: Customer, token: str) -> str:
    """What comes with a token in an honest client's day; the correlation id of the last request."""
    with watching(shop.stack, token, as_browser=True) as watcher:
        watcher.request("ping")
    answer: requests.Response | None = None
    for route, request in (
        ("GET", "/users/me"),
        ("GET", "/orders"),
        ("GET", "/users"),
        ("GET", "/orders/ord_0"),
        ("POST", "/orders"),
    ):
        answer = shop.request(route, request, token=token)
    assert answer is not None
    return answer.headers["X-Correlation-Id"]


def _is_refused(stack: Stack, token: str, *, as_browser: bool = False) -> bool:
    """Whether no WebSocket opens with the token."""
    try:
        with watching(stack, token, as_browser=as_browser):
            return False
    except InvalidStatus as refusal:
        return refusal.response.status_code in {401, 403}

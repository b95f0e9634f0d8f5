"""What is another customer's: by its id on every route, in bodies and queries, by cursors, keys, versions and links."""

import base64
import json
from typing import Any
from uuid import uuid4

import boto3
import pytest
import requests
from botocore import UNSIGNED
from botocore.config import Config

from tests.attacks.attempts import Attempts
from tests.attacks.requests_of_routes import Requests, parameters
from tests.routes import Route, routes
from tests.system.products import TEA
from tools.shop.client import Customer, Shop
from tools.stack import Stack

OWNED = routes("owner")
ABOUT_THE_CALLER = [
    route for route in routes("signed-in") if route.method == "GET" and not parameters(route, "path")
]
# They differ from answer to answer.
_OWN_TO_AN_ANSWER = {"instance", "correlation_id"}


@pytest.mark.parametrize("route", OWNED, ids=str)
def test_what_is_anothers_answers_as_if_it_did_not_exist_and_stays_as_it_is(
    attempts: Attempts, shop: Shop, of_victim: Requests, victim: Customer, attacker: Customer, route: Route
) -> None:
    before = _seen_by(shop, victim)
    nowhere = Requests(shop, {"order_id": f"ord_{uuid4().hex}", "user_id": str(uuid4())})
    unknown = nowhere.send(route, attacker.token)
    for headers in ({}, {"If-Match": '"1"'}, {"If-None-Match": '"1"'}, {"If-None-Match": "*"}):
        answer = of_victim.send(route, attacker.token, headers=headers)
        attempts.refused(f"{route} of another with {headers}", answer, 404)
        held = _said(answer) == _said(unknown)
        attempts.check(f"{route} tells a thing of another from none", held=held, seen=answer.text)
    attempts.check(f"{route} changed a thing of another", held=_seen_by(shop, victim) == before)


@pytest.mark.parametrize("route", [route for route in OWNED if route.method == "GET"], ids=str)
def test_another_spelling_of_an_id_opens_nothing(
    attempts: Attempts,
    shop: Shop,
    of_victim: Requests,
    victim: Customer,
    attacker: Customer,
    orders_of_victim: list[str],
    route: Route,
) -> None:
    victims = orders_of_victim[0] if "order_id" in route.path else victim.user_id
    spellings = (
        victims.upper(),
        f"{victims}%00",
        f"{victims}%20",
        f"%20{victims}",
        f"{victims}%0d%0a",
        f"me%2F..%2F{victims}",
        f"..%2F{victims}",
        f"%2e%2e%2f{victims}",
        f"%252e%252e%252f{victims}",
        f"{attacker.user_id},{victims}",
        f"{attacker.user_id}%23{victims}",
        f"{victims};{attacker.user_id}",
        f"{victims}%3Fcustomer_id={attacker.user_id}",
        f"{victims[:-1]}%25",
        "*",
        "%2A",
        "me%00",
    )
    for spelling in attempts.some(spellings, short=3):
        path = of_victim.path(route).replace(victims, spelling)
        answer = of_victim.send(route, attacker.token, path=path)
        attempts.check(
            f"{route} by the id {spelling}",
            held=answer.status_code < 500 and victim.email not in answer.text and "Ada" not in answer.text,
            seen=f"{answer.status_code} {answer.text}",
        )


def test_no_list_shows_what_is_anothers(
    attempts: Attempts,
    shop: Shop,
    victim: Customer,
    attacker: Customer,
    orders_of_victim: list[str],
) -> None:
    mine = {"token": attacker.token}
    for query in ({"customer_id": victim.user_id}, {"customer_id": [attacker.user_id, victim.user_id]}):
        answer = shop.request("GET", "/orders", **mine, params=query)
        attempts.check(f"the orders by {query}", held=not _names(answer, orders_of_victim), seen=answer.text)
    first = shop.request("GET", "/orders", token=victim.token, params={"limit": 1}).json()
    stolen = shop.request("GET", "/orders", **mine, params={"cursor": first["next"]})
    attempts.refused("the cursor of another's list", stolen, 400)
    own = shop.place(attacker, {TEA: 1})
    shop.settled(attacker, own.json()["order_id"])
    position = _read(first["next"])
    for forged in (
        {**position, "list": position["list"][::-1]},
        {**position, "pk": victim.user_id},
        {**position, "customer_id": victim.user_id},
        {**position, "pk": orders_of_victim[0], "placed_at": "9999-12-31T23:59:59.999Z"},
        {"pk": "", "placed_at": "", "list": ""},
    ):
        answer = shop.request("GET", "/orders", **mine, params={"cursor": _written(forged)})
        attempts.refused(f"the cursor {forged}", answer, 400)


def test_a_cursor_made_for_the_own_list_shows_the_own_orders_alone(
    attempts: Attempts, shop: Shop, attacker: Customer, orders_of_victim: list[str]
) -> None:
    for _ in range(2):
        shop.place(attacker, {TEA: 1}).raise_for_status()
    page = shop.request("GET", "/orders", token=attacker.token, params={"limit": 1}).json()
    # The attacker knows how a cursor is made, and puts another's order into one of their own.
    position = _read(page["next"]) | {"pk": orders_of_victim[0]}
    answer = shop.request("GET", "/orders", token=attacker.token, params={"cursor": _written(position)})
    attempts.check(
        "another's order in an own cursor", held=not _names(answer, orders_of_victim), seen=answer.text
    )


def test_the_key_of_anothers_order_makes_an_order_of_ones_own(
    attempts: Attempts, shop: Shop, victim: Customer, attacker: Customer
) -> None:
    key = str(uuid4())
    theirs = shop.place(victim, {TEA: 1}, key=key)
    mine = shop.place(attacker, {TEA: 1}, key=key)
    attempts.check(
        "the idempotency key of another's order",
        held=mine.status_code == 201
        and mine.headers["Idempotent-Replayed"] == "false"
        and mine.json()["order_id"] != theirs.json()["order_id"],
        seen=mine.text,
    )


def test_the_headers_of_a_proxy_make_nobody_another(
    attempts: Attempts, shop: Shop, victim: Customer, attacker: Customer, of_victim: Requests
) -> None:
    names = (
        *("X-User-Id", "X-Customer-Id", "X-Forwarded-User", "X-Remote-User", "X-Amzn-Oidc-Identity"),
        *("X-Cognito-Sub", "X-Original-User", "X-Authenticated-User", "Sub", "Cognito-Sub", "X-Principal-Id"),
    )
    for name in attempts.some(names, short=3):
        answer = shop.request("GET", "/users/me", token=attacker.token, headers={name: victim.user_id})
        held = answer.json().get("user_id") == attacker.user_id
        attempts.check(f"the profile by the header {name}", held=held, seen=answer.text)
    for name in ("X-Groups", "X-User-Groups", "X-Cognito-Groups", "Cognito-Groups", "X-Role", "X-Admin"):
        answer = shop.request("GET", "/users", token=attacker.token, headers={name: "admin"})
        attempts.refused(f"the users by the header {name}", answer, 403)
    for name in ("X-Original-URL", "X-Rewrite-URL", "X-Forwarded-Path", "X-Forwarded-Uri"):
        answer = shop.request("GET", "/health", headers={name: f"/users/{victim.user_id}"})
        attempts.check(f"another's profile by {name}", held=victim.email not in answer.text, seen=answer.text)
    for name in ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"):
        for route in attempts.some(OWNED, short=1):
            answer = of_victim.send(route, attacker.token, headers={name: "DELETE"})
            attempts.refused(f"{route} with {name}", answer, 404)


@pytest.mark.parametrize("route", ABOUT_THE_CALLER, ids=str)
def test_nobody_else_reads_what_an_id_in_the_query_names(
    attempts: Attempts, of_victim: Requests, attacker: Customer, victim: Customer, route: Route
) -> None:
    for name in attempts.some(("user_id", "customer_id", "sub", "id", "owner", "email", "as"), short=2):
        answer = of_victim.send(route, attacker.token, params={name: victim.user_id})
        attempts.check(f"{route} with {name}", held=victim.email not in answer.text, seen=answer.text)


def test_no_stored_file_is_public(attempts: Attempts, stack: Stack) -> None:
    make: Any = boto3.client
    nobody = make(
        "s3",
        region_name=stack.region,
        endpoint_url=stack.endpoint or None,
        config=Config(signature_version=UNSIGNED),
    )
    for name, bucket in stack.resources.items():
        if not name.endswith("Bucket"):
            continue
        found = stack.client("s3").list_objects_v2(Bucket=bucket, MaxKeys=2).get("Contents", [])
        for operation, key in (
            ("list_objects_v2", None),
            ("get_bucket_policy", None),
            *(("get_object", entry["Key"]) for entry in found),
            ("put_object", "attack"),
            ("delete_object", "attack"),
        ):
            given = {"Bucket": bucket} | ({"Key": key} if key else {})
            url = nobody.generate_presigned_url(operation, Params=given)
            method = {"put_object": "PUT", "delete_object": "DELETE"}.get(operation, "GET")
            attempts.refused(f"{operation} in {name}", requests.request(method, url, timeout=30), 403)


def _seen_by(shop: Shop, person: Customer) -> list[Any]:
    """The person's profile and orders. It leaves out what goes on by itself."""
    profile = shop.request("GET", "/users/me", token=person.token).json()
    orders = shop.request("GET", "/orders", token=person.token).json()["orders"]
    return [profile, [(order["order_id"], order["status"] == "cancelled") for order in orders]]


def _said(answer: requests.Response) -> tuple[int, dict[str, Any]]:
    said = answer.json() if answer.content else {}
    return answer.status_code, {name: said[name] for name in said.keys() - _OWN_TO_AN_ANSWER}


def _names(answer: requests.Response, order_ids: list[str]) -> bool:
    return any(order_id in answer.text for order_id in order_ids)


def _read(cursor: str) -> dict[str, str]:
    read: dict[str, str] = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    return read


def _written(position: dict[str, str]) -> str:
    return base64.urlsafe_b64encode(json.dumps(position).encode()).decode().rstrip("=")

"""Fields that a client must not set: every field of every schema of the document, in every object of every body."""

from typing import Any

import pytest

from tests.attacks.attempts import Attempts
from tests.attacks.requests_of_routes import Requests, changed, objects_in, parameters
from tests.routes import Route, document, routes
from tests.system.products import TEA
from tools.shop.client import Customer, Shop

TAKING_A_BODY = [route for route in routes() if "requestBody" in route.operation]
READ_BY_CUSTOMERS = [route for route in routes("signed-in", "owner") if route.method == "GET"]
_MONEY = {"amount": 1, "currency": "EUR"}
# What no document names, and what carelessly stored objects take.
_UNNAMED: dict[str, Any] = {
    "role": "admin",
    "is_admin": True,
    "groups": ["admin"],
    "cognito:groups": ["admin"],
    "custom:role": "admin",
    "email_verified": True,
    "price": _MONEY,
    "unit_price": _MONEY,
    "total": _MONEY,
    "discount": _MONEY,
    "tax": {"amount": 0, "currency": "EUR"},
    "owner": "attacker",
    "customer_id": "attacker",
    "sub": "attacker",
    "pk": "attacker",
    "sk": "attacker",
    "version": 999,
    "status": "confirmed",
    "outbox": [],
    "expires_at": 1,
    "__class__": "admin",
    "__proto__": {"role": "admin"},
    "constructor": {"prototype": {"role": "admin"}},
}


def _fields() -> dict[str, Any]:
    """A value for each field of the document's schemas, and for fields that it names nowhere."""
    schemas = document()["components"]["schemas"].values()
    named = {name for schema in schemas for name in schema.get("properties", {})}
    return dict.fromkeys(sorted(named), "attack") | _UNNAMED


def _caller(route: Route, attacker: Customer, admin: Customer) -> Customer:
    return admin if route.access == "admin" else attacker


@pytest.mark.parametrize("route", TAKING_A_BODY, ids=str)
def test_a_body_takes_no_field_that_it_does_not_name(
    attempts: Attempts, shop: Shop, attacker: Customer, admin: Customer, route: Route
) -> None:
    caller = _caller(route, attacker, admin)
    sender = Requests(shop, {"sku": TEA, "user_id": attacker.user_id})
    body, before = sender.body(route), _state(shop, attacker, admin)
    cases = [
        (place, name, value)
        for place in objects_in(body)
        for name, value in _fields().items()
        if name not in _named_at(route, body, place)
    ]
    for place, name, value in attempts.some(cases, short=4):
        # A fresh body, since some name an address.
        extended = changed(sender.body(route), (*place, name), value)
        answer = sender.send(route, caller.token, json=extended)
        attempts.refused(f"{route} with {'/'.join(map(str, (*place, name)))}", answer, 400, 422)
    attempts.check(f"{route} changed something", held=_state(shop, attacker, admin) == before)


@pytest.mark.parametrize("route", READ_BY_CUSTOMERS, ids=str)
def test_a_query_sets_nothing(
    attempts: Attempts, shop: Shop, attacker: Customer, admin: Customer, route: Route
) -> None:
    sender = Requests(shop, {"user_id": attacker.user_id})
    before = _state(shop, attacker, admin)
    for name, value in attempts.some(_UNNAMED.items(), short=2):
        if name in {parameter["name"] for parameter in parameters(route, "query")}:
            continue
        answer = sender.send(route, attacker.token, params={name: str(value)})
        attempts.check(f"{route}?{name}", held=answer.status_code < 500, seen=answer.text)
    attempts.check(f"{route} changed something", held=_state(shop, attacker, admin) == before)


def test_a_customer_becomes_no_admin_and_no_other(attempts: Attempts, shop: Shop, attacker: Customer) -> None:
    profile = shop.request("GET", "/users/me", token=attacker.token).json()
    export = shop.request("GET", "/users/me/export", token=attacker.token).json()
    attempts.check("the attacker's id", held=profile["user_id"] == attacker.user_id, seen=profile)
    attempts.check("the attacker's address", held=profile["email"] == attacker.email, seen=profile)
    attempts.check("the attacker's groups", held=export["sign_in"]["groups"] == ["customer"], seen=export)
    attempts.refused(
        "the attacker among the admins", shop.request("GET", "/users", token=attacker.token), 403
    )


def test_an_order_costs_what_the_shop_says(attempts: Attempts, shop: Shop, attacker: Customer) -> None:
    listed = shop.request("GET", f"/products/{TEA}").json()["price"]["amount"]
    order = shop.place(attacker, {TEA: 3})
    lines = order.json()["lines"]
    attempts.check("the price of a line", held=[line["unit_price"]["amount"] for line in lines] == [listed])
    attempts.check("the total", held=order.json()["total"]["amount"] >= 3 * listed, seen=order.text)


def _named_at(route: Route, body: Any, place: tuple[str | int, ...]) -> set[str]:
    """The fields that the document names for the object at this place, by its example and the body's schema."""
    inner: Any = body
    for step in place:
        inner = inner[step]
    named = set(inner)
    reference = route.operation["requestBody"]["content"]["application/json"]["schema"]
    if not place:
        named |= _properties(reference)
    elif place[-1] == "shipping_address":
        named |= _properties({"$ref": "#/components/schemas/AddressRequest"})
    return named


def _properties(schema: dict[str, Any]) -> set[str]:
    if "$ref" in schema:
        return _properties(document()["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
    parts = [*schema.get("oneOf", []), *schema.get("anyOf", [])]
    return set(schema.get("properties", {})).union(*(_properties(part) for part in parts))


def _state(shop: Shop, attacker: Customer, admin: Customer) -> list[Any]:
    """Everything that the bodies of the routes could change for the better of the attacker."""
    profile = shop.request("GET", "/users/me", token=attacker.token).json()
    orders = shop.request("GET", "/orders", token=attacker.token).json()["orders"]
    product = shop.request("GET", f"/products/{TEA}").json()
    stock = shop.request("GET", f"/inventory/{TEA}", token=admin.token).json()
    jobs = shop.request("GET", "/jobs", token=admin.token).json()["jobs"]
    return [
        {name: profile[name] for name in ("user_id", "email", "name", "locale")},
        sorted(order["order_id"] for order in orders),
        product,
        stock["low_stock_threshold"],
        [job["job_id"] for job in jobs],
    ]

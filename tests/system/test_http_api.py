"""What holds for the API as a whole, over HTTP on the deployed stack: CORS, problems, correlation ids, bad bodies."""

from typing import Any
from uuid import uuid4

import pytest

from shared.api import SECURITY_HEADERS
from tests.system.clean_up import KIND
from tests.system.orders import order_body
from tests.system.products import TEA
from tools.shop.client import PASSWORD, Customer, Shop, address, made_up_address, made_up_name
from tools.stack import Stack


def test_anyone_may_browse_the_catalogue(shop: Shop) -> None:
    first = shop.request("GET", "/products", params={"limit": 20}).json()
    second = shop.request("GET", "/products", params={"limit": 20, "cursor": first["next"]}).json()

    skus = [product["sku"] for product in first["products"] + second["products"]]
    assert len(skus) >= 20
    assert len(set(skus)) == len(skus)


def test_anyone_may_read_a_product_and_an_unknown_one_is_a_problem(shop: Shop) -> None:
    known, unknown = shop.request("GET", f"/products/{TEA}"), shop.request("GET", "/products/NO-SUCH-TEA")

    assert known.json()["price"] == {"amount": 790, "currency": "EUR"}
    assert unknown.status_code == 404
    assert unknown.headers["Content-Type"] == "application/problem+json"


def test_a_sign_up_makes_a_profile_and_a_second_one_with_the_address_is_refused(
    shop: Shop, customer: Customer
) -> None:
    profile = shop.request("GET", "/users/me", token=customer.token).json()
    again = shop.request(
        "POST", "/users", json={"email": customer.email, "password": "Another-horse-8", "name": "Someone"}
    )

    assert (profile["user_id"], profile["email"]) == (customer.user_id, customer.email)
    assert again.status_code == 409


def test_whoever_signed_up_elsewhere_gets_a_profile_when_they_first_ask(stack: Stack, shop: Shop) -> None:
    email = made_up_address(KIND, "Elsewhere")
    cognito = stack.client("cognito-idp")
    signed_up = cognito.sign_up(
        ClientId=stack.resource("UserPoolClient"),
        Username=email,
        Password=PASSWORD,
        UserAttributes=[{"Name": "email", "Value": email}],
    )
    cognito.admin_confirm_sign_up(UserPoolId=stack.resource("UserPool"), Username=email)

    profile = shop.request("GET", "/users/me", token=shop.token_of(email))

    assert profile.status_code == 200
    assert (profile.json()["user_id"], profile.json()["email"]) == (signed_up["UserSub"], email)


def test_an_order_is_its_customers_alone(shop: Shop, customer: Customer) -> None:
    other = shop.sign_up("Mallory Example")
    order_id = shop.place(customer, {TEA: 1}).json()["order_id"]

    assert shop.request("GET", f"/orders/{order_id}", token=customer.token).status_code == 200
    assert shop.request("GET", f"/orders/{order_id}", token=other.token).status_code == 404
    assert shop.request("GET", "/orders", token=other.token).json()["orders"] == []


def test_own_orders_are_listed_newest_first_by_page(shop: Shop) -> None:
    buyer = shop.sign_up("Pager Example")
    placed = [shop.place(buyer, {TEA: 1}).json()["order_id"] for _ in range(3)]

    first = shop.request("GET", "/orders", token=buyer.token, params={"limit": 2}).json()
    second = shop.request(
        "GET", "/orders", token=buyer.token, params={"limit": 2, "cursor": first["next"]}
    ).json()

    listed = [order["order_id"] for order in first["orders"] + second["orders"]]
    assert listed == placed[::-1]
    assert second["next"] is None


def test_the_same_key_gives_the_same_order_and_another_body_under_it_is_refused(
    shop: Shop, customer: Customer
) -> None:
    key = str(uuid4())
    first, again = (shop.place(customer, {TEA: 1}, key=key) for _ in range(2))
    other = shop.place(customer, {TEA: 2}, key=key)

    assert again.status_code == first.status_code == 201
    assert again.json()["order_id"] == first.json()["order_id"]
    assert again.headers["Idempotent-Replayed"] == "true"
    assert other.status_code == 422
    assert other.json()["type"].endswith("/idempotency-key-reused")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"lines": [{"sku": "NO-SUCH-TEA", "quantity": 1}]}, "/body/lines/0/sku"),
        ({"lines": [{"sku": TEA, "quantity": 0}]}, "/body/lines/0/quantity"),
        ({"lines": [{"sku": TEA, "quantity": 1.5}]}, "/body/lines/0/quantity"),
        ({"lines": [{"sku": TEA, "quantity": "2"}]}, "/body/lines/0/quantity"),
        ({"lines": []}, "/body/lines"),
        ({"lines": [{"sku": TEA, "quantity": 1}] * 2}, "/body/lines/1/sku"),
        ({"payment_token": ""}, "/body/payment_token"),
        ({"price": 1}, "/body/price"),
        ({"shipping_address": {**address(), "country": "Germany"}}, "/body/shipping_address/country"),
    ],
)
def test_bad_input_is_a_problem_that_names_the_field(
    shop: Shop, customer: Customer, changes: dict[str, Any], field: str
) -> None:
    answer = shop.request(
        "POST",
        "/orders",
        token=customer.token,
        headers={"Idempotency-Key": str(uuid4())},
        json=order_body(**changes),
    )

    assert answer.status_code == 422
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert field in [error["pointer"] for error in answer.json()["errors"]]


@pytest.mark.parametrize("body", ["{", "", "[]", "null", '"text"', "\x00"])
def test_a_body_that_is_no_order_is_a_4xx(shop: Shop, customer: Customer, body: str) -> None:
    answer = shop.request(
        "POST",
        "/orders",
        token=customer.token,
        headers={"Idempotency-Key": str(uuid4()), "Content-Type": "application/json"},
        data=body,
    )

    assert 400 <= answer.status_code < 500
    assert answer.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("content_type", "encoding", "status"),
    [
        ("Application/JSON; Charset=UTF-8", "utf-8", 200),
        ("application/json", "latin-1", 400),
        ("application/json; charset=iso-8859-1", "latin-1", 415),
        ("text/plain", "utf-8", 415),
    ],
)
def test_a_body_is_json_in_utf_8_and_never_stored_damaged(
    shop: Shop, content_type: str, encoding: str, status: int
) -> None:
    plain, new = shop.sign_up("Plain Example"), made_up_name("Renéä Example")
    body = f'{{"name": "{new}", "locale": "en"}}'.encode(encoding)
    headers = {"Content-Type": content_type}
    answer = shop.request("PUT", "/users/me", token=plain.token, headers=headers, data=body)

    assert answer.status_code == status
    name = shop.request("GET", "/users/me", token=plain.token).json()["name"]
    assert name == (new if status == 200 else plain.name)


def test_an_order_without_an_idempotency_key_is_refused(shop: Shop, customer: Customer) -> None:
    answer = shop.request("POST", "/orders", token=customer.token, json=order_body())

    assert answer.status_code == 422
    assert "idempotency-key" in answer.text.lower()


def test_a_correlation_id_comes_back_with_answers_and_errors(shop: Shop, customer: Customer) -> None:
    headers = {"X-Correlation-Id": "my-correlation-id-1"}
    found = shop.request("GET", "/orders", token=customer.token, headers=headers)
    missing = shop.request("GET", "/orders/none", token=customer.token, headers=headers)

    assert found.headers["X-Correlation-Id"] == missing.headers["X-Correlation-Id"] == "my-correlation-id-1"


def test_a_mail_address_as_correlation_id_is_replaced(shop: Shop, customer: Customer) -> None:
    answer = shop.request(
        "GET", "/orders", token=customer.token, headers={"X-Correlation-Id": "ada.lovelace@example.com"}
    )
    assert answer.status_code == 200
    assert "@" not in answer.headers["X-Correlation-Id"]


ORIGIN = "https://shop.example"


@pytest.mark.parametrize(
    ("path", "method"),
    [("/products", "GET"), ("/orders", "POST"), ("/orders/ord_1", "GET"), ("/users/me", "PUT")],
)
def test_a_browsers_preflight_is_answered(shop: Shop, path: str, method: str) -> None:
    asked = {
        "Origin": ORIGIN,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": "authorization,idempotency-key,if-match",
    }
    answer = shop.request("OPTIONS", path, headers=asked)

    allowed = answer.headers["Access-Control-Allow-Headers"].lower().split(",")
    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] in {"*", ORIGIN}
    assert method in answer.headers["Access-Control-Allow-Methods"].split(",")
    assert {"authorization", "idempotency-key", "if-match", "content-type"} <= set(allowed)
    assert answer.headers.items() >= SECURITY_HEADERS.items()


@pytest.mark.parametrize(
    ("method", "path", "status", "stored"),
    [
        ("GET", "/users/me", 200, "no-store"),
        ("HEAD", "/users/me", 200, "no-store"),
        ("GET", "/orders/none", 404, "no-store"),
        ("PATCH", "/orders", 405, "no-store"),
        ("GET", "/products", 200, "public, max-age=30"),
        ("GET", "/docs", 200, "public, max-age=60"),
    ],
)
def test_an_answer_says_who_may_store_it_and_has_the_headers_of_security(
    shop: Shop, customer: Customer, method: str, path: str, status: int, stored: str
) -> None:
    answer = shop.request(method, path, token=customer.token)
    assert (answer.status_code, answer.headers["Cache-Control"]) == (status, stored)
    assert answer.headers.items() >= SECURITY_HEADERS.items()


def test_an_answer_of_api_gateways_own_has_them_too(shop: Shop) -> None:
    answer = shop.request("GET", "/users/me", token="no-token")
    assert (answer.status_code, answer.headers["Cache-Control"]) == (401, "no-store")
    assert answer.headers.items() >= SECURITY_HEADERS.items()


@pytest.mark.parametrize(
    ("path", "status"),
    [("/products", 200), ("/products/NO-SUCH-TEA", 404), ("/users/me", 401), ("/nowhere", 404)],
)
def test_a_browser_may_read_every_answer(shop: Shop, path: str, status: int) -> None:
    answer = shop.request("GET", path, headers={"Origin": ORIGIN})

    assert answer.status_code == status
    assert answer.headers["Access-Control-Allow-Origin"] in {"*", ORIGIN}

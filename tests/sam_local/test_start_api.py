"""Every route of the template under `sam local start-api`, with the embedded cloud's tables behind it."""

import json
from uuid import uuid4

import pytest
import requests

from tests.template import Route, functions
from tools.cloud.sam_local.emulator import VARIABLES
from tools.shop.client import Shop
from tools.stack import Stack

SKU = "TEA-ASSAM-100"
_WITH_BODY = {"POST", "PUT", "PATCH"}

FUNCTIONS = {function.name: function for function in functions()}
# A preflight is answered by API Gateway itself, not by a function.
ROUTES = [route for function in FUNCTIONS.values() for route in function.routes if route.method != "OPTIONS"]


def call(api: str, route: Route, *, token: str | None = None) -> requests.Response:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    body: dict[str, str] | None = {} if route.method in _WITH_BODY else None
    return requests.request(route.method, api + route.url(sku=SKU), json=body, headers=headers, timeout=60)


def assert_problem(answer: requests.Response, status: int) -> None:
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["status"] == status
    assert answer.headers["X-Correlation-Id"]


@pytest.mark.parametrize("route", [route for route in ROUTES if route.needs_token], ids=str)
def test_a_route_that_needs_a_token_answers_401(local_api: str, route: Route) -> None:
    assert_problem(call(local_api, route), 401)


@pytest.mark.parametrize("route", [route for route in ROUTES if not route.needs_token], ids=str)
def test_an_open_route_answers_as_it_documents(local_api: str, route: Route) -> None:
    answer = call(local_api, route)

    assert answer.status_code < 500, answer.text
    if not route.is_public:
        # The sandbox wants the secret key, which this caller has not; its errors are shaped as Stripe's.
        assert answer.status_code == 401, answer.text
        assert answer.json()["error"]["type"] == "invalid_request_error"
        return
    assert answer.headers["X-Correlation-Id"]
    variables = json.loads(VARIABLES.read_text())[route.function]
    documented = FUNCTIONS[route.function].documented(variables)
    assert answer.status_code in documented.get((route.method, route.path), {answer.status_code})
    if answer.status_code >= 400 and route.method != "HEAD":
        assert_problem(answer, answer.status_code)


def test_a_valid_token_changes_nothing_since_nobody_checks_it(local_api: str, stack: Stack) -> None:
    customer = Shop(stack).sign_up("Local Example")
    route = next(route for route in ROUTES if route.needs_token and route.method == "GET")

    assert_problem(call(local_api, route, token=customer.token), 401)


def test_the_catalogue_is_that_of_the_embedded_cloud(local_api: str, stack: Stack) -> None:
    local = requests.get(f"{local_api}/products/{SKU}", timeout=60)
    deployed = requests.get(f"{stack.api_url}/products/{SKU}", timeout=60)

    assert local.status_code == 200
    assert local.json() == deployed.json()


def test_who_signs_up_locally_has_an_account_in_the_embedded_cloud(local_api: str, stack: Stack) -> None:
    email = f"local.{uuid4().hex[:8]}@example.com"
    body = {"email": email, "password": "Correct-horse-7-battery", "name": "Local Example"}

    answer = requests.post(f"{local_api}/users", json=body, timeout=60)

    assert answer.status_code == 201, answer.text
    account = stack.client("cognito-idp").admin_get_user(
        UserPoolId=stack.resource("UserPool"), Username=email
    )
    attributes = {attribute["Name"]: attribute["Value"] for attribute in account["UserAttributes"]}
    assert attributes["sub"] == answer.json()["user_id"]

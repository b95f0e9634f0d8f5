"""Every route of the API's document against every kind of caller: docs/authorization.md says what is answered."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from tests.routes import GUARDED_ACCESSES, Route, routes
from tests.system import tokens
from tests.system.clean_up import KIND
from tests.system.orders import order_body
from tests.system.products import TEA
from tests.template import functions
from tools.services import camel
from tools.shop.client import PASSWORD, Customer, Session, Shop, made_up_address, made_up_name
from tools.stack import Stack
from tools.waiting import wait_for

GUARDED = routes(*GUARDED_ACCESSES)


@pytest.fixture(scope="module")
def owner(shop: Shop) -> Customer:
    """Whoever the things belong to that the routes name."""
    return shop.sign_up("Owner Example")


@pytest.fixture(scope="module")
def stranger(shop: Shop) -> Customer:
    """Another customer."""
    return shop.sign_up("Stranger Example")


class Places(dict[str, str]):
    """What stands for the placeholders in the routes' paths: things that exist and are the owner's.

    For a placeholder without a value, the owner creates a thing by its collection's POST, with the example of that.
    """

    def __init__(self, shop: Shop, owner: Customer, known: dict[str, str]) -> None:
        super().__init__(known)
        self._shop, self._owner = shop, owner

    def __missing__(self, name: str) -> str:
        self[name] = self._created(name)
        return self[name]

    def _created(self, name: str) -> str:
        add = f"Add a value for {name!r} to `places` in tests/system/test_authorization.py."
        route = next(route for route in routes() if route.path.endswith(f"/{{{name}}}"))
        collection = route.path.removesuffix(f"/{{{name}}}")
        creation = next((it for it in routes("customer") if str(it) == f"POST {collection}"), None)
        if creation is None or "{" in collection:
            pytest.fail(f"{route}: nothing stands for {{{name}}}. {add}", pytrace=False)
        answer = self._shop.request(
            "POST",
            collection,
            token=self._owner.token,
            headers={"Idempotency-Key": str(uuid4())},
            json=example_body(creation),
        )
        made = answer.json()
        if answer.status_code >= 300 or name not in made:
            pytest.fail(
                f"{route}: nothing stands for {{{name}}}. {creation} with its example answered "
                f"{answer.status_code}, and created none: {answer.text}\n{add}",
                pytrace=False,
            )
        return str(made[name])


@pytest.fixture(scope="module")
def places(shop: Shop, owner: Customer) -> Places:
    """The owner's things."""
    order_id = shop.place(owner, {TEA: 1}).json()["order_id"]
    shop.become(owner, order_id, "fulfilled", seconds=120)
    path = f"/orders/{order_id}/returns"
    wait_for(
        lambda: shop.request("GET", path, token=owner.token).status_code == 200,
        "a returnable order",
        seconds=60,
    )
    body = {"lines": [{"sku": TEA, "quantity": 1}], "reason": "other"}
    requested = shop.request(
        "POST", path, token=owner.token, json=body, headers={"Idempotency-Key": str(uuid4())}
    )
    return Places(
        shop,
        owner,
        {
            "order_id": order_id,
            "return_id": requested.json()["return_id"],
            "user_id": owner.user_id,
            "sku": TEA,
            "movement_id": "none",
            "job_id": "none",
            "upload_id": "none",
            "picture_id": "none",
            "rendition": "none",
            "asset": "page.js",
            "release": "current",
            "folder": "common",
            "name": "style.css",
            "queue": "OrdersErase",
        },
    )


@pytest.fixture(scope="module")
def call(shop: Shop, places: Places) -> Callable[..., int]:
    """The status that a route answers to a request that is complete but for its token."""

    def status(route: Route, token: str | None) -> int:
        headers = {"Idempotency-Key": str(uuid4()), "If-Match": '"999999"'}
        path = route.path.format_map(places)
        answer = shop.request(route.method, path, token=token, headers=headers, json=example_body(route))
        if answer.status_code >= 400:
            assert answer.headers["Content-Type"] == "application/problem+json"
            assert answer.headers["X-Correlation-Id"]
        return answer.status_code

    return status


# Bodies that the tests may send in place of the document's examples: of products that are sold, and of made-up people.
BODIES: dict[str, Any] = {
    "POST /orders": order_body(),
    "POST /users": {
        "email": made_up_address(KIND, "Ada"),
        "password": PASSWORD,
        "name": made_up_name("Ada"),
        "locale": "en",
    },
    "PUT /users/me": {"name": made_up_name("Somebody"), "locale": "en"},
    "PUT /users/{user_id}": {"name": made_up_name("Somebody"), "locale": "en"},
}


def example_body(route: Route) -> Any:
    """A complete body, so that nothing but the token (or the missing version) can be why a request is refused."""
    content = route.operation.get("requestBody", {}).get("content", {})
    return BODIES.get(str(route), content.get("application/json", {}).get("example"))


DEPLOYED = {str(route) for function in functions() for route in function.routes if route.is_public}


def check(
    route: Route, who: str, status: int, *, allowed: set[int] | None = None, not_allowed: Any = ()
) -> None:
    """Fails with what to change unless the status is one of `allowed`, or none of `not_allowed`."""
    if status in allowed if allowed is not None else status not in not_allowed:
        return
    wanted = f"{sorted(allowed)}" if allowed is not None else f"anything but {sorted(not_allowed)}"
    pytest.fail(
        f"{route} ({route.access}) answered {status} to {who}, and should answer {wanted}.\n{advice(route, status)}",
        pytrace=False,
    )


def advice(route: Route, status: int) -> str:
    """Where the reason for a wrong answer probably lies, and what to write there."""
    function = f"{camel(route.operation['tags'][0])}ApiFunction"
    event = f'Properties: {{RestApiId: !Ref Api, Path: "{route.path}", Method: {route.method}}}'
    if str(route) not in DEPLOYED:
        return (
            f"template.yaml does not have the route. Add to `Events` of {function}:\n  Type: Api\n  {event}"
        )
    if status == 404:
        return (
            "The route is deployed, so its thing was not found. Its placeholders stand for things in `places` of "
            "tests/system/test_authorization.py. Or `require_owner` in the route gets another id than the owner's."
        )
    if status in {401, 403}:
        return (
            f"A route that anyone may call needs `Auth: {{Authorizer: NONE}}` in its event of {function} in "
            "template.yaml. For any other, compare the `Access` in the route's `contract` with who should reach it."
        )
    return (
        f"`contract(Access...)` of the route lets them in, or {function} has `Auth: {{Authorizer: NONE}}` in its event "
        "in template.yaml. A route of an owner's thing calls `require_owner` before all else. Then run `make openapi`."
    )


@pytest.mark.parametrize("route", GUARDED, ids=str)
def test_without_a_token_a_guarded_route_answers_401(call: Callable[..., int], route: Route) -> None:
    check(route, "nobody", call(route, None), allowed={401})


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
    for name, token in bad_tokens.items():
        check(route, f"a bad token ({name})", call(route, token), allowed={401})


@tokens.lives_a_second
def test_an_expired_token_opens_no_guarded_route(
    call: Callable[..., int], stack: Stack, owner: Customer
) -> None:
    token = tokens.expired(stack, owner)
    for route in GUARDED:
        check(route, "an expired token", call(route, token), allowed={401})


@pytest.mark.parametrize("route", routes("admin"), ids=str)
def test_a_customers_token_opens_no_admin_route(
    call: Callable[..., int], stranger: Customer, route: Route
) -> None:
    check(route, "a customer", call(route, stranger.token), allowed={403})


@pytest.mark.parametrize("route", routes("customer", "admin"), ids=str)
def test_someone_outside_the_group_is_refused(
    call: Callable[..., int], outsider: Customer, route: Route
) -> None:
    check(route, "someone outside of all groups", call(route, outsider.token), allowed={403})


@pytest.mark.parametrize("route", routes("owner"), ids=str)
def test_what_is_anothers_does_not_exist(call: Callable[..., int], stranger: Customer, route: Route) -> None:
    check(route, "another customer", call(route, stranger.token), allowed={404})


# Whoever deletes the account that the other tests act for, does so on somebody else's.
@pytest.mark.parametrize("route", [route for route in routes("owner") if route.method != "DELETE"], ids=str)
def test_an_admin_reaches_what_is_anothers(call: Callable[..., int], admin: Customer, route: Route) -> None:
    check(route, "an admin", call(route, admin.token), not_allowed={401, 403, 404})


@pytest.mark.parametrize("route", routes("anyone"), ids=str)
def test_an_open_route_asks_for_no_token(call: Callable[..., int], route: Route) -> None:
    check(route, "nobody", call(route, None), not_allowed={401, 403})


@pytest.fixture(scope="module")
def outsider(shop: Shop, stack: Stack) -> Customer:
    """Someone who signed up and whom an operator took out of the group of customers."""
    person = shop.sign_up("Barred Example")
    stack.client("cognito-idp").admin_remove_user_from_group(
        UserPoolId=stack.resource("UserPool"), Username=person.email, GroupName="customer"
    )
    return Customer(person.user_id, person.email, person.name, Session(shop.token_of(person.email)))


@pytest.fixture(scope="module")
def admin(shop: Shop) -> Customer:
    """Someone who runs the shop."""
    return shop.admin()

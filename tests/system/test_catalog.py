"""The catalogue on the deployed stack: what anyone reads, what admins change, races for a version, and real uploads."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any
from uuid import uuid4

import pytest
import requests

from shared.dynamo import from_item
from tests.system.links import location
from tests.system.products import TEA
from tools.shop.client import Customer, Shop
from tools.stack import Stack
from tools.waiting import wait_for

type Introduce = Callable[..., dict[str, Any]]

PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)
TEN_MIB = 10 * 1024 * 1024

# Every route that is not for everyone, with a body that it takes.
GUARDED = {
    "POST /products": {"sku": "TEA-NONE", "name": "None", "description": "", "category": "tea"}
    | {"price": {"amount": 100, "currency": "EUR"}},
    "PUT /products/{tea}": {"name": "None", "description": "", "category": "tea", "active": False}
    | {"price": {"amount": 100, "currency": "EUR"}},
    "DELETE /products/{tea}": None,
    "POST /products/{tea}/picture-uploads": {"content_type": "image/png"},
}


@pytest.fixture(scope="module")
def admin(shop: Shop) -> Customer:
    """Someone who runs the shop."""
    return shop.admin()


@pytest.fixture
def introduce(shop: Shop, admin: Customer) -> Introduce:
    """Puts a new product on sale and returns it as its event carries it."""

    def add(**changes: Any) -> dict[str, Any]:
        answer = shop.request("POST", "/products", token=admin.token, json=new_product(**changes))
        assert answer.status_code == 201
        product: dict[str, Any] = answer.json()
        return product

    return add


def new_product(**changes: Any) -> dict[str, Any]:
    body = {
        "sku": f"TEST-{uuid4().hex[:12].upper()}",
        "name": "Test tea",
        "description": "Only\nfor tests.",
        "category": "pantry",
        "price": {"amount": 790, "currency": "EUR"},
        "active": True,
    }
    return body | changes


def change_of(product: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """The body that changes `product`."""
    return {name: value for name, value in product.items() if name not in {"sku", "pictures"}} | changes


def kind(answer: requests.Response) -> tuple[int, str]:
    """An answer's status and the end of its problem type."""
    assert answer.headers["Content-Type"] == "application/problem+json"
    return answer.status_code, answer.json()["type"].rpartition("/")[2]


def path_of(product: dict[str, Any]) -> str:
    return f"/products/{product['sku']}"


def listed(shop: Shop, category: str, limit: int = 100) -> list[str]:
    """The skus of a category, page after page."""
    skus: list[str] = []
    query: dict[str, Any] = {"category": category, "limit": limit}
    while True:
        page = shop.request("GET", "/products", params=query).json()
        skus += [product["sku"] for product in page["products"]]
        if page["next"] is None:
            return skus
        query["cursor"] = page["next"]


def test_a_product_is_added_read_changed_and_retired(shop: Shop, admin: Customer) -> None:
    body = new_product(name="  Lapsang  ")
    added = shop.request("POST", "/products", token=admin.token, json=body)
    assert added.status_code == 201
    assert added.json() == body | {"name": "Lapsang", "pictures": []}
    assert added.headers["ETag"] == '"1"'

    path = location(added)
    read = shop.request("GET", path)
    assert (read.json(), read.headers["ETag"]) == (added.json(), '"1"')
    assert read.headers["Cache-Control"] == "public, max-age=30"
    assert body["sku"] in listed(shop, "pantry")

    dearer = change_of(read.json(), price={"amount": 890, "currency": "EUR"})
    changed = shop.request(
        "PUT", path, token=admin.token, json=dearer, headers={"If-Match": read.headers["ETag"]}
    )
    assert (changed.status_code, changed.headers["ETag"]) == (200, '"2"')
    assert changed.json()["price"]["amount"] == 890

    retired = shop.request("DELETE", path, token=admin.token, headers={"If-Match": changed.headers["ETag"]})
    assert (retired.status_code, retired.text, retired.headers["ETag"]) == (204, "", '"3"')
    assert shop.request("GET", path).json()["active"] is False
    assert body["sku"] not in listed(shop, "pantry")

    again = shop.request("DELETE", path, token=admin.token, headers={"If-Match": '"3"'})
    assert (again.status_code, again.headers["ETag"]) == (204, '"3"')


def test_a_change_reaches_the_prices_that_orders_are_placed_at(
    stack: Stack, shop: Shop, admin: Customer, introduce: Introduce
) -> None:
    product = introduce()

    def known() -> tuple[int, bool, int] | None:
        answer = stack.client("dynamodb").get_item(
            TableName=stack.resource("OrdersPricesTable"), Key={"pk": {"S": product["sku"]}}
        )
        price = from_item(answer.get("Item", {}))
        return (price["price"]["amount"], price["active"], price["version"]) if price else None

    wait_for(lambda: known() == (790, True, 1), "the first price to arrive", seconds=30)
    body = change_of(product, price={"amount": 500, "currency": "EUR"})
    shop.request("PUT", path_of(product), token=admin.token, json=body, headers={"If-Match": '"1"'})
    wait_for(lambda: known() == (500, True, 2), "the second price to arrive", seconds=30)
    shop.request("DELETE", path_of(product), token=admin.token, headers={"If-Match": '"2"'})
    wait_for(lambda: known() == (500, False, 3), "the end of the sale to arrive", seconds=30)


def test_a_read_with_the_latest_version_answers_not_modified(
    shop: Shop, admin: Customer, introduce: Introduce
) -> None:
    path = path_of(introduce())
    known = shop.request("GET", path, headers={"If-None-Match": '"1"'})
    assert (known.status_code, known.text, known.headers["ETag"]) == (304, "", '"1"')
    shop.request("DELETE", path, token=admin.token, headers={"If-Match": '"1"'})
    assert shop.request("GET", path, headers={"If-None-Match": '"1"'}).status_code == 200


def test_pages_go_on_where_they_ended_though_products_come_between(shop: Shop, introduce: Introduce) -> None:
    # Names that stand together on the shelf, and alone: no other test's products start so.
    prefix = uuid4().hex
    skus = {letter: introduce(name=f"{prefix} {letter}", category="gifts")["sku"] for letter in "bdf"}
    query: dict[str, Any] = {"category": "gifts", "limit": 1}
    found: list[str] = []
    while skus["d"] not in found:
        page = shop.request("GET", "/products", params=query).json()
        found += [product["sku"] for product in page["products"]]
        query["cursor"] = page["next"]
    skus |= {letter: introduce(name=f"{prefix} {letter}", category="gifts")["sku"] for letter in "ace"}
    page = shop.request("GET", "/products", params=query | {"limit": 2}).json()
    assert [product["sku"] for product in page["products"]] == [skus["e"], skus["f"]]
    assert [sku for sku in found if sku in skus.values()] == [skus["b"], skus["d"]]


@pytest.mark.parametrize("route", GUARDED)
@pytest.mark.parametrize("token", [None, "not-a-token", "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0."])
def test_without_a_valid_token_nothing_can_be_changed(shop: Shop, route: str, token: str | None) -> None:
    method, path = route.format(tea=TEA).split()
    answer = shop.request(method, path, token=token, json=GUARDED[route], headers={"If-Match": '"1"'})
    assert kind(answer) == (401, "unauthorized")


@pytest.mark.parametrize("route", GUARDED)
def test_a_customer_can_change_nothing(shop: Shop, customer: Customer, route: str) -> None:
    method, path = route.format(tea=TEA).split()
    answer = shop.request(
        method, path, token=customer.token, json=GUARDED[route], headers={"If-Match": '"1"'}
    )
    assert kind(answer) == (403, "forbidden")
    assert shop.request("GET", f"/products/{TEA}").json()["active"] is True
    assert shop.request("GET", "/products/TEA-NONE").status_code == 404


def test_a_sku_is_taken_once(shop: Shop, admin: Customer, introduce: Introduce) -> None:
    product = introduce()
    for name in (product["name"], "Another"):
        body = change_of(product, sku=product["sku"], name=name)
        answer = shop.request("POST", "/products", token=admin.token, json=body)
        assert kind(answer) == (409, "sku-taken")
    assert shop.request("GET", path_of(product)).json() == product


@pytest.mark.parametrize(
    ("if_match", "expected"),
    [
        (None, (428, "precondition-required")),
        ('"2"', (412, "precondition-failed")),
        ("*", (412, "precondition-failed")),
        ("x" * 101, (422, "invalid-request")),
    ],
)
def test_a_change_names_the_version_it_is_based_on(
    shop: Shop, admin: Customer, introduce: Introduce, if_match: str | None, expected: tuple[int, str]
) -> None:
    product = introduce()
    headers = {"If-Match": if_match} if if_match else {}
    for method, body in (("PUT", change_of(product, active=False)), ("DELETE", None)):
        answer = shop.request(method, path_of(product), token=admin.token, json=body, headers=headers)
        assert kind(answer) == expected
    assert shop.request("GET", path_of(product)).json() == product


@pytest.mark.parametrize("sku", ["TEST-NEVER-SOLD", "no%20sku", "x" * 300])
def test_a_product_that_is_not_there_is_not_found(shop: Shop, admin: Customer, sku: str) -> None:
    requests_of = {"GET": None, "PUT": change_of(new_product()), "DELETE": None}
    for method, body in requests_of.items():
        headers = {"If-Match": '"1"'}
        answer = shop.request(method, f"/products/{sku}", token=admin.token, json=body, headers=headers)
        assert kind(answer) == (404, "not-found")
    answer = shop.request(
        "POST",
        f"/products/{sku}/picture-uploads",
        token=admin.token,
        json={"content_type": "image/png"},
    )
    assert kind(answer) == (404, "not-found")


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"name": "two\nlines"}, "/body/name"),
        ({"name": " "}, "/body/name"),
        ({"description": "x" * 2001}, "/body/description"),
        ({"category": "garden"}, "/body/category"),
        ({"price": {"amount": 0, "currency": "EUR"}}, "/body/price/amount"),
        ({"price": {"amount": 1_000_000_001, "currency": "EUR"}}, "/body/price/amount"),
        ({"price": {"amount": 10**45, "currency": "EUR"}}, "/body/price/amount"),
        ({"price": {"amount": 790, "currency": "euro"}}, "/body/price/currency"),
        ({"active": "yes"}, "/body/active"),
        ({"colour": "red"}, "/body/colour"),
    ],
)
def test_what_could_not_be_sold_is_refused_and_named(
    shop: Shop, admin: Customer, introduce: Introduce, changes: dict[str, Any], pointer: str
) -> None:
    product = introduce()
    answers = [
        shop.request("POST", "/products", token=admin.token, json=new_product(**changes)),
        shop.request(
            "PUT",
            path_of(product),
            token=admin.token,
            json=change_of(product, **changes),
            headers={"If-Match": '"1"'},
        ),
    ]
    for answer in answers:
        assert kind(answer) == (422, "invalid-request")
        assert pointer in [error["pointer"] for error in answer.json()["errors"]]


@pytest.mark.parametrize(
    ("content", "content_type", "expected"),
    [
        ("{", "application/json", (400, "malformed-json")),
        ("name=x", "application/x-www-form-urlencoded", (415, "unsupported-media-type")),
        ("x" * (64 * 1024 + 1), "application/json", (413, "payload-too-large")),
    ],
)
def test_a_body_that_cannot_be_read_is_refused(
    shop: Shop, admin: Customer, content: str, content_type: str, expected: tuple[int, str]
) -> None:
    answer = shop.request(
        "POST", "/products", token=admin.token, data=content, headers={"Content-Type": content_type}
    )
    assert kind(answer) == expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"cursor": "rubbish"}, (400, "invalid-cursor")),
        ({"category": "garden"}, (422, "invalid-request")),
        ({"limit": "101"}, (422, "invalid-request")),
    ],
)
def test_a_list_that_cannot_be_had_is_refused(
    shop: Shop, query: dict[str, str], expected: tuple[int, str]
) -> None:
    assert kind(shop.request("GET", "/products", params=query)) == expected


def at_once[Result](clients: int, act: Callable[[int], Result]) -> list[Result]:
    """What `clients` get that all `act` in the same moment."""
    start = Barrier(clients)

    def run(number: int) -> Result:
        start.wait(timeout=10)
        return act(number)

    with ThreadPoolExecutor(clients) as pool:
        return list(pool.map(run, range(clients)))


def test_of_many_changes_to_one_version_exactly_one_wins(
    stack: Stack, shop: Shop, admin: Customer, introduce: Introduce
) -> None:
    # In the first round cold starts keep the clients apart; in the others all have read before the first one writes.
    for _ in range(5):
        product = introduce()

        def rename(number: int, product: dict[str, Any] = product) -> requests.Response:
            return Shop(stack).request(
                "PUT",
                path_of(product),
                token=admin.token,
                json=change_of(product, name=f"Name {number}"),
                headers={"If-Match": '"1"'},
            )

        answers = at_once(8, rename)
        assert Counter(answer.status_code for answer in answers) == {200: 1, 412: 7}
        losers = [answer for answer in answers if answer.status_code == 412]
        assert {kind(answer)[1] for answer in losers} == {"precondition-failed"}
        [winner] = [answer for answer in answers if answer.status_code == 200]
        stored = shop.request("GET", path_of(product))
        assert (stored.json(), stored.headers["ETag"]) == (winner.json(), '"2"')


def test_of_many_who_add_one_sku_exactly_one_does(stack: Stack, shop: Shop, admin: Customer) -> None:
    body = new_product()

    def add(number: int) -> requests.Response:
        return Shop(stack).request(
            "POST", "/products", token=admin.token, json=body | {"name": f"Name {number}"}
        )

    answers = at_once(6, add)
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 5}
    [winner] = [answer for answer in answers if answer.status_code == 201]
    assert shop.request("GET", path_of(body)).json() == winner.json()


@pytest.fixture
def upload(shop: Shop, admin: Customer, introduce: Introduce) -> dict[str, Any]:
    """A form for a picture of a new product."""
    path = f"{path_of(introduce())}/picture-uploads"
    answer = shop.request("POST", path, token=admin.token, json={"content_type": "image/png"})
    assert (answer.status_code, answer.headers["Cache-Control"]) == (201, "no-store")
    form: dict[str, Any] = answer.json()
    return form


def send(
    upload: dict[str, Any], content: bytes = PNG, fields: dict[str, str] | None = None
) -> requests.Response:
    """Sends the form as a browser would, with `fields` in place of its own."""
    return requests.post(
        upload["url"],
        data=upload["fields"] | (fields or {}),
        files={"file": ("picture.png", content)},
        timeout=60,
    )


def stored(stack: Stack, folder: str) -> list[str]:
    answer = stack.client("s3").list_objects_v2(Bucket=stack.resource("PicturesBucket"), Prefix=folder)
    return [entry["Key"] for entry in answer.get("Contents", [])]


def test_the_form_uploads_a_picture(stack: Stack, upload: dict[str, Any]) -> None:
    assert send(upload).status_code == 204
    found = stack.client("s3").get_object(Bucket=stack.resource("PicturesBucket"), Key=upload["key"])
    assert (found["ContentType"], found["Body"].read()) == ("image/png", PNG)
    assert requests.get(f"{upload['url']}/{upload['key']}", timeout=60).status_code == 403


def test_the_largest_picture_is_taken_and_a_larger_one_is_not(stack: Stack, upload: dict[str, Any]) -> None:
    assert upload["max_bytes"] == TEN_MIB
    larger = send(upload, bytes(TEN_MIB + 1))
    assert (larger.status_code, "EntityTooLarge" in larger.text) == (400, True)
    assert stored(stack, upload["key"]) == []
    assert send(upload, bytes(TEN_MIB)).status_code == 204


def test_an_empty_picture_is_not_taken(stack: Stack, upload: dict[str, Any]) -> None:
    empty = send(upload, b"")
    assert (empty.status_code, "EntityTooSmall" in empty.text) == (400, True)
    assert stored(stack, upload["key"]) == []


@pytest.mark.parametrize(
    "fields",
    [
        {"Content-Type": "text/html"},
        {"Content-Type": "image/jpeg"},
        {"key": "uploads/TEST-OTHER/1"},
        {"acl": "public-read"},
        {"x-amz-signature": "0" * 64},
    ],
)
def test_the_form_serves_for_nothing_else(
    stack: Stack, upload: dict[str, Any], fields: dict[str, str]
) -> None:
    assert send(upload, fields=fields).status_code == 403
    assert stored(stack, upload["key"]) == stored(stack, "uploads/TEST-OTHER/") == []


def test_without_a_form_nobody_uploads(stack: Stack, upload: dict[str, Any]) -> None:
    answer = requests.post(
        upload["url"],
        data={"key": "uploads/TEST-ANYONE/1", "Content-Type": "image/png"},
        files={"file": ("picture.png", PNG)},
        timeout=60,
    )
    assert answer.status_code == 403
    assert stored(stack, "uploads/TEST-ANYONE/") == []


@pytest.mark.parametrize("content_type", ["image/svg+xml", "text/html", ""])
def test_only_pictures_are_uploaded(shop: Shop, admin: Customer, content_type: str) -> None:
    path = f"/products/{TEA}/picture-uploads"
    answer = shop.request("POST", path, token=admin.token, json={"content_type": content_type})
    assert kind(answer) == (422, "invalid-request")
    assert answer.json()["errors"][0]["pointer"] == "/body/content_type"

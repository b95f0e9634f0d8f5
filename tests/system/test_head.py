"""HEAD works wherever GET does: for every GET of the OpenAPI document, with and without a token."""

import re
from uuid import uuid4

import pytest
import requests

from tests.system.products import TEA
from tools.contracts.openapi.document import committed, operations_of
from tools.shop.client import Customer, Shop
from tools.waiting import wait_for

_PATHS = [path for method, path, _ in operations_of(committed()) if method == "get"]
# They differ from one request to the next.
_OF_THE_REQUEST = {"date", "x-correlation-id", "x-amzn-requestid", "x-amz-request-id"}


@pytest.fixture(scope="module")
def admin(shop: Shop) -> Customer:
    """Someone who runs the shop."""
    return shop.admin()


@pytest.fixture(scope="module")
def parameters(shop: Shop, admin: Customer, customer: Customer) -> dict[str, str]:
    """Ids of resources that nothing changes any more."""
    placed = shop.place(customer, {TEA: 1}, payment_token="pm_card_chargeDeclined").json()
    assert shop.settled(customer, placed["order_id"])["status"] == "rejected"
    movement = shop.request(
        "POST",
        f"/inventory/{TEA}/movements",
        token=admin.token,
        headers={"Idempotency-Key": str(uuid4())},
        json={"kind": "receipt", "quantity": 1},
    ).json()
    return {
        "asset": "page.js",
        "release": "current",
        "folder": "common",
        "name": "style.css",
        "user_id": customer.user_id,
        "sku": TEA,
        "order_id": placed["order_id"],
        "movement_id": movement["movement_id"],
    }


@pytest.mark.parametrize("path", _PATHS)
@pytest.mark.parametrize("caller", ["admin", "customer", "nobody"])
def test_head_answers_as_get_without_the_body(
    shop: Shop, admin: Customer, customer: Customer, parameters: dict[str, str], path: str, caller: str
) -> None:
    url = re.sub(r"\{(\w+)\}", lambda name: parameters.get(name[1], "none-such"), path)
    token = {"admin": admin.token, "customer": customer.token, "nobody": None}[caller]

    def undisturbed() -> tuple[requests.Response, requests.Response] | None:
        """The answers to GET and HEAD, unless the resource changed between them."""
        get, head, again = (
            shop.request(method, url, token=token, allow_redirects=False) for method in ("GET", "HEAD", "GET")
        )
        return (get, head) if len(get.content) == len(again.content) else None

    get, head = wait_for(undisturbed, f"{path} to stay as it is", seconds=60)
    assert head.status_code == get.status_code
    assert head.content == b""
    got, had = (
        {name: value for name, value in map(_lowered, answer.headers.items()) if name not in _OF_THE_REQUEST}
        for answer in (get, head)
    )
    assert had == got | {"content-length": str(len(get.content))}


def test_head_of_a_known_version_is_not_modified(shop: Shop) -> None:
    etag = shop.request("GET", f"/products/{TEA}").headers["ETag"]
    answer = shop.request("HEAD", f"/products/{TEA}", headers={"If-None-Match": etag})

    assert (answer.status_code, answer.headers["ETag"]) == (304, etag)


def _lowered(header: tuple[str, str]) -> tuple[str, str]:
    return header[0].lower(), header[1]

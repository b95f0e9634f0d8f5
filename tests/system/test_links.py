"""Every link of the API leads to the resource, wherever the API is served: on its stage and on custom domains."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
import requests

from tests.system.clean_up import KIND
from tests.system.links import location, target
from tests.system.orders import order_body
from tools.shop.client import PASSWORD, Customer, Shop, made_up_address, made_up_name
from tools.stack import Stack

_DOMAIN = "shop.example"


@dataclass(frozen=True)
class Served:
    """The API at one of its URLs. In the embedded cloud a custom domain is a Host header only."""

    url: str
    host: str | None = None

    @property
    def url_at_domain(self) -> str:
        """The URL with the custom domain, if there is one."""
        return urlsplit(self.url)._replace(netloc=self.host or urlsplit(self.url).netloc).geturl()

    def call(self, method: str, path: str, *, token: str | None = None, **options: Any) -> requests.Response:
        """The answer; `path` is below the API's base, or the URL of a link."""
        headers = {
            **({"Host": self.host} if self.host else {}),
            **({"Authorization": f"Bearer {token}"} if token else {}),
            **options.pop("headers", {}),
        }
        url = path if path.startswith("http") else self.url + path
        return requests.request(method, url, headers=headers, timeout=60, **options)


@contextmanager
def mapped(stack: Stack, base: str) -> Iterator[Served]:
    """The API on a custom domain, below a base path or without one."""
    client = stack.client("apigateway")
    client.create_domain_name(domainName=_DOMAIN, endpointConfiguration={"types": ["REGIONAL"]})
    try:
        client.create_base_path_mapping(
            domainName=_DOMAIN,
            basePath=base or "(none)",
            restApiId=stack.outputs["ApiId"],
            stage=stack.outputs["StageName"],
        )
        yield Served(f"{stack.endpoint}/{base}".rstrip("/"), _DOMAIN)
    finally:
        client.delete_domain_name(domainName=_DOMAIN)


_needs_no_certificate = pytest.mark.embedded_only("makes a custom domain, which needs a certificate on AWS")


@pytest.fixture(
    params=[
        "stage",
        pytest.param("custom domain", marks=_needs_no_certificate),
        pytest.param("base path of a custom domain", marks=_needs_no_certificate),
    ]
)
def served(request: pytest.FixtureRequest, stack: Stack) -> Iterator[Served]:
    """The API, on each of the ways in which API Gateway serves it."""
    if request.param == "stage":
        yield Served(stack.api_url)
        return
    with mapped(stack, "v1" if request.param.startswith("base") else "") as at_domain:
        yield at_domain


@pytest.fixture(scope="module")
def admin(shop: Shop) -> Customer:
    """Someone who runs the shop."""
    return shop.admin()


def test_the_locations_of_what_was_made_lead_to_it(served: Served, admin: Customer) -> None:
    sku = f"TEST-{uuid4().hex[:8].upper()}"
    product = {
        "sku": sku,
        "name": "Linked",
        "description": "",
        "category": "pantry",
        "price": {"amount": 100, "currency": "EUR"},
    }
    export = {"kind": "order_export", "format": "csv", "from": "2026-11-01", "to": "2026-11-30"}
    made = [
        ("/products", product, "sku"),
        (f"/products/{sku}/picture-uploads", {"content_type": "image/png"}, "upload_id"),
        (f"/inventory/{sku}/movements", {"kind": "receipt", "quantity": 1}, "movement_id"),
        ("/jobs", export, "job_id"),
    ]
    for path, body, id_of in made:
        key = {"Idempotency-Key": str(uuid4())}
        answer = served.call("POST", path, token=admin.token, json=body, headers=key)
        assert answer.status_code in {201, 202}, answer.text
        found = served.call("GET", location(answer), token=admin.token)
        assert found.status_code == 200, f"{path}: {location(answer)} answers {found.status_code}"
        assert found.json()[id_of] == answer.json()[id_of]


def test_the_location_of_an_order_leads_to_it(served: Served, customer: Customer) -> None:
    key = {"Idempotency-Key": str(uuid4())}
    placed = served.call("POST", "/orders", token=customer.token, json=order_body(), headers=key)
    found = served.call("GET", location(placed), token=customer.token)

    assert (placed.status_code, found.status_code) == (201, 200)
    assert found.json()["order_id"] == placed.json()["order_id"]


def test_the_location_of_a_sign_up_leads_to_the_profile(served: Served, shop: Shop) -> None:
    email = made_up_address(KIND, "Linked")
    body = {"email": email, "password": PASSWORD, "name": made_up_name("Linked")}
    answer = served.call("POST", "/users", json=body)
    shop.stack.client("cognito-idp").admin_confirm_sign_up(
        UserPoolId=shop.stack.resource("UserPool"), Username=email
    )
    found = served.call("GET", location(answer), token=shop.token_of(email))

    assert (answer.status_code, found.status_code) == (201, 200)
    assert found.json() == answer.json()


def test_an_exports_links_lead_to_the_rest_of_the_users_data(served: Served, customer: Customer) -> None:
    for path in ("/users/me/export", f"/users/{customer.user_id}/export"):
        export = served.call("GET", path, token=customer.token)
        for link in export.json()["elsewhere"]:
            followed = served.call("GET", target(export, link["href"]), token=customer.token)
            assert followed.status_code == 200


def test_the_document_and_the_page_lead_back_to_the_api(served: Served) -> None:
    document = served.call("GET", "/openapi.json")
    [server] = document.json()["servers"]
    assert target(document, server["url"]) == served.url_at_domain

    page = served.call("GET", "/docs")
    for asset in ("swagger-ui.css", "swagger-ui.js", "page.js"):
        assert f'"docs/{asset}"' in page.text
        assert served.call("GET", target(page, f"docs/{asset}")).status_code == 200

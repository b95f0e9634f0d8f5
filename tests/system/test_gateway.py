"""The API as a whole, over HTTP on the deployed stack: its health, its reference, and what no service takes."""

import tomllib
from urllib.parse import urljoin

import pytest

from tools.settings import REPOSITORY
from tools.shop.client import Customer, Shop


def test_health_says_which_version_runs_where(shop: Shop) -> None:
    health = shop.request("GET", "/health")
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]

    assert health.status_code == 200
    assert health.json() == {
        "status": "ok",
        "version": project["version"],
        "stage": shop.stack.outputs["StageName"],
        "revision": shop.stack.parameters.get("Revision") or None,
    }


def test_the_committed_document_is_served_and_leads_back_to_the_api(shop: Shop) -> None:
    answer = shop.request("GET", "/openapi.json")
    document = answer.json()

    assert answer.headers["Content-Type"] == "application/json"
    assert "/orders/{order_id}" in document["paths"]
    (server,) = document["servers"]
    # Relative to the document's own address, as OpenAPI 3.1 (section 4.8.5) has it.
    assert urljoin(answer.url, server["url"]).rstrip("/") == shop.stack.api_url


def test_the_reference_is_served_whole(shop: Shop) -> None:
    page = shop.request("GET", "/docs")
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "script-src 'self'" in page.headers["Content-Security-Policy"]
    for asset in ("swagger-ui.js", "swagger-ui.css", "page.js"):
        assert f"docs/{asset}" in page.text
        assert len(shop.request("GET", f"/docs/{asset}").text) > 500
    assert shop.request("GET", "/docs/nothing.js").status_code == 404


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
def test_an_unknown_path_is_a_404_problem_with_and_without_a_token(
    shop: Shop, customer: Customer, method: str
) -> None:
    for token in (None, customer.token, "not-a-token"):
        answer = shop.request(method, "/no/such/path", token=token)
        assert answer.status_code == 404
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.json()["type"].endswith("/not-found")
        assert answer.headers["X-Correlation-Id"]


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", "/health", {"GET", "HEAD", "OPTIONS"}),
        ("DELETE", "/orders", {"GET", "HEAD", "POST", "OPTIONS"}),
        ("PATCH", "/orders/ord_1", {"GET", "HEAD", "OPTIONS"}),
        ("PATCH", "/products/TEA-ASSAM-100", {"GET", "HEAD", "PUT", "DELETE", "OPTIONS"}),
    ],
)
def test_a_method_that_a_path_lacks_is_a_405_problem_that_lists_those_it_has(
    shop: Shop, method: str, path: str, allowed: set[str]
) -> None:
    answer = shop.request(method, path)
    assert answer.status_code == 405
    assert set(answer.headers["Allow"].split(", ")) == allowed
    if method != "HEAD":
        assert answer.json()["type"].endswith("/method-not-allowed")


def test_a_path_with_the_method_reaches_its_service_and_not_the_gateway(shop: Shop) -> None:
    assert shop.request("GET", "/products", params={"limit": 1}).status_code == 200
    assert shop.request("GET", "/orders").status_code == 401

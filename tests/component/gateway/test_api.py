"""The gateway's answers: health, the reference, 404 and 405."""

import json
import re
from collections.abc import Callable, Iterator
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest

from gateway.adapters import DOCS_ASSETS
from gateway.dependencies import environment, page_settings, web_environment
from gateway.functions import api
from tests.component.rest_events import header, json_body, rest_event

Call = Callable[..., dict[str, Any]]

VARIABLES = {
    "STAGE": "test",
    "VERSION": "1.4.0",
    "REVISION": "",
    "WEB_APP": "on",
    "COGNITO_URL": "https://cognito-idp.eu-central-1.amazonaws.com",
    "USER_POOL_CLIENT_ID": "customers",
    "ADMIN_CLIENT_ID": "admins",
    "LIVE_URL": "https://live.execute-api.eu-central-1.amazonaws.com/test",
    "PICTURES_URL": "https://pictures.s3.eu-central-1.amazonaws.com",
    "JOBS_URL": "https://jobs.s3.eu-central-1.amazonaws.com",
    "SERVED_COUNTRIES": "AT,DE",
    "PAYMENT_PROVIDER": "sandbox",
}


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, lambda_context: Any) -> Iterator[Call]:
    """Calls the deployed function as API Gateway does: by way of `/{proxy+}` if no resource matches."""
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)
    forget()

    def request(method: str, path: str, *, context: dict[str, Any] | None = None, **kwargs: Any) -> Any:
        event = rest_event(method, path, **kwargs)
        event["requestContext"] |= context or {}
        return api.handler(event, lambda_context)

    yield request
    forget()


def forget() -> None:
    """Has the next request read the environment again."""
    for read in (environment, web_environment, page_settings):
        read.cache_clear()


def test_health_says_which_version_runs_where(call: Call) -> None:
    answer = call("GET", "/health")
    assert answer["statusCode"] == 200
    assert json_body(answer) == {"status": "ok", "version": "1.4.0", "stage": "test", "revision": None}
    assert header(answer, "Cache-Control") == "no-store"


def test_health_names_the_commit_if_the_deployment_did(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REVISION", "9f2c1e7")
    assert json_body(call("GET", "/health"))["revision"] == "9f2c1e7"


@pytest.mark.parametrize(
    ("context", "forwarded", "server"),
    [
        pytest.param(
            {"domainName": "a1b2c3.execute-api.eu-central-1.amazonaws.com", "path": "/prod/openapi.json"},
            "https",
            "https://a1b2c3.execute-api.eu-central-1.amazonaws.com/prod",
            id="API Gateway's own domain",
        ),
        pytest.param(
            {"domainName": "api.shop.example", "path": "/openapi.json"},
            "https",
            "https://api.shop.example",
            id="a custom domain",
        ),
        pytest.param(
            {"domainName": "shop.example", "path": "/v1/openapi.json"},
            "https",
            "https://shop.example/v1",
            id="a base path of a custom domain",
        ),
        pytest.param(
            {"domainName": "127.0.0.1:3000", "path": "/openapi.json"},
            "http",
            "http://127.0.0.1:3000",
            id="sam local start-api",
        ),
        pytest.param({"path": "/local/openapi.json"}, "http", ".", id="the embedded cloud"),
    ],
)
def test_the_document_names_the_server_that_was_asked(
    call: Call, context: dict[str, str], forwarded: str, server: str
) -> None:
    headers = {"X-Forwarded-Proto": forwarded, "Host": "evil.example"}
    answer = call("GET", "/openapi.json", context=context, headers=headers)
    assert header(answer, "Content-Type") == "application/json"
    document = json_body(answer)
    assert document["servers"][0]["url"] == server
    assert document["openapi"] == "3.1.0"
    assert "/orders/{order_id}" in document["paths"]


def test_the_page_loads_only_its_own_parts(call: Call) -> None:
    page = call("GET", "/docs")
    assert header(page, "Content-Type") == "text/html; charset=utf-8"
    policy = header(page, "Content-Security-Policy") or ""
    assert "default-src 'none'" in policy and "script-src 'self'" in policy
    assert "//" not in page["body"].replace("</", "").removeprefix("<!DOCTYPE html>")
    linked = [f"docs/{name}" for name in DOCS_ASSETS]
    assert all(f'"{link}"' in page["body"] for link in linked)


@pytest.mark.parametrize(
    ("asset", "content_type", "holds"),
    [
        ("swagger-ui.js", "text/javascript; charset=utf-8", "SwaggerUIBundle"),
        ("swagger-ui.css", "text/css; charset=utf-8", ".swagger-ui"),
        ("page.js", "text/javascript; charset=utf-8", "/openapi.json"),
    ],
)
def test_a_part_of_the_page_comes_with_its_type_and_may_be_cached(
    call: Call, asset: str, content_type: str, holds: str
) -> None:
    answer = call("GET", f"/docs/{asset}")
    assert header(answer, "Content-Type") == content_type
    assert header(answer, "Cache-Control") == "public, max-age=86400"
    assert holds in answer["body"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/nowhere"),
        ("POST", "/docs/swagger-ui.js/more"),
        ("GET", "/docs/page.html"),
        ("GET", "/docs/..%2Fapi.py"),
        ("DELETE", "/users/me/more/and/more"),
    ],
)
def test_an_unknown_path_is_a_404_problem(call: Call, method: str, path: str) -> None:
    answer = call(method, path)
    assert answer["statusCode"] == 404
    assert json_body(answer)["type"].endswith("/not-found")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", "/health", "GET, HEAD, OPTIONS"),
        ("PATCH", "/orders", "GET, HEAD, OPTIONS, POST"),
        ("DELETE", "/orders/ord_1", "GET, HEAD, OPTIONS"),
        ("DELETE", "/docs/anything", "GET, HEAD, OPTIONS"),
    ],
)
def test_a_method_that_a_path_lacks_is_a_405_problem_that_lists_its_methods(
    call: Call, method: str, path: str, allowed: str
) -> None:
    answer = call(method, path)
    assert answer["statusCode"] == 405
    assert header(answer, "Allow") == allowed
    assert header(answer, "Content-Type") == "application/problem+json"
    assert json_body(answer)["type"].endswith("/method-not-allowed")


def test_a_documented_method_that_is_not_deployed_is_a_404(
    call: Call,
) -> None:
    answer = call("GET", "/orders")
    assert answer["statusCode"] == 404
    assert header(answer, "Allow") is None


def test_a_browser_on_another_origin_may_read_every_answer(call: Call) -> None:
    for path in ("/health", "/openapi.json", "/nowhere"):
        answer = call("GET", path, headers={"Origin": "https://elsewhere.example"})
        assert header(answer, "Access-Control-Allow-Origin") == "*"


def test_the_shop_loads_its_own_parts_and_calls_its_own_systems_alone(call: Call) -> None:
    page = call("GET", "/shop")
    assert (page["statusCode"], header(page, "Content-Type")) == (200, "text/html; charset=utf-8")
    assert header(page, "Cache-Control") == "no-cache"
    assert (header(page, "Content-Security-Policy") or "").split("; ") == [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob: https://jobs.s3.eu-central-1.amazonaws.com https://pictures.s3.eu-central-1.amazonaws.com",
        "connect-src 'self' https://cognito-idp.eu-central-1.amazonaws.com https://jobs.s3.eu-central-1.amazonaws.com"
        " https://pictures.s3.eu-central-1.amazonaws.com wss://live.execute-api.eu-central-1.amazonaws.com",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ]
    assert "{{" not in page["body"]
    assert re.findall(r"<script(?! type=.module. src=.web/)|<style| style=| on\w+=", page["body"]) == []


def test_the_shop_is_told_what_it_needs_of_the_stack_and_nothing_else(call: Call) -> None:
    [content] = re.findall(r'<meta name="settings" content="([^"]*)">', call("GET", "/shop")["body"])
    assert json.loads(unescape(content)) == {
        "stage": "test",
        "cognito_url": "https://cognito-idp.eu-central-1.amazonaws.com",
        "user_pool_client": "customers",
        "admin_client": "admins",
        "live_url": "wss://live.execute-api.eu-central-1.amazonaws.com/test",
        "countries": ["AT", "DE"],
        "has_test_cards": True,
    }


def test_every_part_of_the_shop_comes_with_its_type_and_may_be_kept_for_ever(call: Call) -> None:
    parts = re.findall(r'(?:href|src)="(web/[^"]+)"', call("GET", "/shop")["body"])
    types = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
    for part in parts:
        answer = call("GET", f"/{part}")
        assert answer["statusCode"] == 200, part
        assert header(answer, "Content-Type") == f"{types[Path(part).suffix]}; charset=utf-8"
        assert header(answer, "Cache-Control") == "public, max-age=31536000, immutable"
    assert {Path(part).suffix for part in parts} == types.keys()


def test_every_import_of_a_script_is_a_part_that_the_page_has_asked_for(call: Call) -> None:
    parts = set(re.findall(r'(?:href|src)="(web/[^"]+)"', call("GET", "/shop")["body"]))
    for part in parts:
        for imported in re.findall(r'from "(\.[^"]+)"|import "(\.[^"]+)"', call("GET", f"/{part}")["body"]):
            assert urljoin(part, "".join(imported)) in parts, (part, imported)


def test_a_file_of_another_release_is_served_and_not_to_be_kept(call: Call) -> None:
    answer = call("GET", "/web/another/common/style.css")
    assert (answer["statusCode"], header(answer, "Cache-Control")) == (200, "no-store")


@pytest.mark.parametrize(
    "path",
    [
        "/web/any/shop/page.html",
        "/web/any/vendor/LICENSE.txt",
        "/web/any/common/none.js",
        "/web/any/..%2f/api.py",
    ],
)
def test_a_file_that_is_no_part_of_a_page_is_a_404_problem(call: Call, path: str) -> None:
    assert call("GET", path)["statusCode"] == 404


@pytest.mark.parametrize("path", ["/shop", "/web/any/common/style.css"])
def test_a_stack_without_the_web_app_answers_404(
    call: Call, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    assert call("GET", path)["statusCode"] == 200
    monkeypatch.setenv("WEB_APP", "off")
    forget()
    assert call("GET", path)["statusCode"] == 404

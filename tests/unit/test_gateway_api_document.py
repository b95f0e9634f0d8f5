"""The methods of a path, and the server, in the OpenAPI document."""

from typing import Any

import pytest

from gateway.domain.api_document import ApiDocument

DOCUMENT: dict[str, Any] = {
    "openapi": "3.1.0",
    "servers": [{"url": "."}],
    "paths": {
        "/users": {"post": {}, "get": {}},
        "/users/{user_id}": {"get": {}, "delete": {}, "parameters": []},
        "/users/me": {"get": {}, "put": {}},
        "/orders/{order_id}/cancel": {"post": {}},
    },
}


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        ("/users", {"GET", "POST"}),
        ("/users/", {"GET", "POST"}),
        ("/users/u-1", {"GET", "DELETE"}),
        ("/users/me", {"GET", "PUT"}),
        ("/orders/ord_1/cancel", {"POST"}),
        ("/orders/ord_1", set()),
        ("/orders/ord_1/cancel/now", set()),
        ("/", set()),
        ("/nowhere", set()),
        ("/users/{user_id}", {"GET", "DELETE"}),
    ],
)
def test_a_path_has_the_methods_of_the_most_specific_resource(path: str, methods: set[str]) -> None:
    assert ApiDocument(DOCUMENT).methods_of(path) == methods


def test_the_document_names_its_server_and_is_not_changed_itself() -> None:
    assert ApiDocument(DOCUMENT).served_from("https://shop.example/prod")["servers"] == [
        {"url": "https://shop.example/prod"}
    ]
    assert ApiDocument(DOCUMENT).served_from(None)["servers"] == [{"url": "."}]
    assert DOCUMENT["servers"] == [{"url": "."}]

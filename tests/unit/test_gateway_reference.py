"""What the gateway knows of a path from the OpenAPI document."""

from collections.abc import Iterator
from typing import Any

import pytest

from gateway.domain import reference

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


@pytest.fixture(autouse=True)
def documented(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A document of which the tests know what it says."""
    reference._by_specificity.cache_clear()
    monkeypatch.setattr(reference, "document", lambda: DOCUMENT)
    yield
    reference._by_specificity.cache_clear()


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
    assert reference.methods_of(path) == methods


def test_the_document_names_the_server_it_is_served_from_and_stays_as_it_is() -> None:
    assert reference.served_from("https://shop.example/prod")["servers"] == [
        {"url": "https://shop.example/prod"}
    ]
    assert reference.served_from(None)["servers"] == [{"url": "."}]
    assert DOCUMENT["servers"] == [{"url": "."}]

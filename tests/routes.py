"""The routes of the API, from its OpenAPI document."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

DOCUMENT = Path(__file__).parents[1] / "services" / "gateway" / "gateway" / "openapi.json"
_METHODS = {"get", "post", "put", "patch", "delete"}


@dataclass(frozen=True)
class Route:
    """An operation of the API's document; `access` says who may call it."""

    method: str
    path: str
    access: str
    operation: dict[str, Any] = field(compare=False, repr=False)

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def document() -> dict[str, Any]:
    """The API's document."""
    read: dict[str, Any] = json.loads(DOCUMENT.read_text())
    return read


def routes(*accesses: str) -> list[Route]:
    """The API's routes; if `accesses` are given, only routes that declare one of them."""
    found = [
        Route(method.upper(), path, operation["x-access"], operation)
        for path, operations in document()["paths"].items()
        for method, operation in operations.items()
        if method in _METHODS
    ]
    return [route for route in found if not accesses or route.access in accesses]


GUARDED_ACCESSES = ("signed-in", "customer", "owner", "admin")
"""The accesses that need a token."""

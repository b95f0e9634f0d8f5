"""Complete requests to every route of the API's document: an attack differs from an honest request in one thing."""

import copy
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from uuid import uuid4

import requests

from tests.routes import Route
from tests.system.clean_up import KIND
from tools.shop.client import Shop, made_up_address


class Requests:
    """Requests with the document's examples; `places` has what stands for a path's parameters instead."""

    def __init__(self, shop: Shop, places: Mapping[str, str]) -> None:
        self._shop = shop
        self._places = places

    def path(self, route: Route) -> str:
        """The route's path about something that exists, as far as `places` says."""
        examples = {
            parameter["name"]: parameter.get("example", "none") for parameter in parameters(route, "path")
        }
        return route.path.format_map(examples | dict(self._places))

    def body(self, route: Route) -> Any:
        """A complete body, or None if the route takes none."""
        if "requestBody" not in route.operation:
            return None
        body = copy.deepcopy(route.operation["requestBody"]["content"]["application/json"]["example"])
        fresh = {"sku": self._places.get("sku"), "email": made_up_address(KIND, "Attack")}
        return _with(body, lambda name, value: fresh.get(name) or value)

    def send(self, route: Route, token: str | None, **changes: Any) -> requests.Response:
        """The answer to a complete request.

        `changes` replace its `path`, `json` or `data`, or add `headers` and so on.
        """
        headers = {"Idempotency-Key": str(uuid4()), "If-Match": '"999999"'} | changes.pop("headers", {})
        path = changes.pop("path", None) or self.path(route)
        if "json" not in changes and "data" not in changes:
            changes["json"] = self.body(route)
        return self._shop.request(
            route.method, path, token=token, headers=headers, allow_redirects=False, **changes
        )


def parameters(route: Route, *places: str) -> list[dict[str, Any]]:
    """The route's parameters in these places (`path`, `query`, `header`)."""
    return [one for one in route.operation.get("parameters", []) if one.get("in") in places]


def texts_in(body: Any, *, at: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The places of all texts in a body."""
    if isinstance(body, str):
        yield at
    entries = body.items() if isinstance(body, dict) else enumerate(body) if isinstance(body, list) else ()
    for name, value in entries:
        yield from texts_in(value, at=(*at, name))


def objects_in(body: Any, *, at: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The places of all objects in a body, itself among them."""
    if isinstance(body, dict):
        yield at
    entries = body.items() if isinstance(body, dict) else enumerate(body) if isinstance(body, list) else ()
    for name, value in entries:
        yield from objects_in(value, at=(*at, name))


def changed(body: Any, place: tuple[str | int, ...], value: object) -> Any:
    """A copy of the body with another value at the place, which may be new."""
    copied = copy.deepcopy(body)
    *way, last = place
    inner = copied
    for step in way:
        inner = inner[step]
    inner[last] = value
    return copied


def _with(body: Any, change: Callable[[str, Any], Any]) -> Any:
    if isinstance(body, dict):
        return {name: change(name, _with(value, change)) for name, value in body.items()}
    return [_with(each, change) for each in body] if isinstance(body, list) else body

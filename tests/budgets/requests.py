"""A request of each route, as customers, admins and visitors send it."""

from collections.abc import Callable
from typing import Any

from tests.budgets.shop import CountedShop
from tests.component.rest_events import claims_of, json_body, rest_event
from tests.routes import routes

_ADA, _OLGA = claims_of("ada", "ada@example.com"), claims_of("olga", "olga@example.com", groups="admin")
UNCOUNTED = {
    "GET /docs/{asset}",
    # They read files of their own package, and call nothing.
    "GET /shop",
    "GET /web/{release}/{folder}/{name}",
    # The way of an order that was parked has no budget.
    "POST /orders/{order_id}/resume",
    # Nor has the board, and there are no dead letters without SQS.
    "GET /board",
    "GET /dead-letters",
    "GET /dead-letters/{queue}",
    "POST /dead-letters/{queue}/redrive",
    # There is no picture without S3.
    "GET /products/{sku}/pictures/{picture_id}/{rendition}",
    "DELETE /products/{sku}/pictures/{picture_id}",
    # The provider sends it, and signs it.
    "POST /payments/webhook",
    # As DELETE /users/{user_id}.
    "DELETE /users/me",
}
"""No request is sent to these routes here."""

_TEA = {
    "name": "Assam",
    "description": "Malty.",
    "category": "tea",
    "price": {"amount": 790, "currency": "EUR"},
    "active": True,
}


def send_requests(shop: CountedShop) -> None:
    """Sends them one after the other to a shop in which Ada has an order; each is served."""

    def send(method: str, path: str, claims: dict[str, str] | None = None, **request: Any) -> Any:
        key = f"{method} {path}".replace(" ", "-").replace("/", "-")
        request["headers"] = {"Idempotency-Key": key} | request.get("headers", {})
        answer = shop.send(rest_event(method, path, claims=claims, **request))
        assert answer["statusCode"] < 300, (method, path, answer)
        return answer

    def sent(*request: Any, **options: Any) -> dict[str, Any]:
        body: dict[str, Any] = json_body(send(*request, **options))
        return body

    (order_id,) = (item["order_id"] for item in shop.items("OrdersTable") if "order_id" in item)
    send("GET", "/health")
    send("GET", "/openapi.json")
    send("GET", "/docs")
    send("GET", f"/orders/{order_id}", _ADA)
    send("GET", "/orders", _ADA)
    send("GET", "/orders/attention", _OLGA)
    send("GET", "/orders/placed", _OLGA)
    send("GET", f"/orders/{order_id}/events", _OLGA)
    _send_returns(send, sent, f"/orders/{order_id}/returns", next(iter(shop.items("ReturnsTable")))["bought"])
    send("GET", "/inventory", _OLGA)
    send("GET", "/inventory/MUG-BLUE", _OLGA)
    send("PUT", "/inventory/MUG-BLUE/threshold", _OLGA, body={"low_stock_threshold": 2})
    movement = sent(
        "POST",
        "/inventory/MUG-BLUE/movements",
        _OLGA,
        body={"kind": "receipt", "quantity": 24, "reason": "Note 4711"},
    )
    send("GET", "/inventory/MUG-BLUE/movements", _OLGA)
    send("GET", f"/inventory/MUG-BLUE/movements/{movement['movement_id']}", _OLGA)
    send("POST", "/products", _OLGA, body={"sku": "TEA-1", **_TEA})
    send("GET", "/products/TEA-1")
    send("GET", "/products")
    send("PUT", "/products/TEA-1", _OLGA, body={**_TEA, "name": "Assam 2"}, headers={"If-Match": '"1"'})
    job = sent(
        "POST",
        "/jobs",
        _OLGA,
        body={"kind": "order_export", "format": "csv", "from": "2026-03-01", "to": "2026-03-02"},
    )
    account = {
        "email": "ada@example.com",
        "password": "Analytical-Engine-1843",
        "name": "Ada",
        "locale": "en",
    }
    send("POST", "/users", body=account)
    send("GET", "/users/me", _ADA)
    send("PUT", "/users/me", _ADA, body={"name": "Ada Example", "locale": "en"}, headers={"If-Match": '"1"'})
    send("GET", "/users/me/export", _ADA)
    send("GET", "/users", _OLGA)
    send("GET", "/users/ada", _OLGA)
    send("PUT", "/users/ada", _OLGA, body={"name": "Ada", "locale": "en"}, headers={"If-Match": '"2"'})
    send("GET", "/users/ada/export", _OLGA)
    upload = sent("POST", "/products/TEA-1/picture-uploads", _OLGA, body={"content_type": "image/png"})
    send("GET", f"/products/TEA-1/picture-uploads/{upload['upload_id']}", _OLGA)
    send("DELETE", "/products/TEA-1", _OLGA, headers={"If-Match": '"2"'})
    send("GET", "/jobs", _OLGA)
    send("GET", f"/jobs/{job['job_id']}", _OLGA)
    send("POST", f"/jobs/{job['job_id']}/cancel", _OLGA)
    send("POST", "/jobs/uploads", _OLGA)
    send("DELETE", "/users/ada", _OLGA, headers={"If-Match": '"3"'})
    _send_examples(shop, sent)


def _send_returns(
    send: Callable[..., Any], sent: Callable[..., dict[str, Any]], path: str, bought: list[dict[str, Any]]
) -> None:
    """Requests about returns of one piece each of a fulfilled order."""
    one, other = (line["sku"] for line in bought)
    first, second = ({"lines": [{"sku": sku, "quantity": 1}], "reason": "other"} for sku in (one, other))
    inspected = sent("POST", path, _ADA, body=first)["return_id"]
    send("POST", f"{path}/{inspected}/accept", _OLGA)
    send("GET", "/returns/waiting", _OLGA, query={"status": "accepted"})
    send("POST", f"{path}/{inspected}/inspect", _OLGA, body={"lines": [{"sku": one, "restocked": 1}]})
    for end, caller, body in (("withdraw", _ADA, None), ("refuse", _OLGA, {"reason": "other"})):
        return_id = sent("POST", path, _ADA, body=second, headers={"Idempotency-Key": end})["return_id"]
        send("POST", f"{path}/{return_id}/{end}", caller, body=body)
    send("GET", path, _ADA)
    send("GET", "/returns", _ADA)


def _send_examples(shop: CountedShop, sent: Callable[..., dict[str, Any]]) -> None:
    """Sends the document's example to each route that nothing was sent to yet. It creates things, then reads them.

    A route that needs more has its request above.
    """
    # The ways of an order count how it is placed.
    known = {*shop.counts, *UNCOUNTED, "POST /orders", "POST /orders/{order_id}/cancel"}
    missing = [route for route in routes() if str(route) not in known]
    places: dict[str, str] = {}
    for route in sorted(missing, key=lambda route: (route.path.count("{"), route.method != "POST")):
        content = route.operation.get("requestBody", {}).get("content", {})
        body = content.get("application/json", {}).get("example")
        claims = {"anyone": None, "admin": _OLGA}.get(route.access, _ADA)
        answer = sent(route.method, route.path.format_map(places), claims, **({"body": body} if body else {}))
        places |= {name: value for name, value in answer.items() if name.endswith("_id")}

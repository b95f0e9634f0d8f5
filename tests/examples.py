"""The example events in events/, and what a function answers to its own: deployed, or under `sam local invoke`."""

import json
import time
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from tests.template import Function
from tools.settings import REPOSITORY

EVENTS = REPOSITORY / "events"
SOLD = [
    product["sku"]
    for product in json.loads((REPOSITORY / "tools" / "shop" / "seed_products.json").read_text())
]


def example(name: str) -> dict[str, Any]:
    """The example event of that file name."""
    event: dict[str, Any] = json.loads((EVENTS / name).read_text())
    return event


def of_products_that_are_sold(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same lines, of products that `make seed` brings."""
    return [line | {"sku": sku} for line, sku in zip(lines, SOLD, strict=False)]


def example_for(
    name: str, order_id: str, customer_id: str, placed_id: str, *, admins_client: str
) -> dict[str, Any]:
    """The example for `order_id`, whose own customer has closed no account; a step of a state machine works on it.

    If the example is a request with a token, the customer sends it, so that mails find them. An admin's token is one of
    `admins_client`, the id of the stack's app client. The orders' relay
    publishes an event about `placed_id`, an order that exists: consumers would wait for any other, try after try.
    """
    event = example(name)
    if name == "orders_relay.json":
        unknown = event["Records"][0]["dynamodb"]["Keys"]["pk"]["S"]
        known: dict[str, Any] = json.loads(json.dumps(event).replace(unknown, placed_id))
        return known
    if "httpMethod" in event and claims(event):
        sent: dict[str, Any] = json.loads(json.dumps(event).replace(claims(event)["sub"], customer_id))
        if claims(sent).get("aud") == "AdminUserPoolClient":
            claims(sent).update(aud=admins_client, exp=str(int(time.time()) + 300))
        return sent
    if "order" in event:
        event["order"] |= {
            "order_id": order_id,
            "customer_id": str(uuid4()),
            "lines": of_products_that_are_sold(event["order"]["lines"]),
        }
    if "state" in event:
        event["state"]["order"] = event["order"]
    return event


def check_answer(
    function: Function, event: dict[str, Any], answer: dict[str, Any], variables: Mapping[str, str]
) -> None:
    """Asserts that the function did what its example asks for, or found no such order or job where the example has one
    that never was. `variables` are its environment variables."""
    if "httpMethod" in event:
        _check_response(function, event, answer, variables)
    elif "Records" in event:
        assert answer == {"batchItemFailures": []} or _finds_nothing(function, answer), answer
    else:
        assert "errorType" not in answer or _finds_nothing(function, answer), answer


def claims(event: dict[str, Any]) -> dict[str, Any]:
    """The claims of the token that an API's example was sent with; none where it was sent without."""
    return (event["requestContext"].get("authorizer") or {}).get("claims") or {}


def _check_response(
    function: Function, event: dict[str, Any], answer: dict[str, Any], variables: Mapping[str, str]
) -> None:
    assert "errorType" not in answer, answer
    assert answer["statusCode"] < 500, answer["body"]
    if claims(event):
        assert answer["statusCode"] not in {401, 403}, answer["body"]
    if any(route.is_public for route in function.routes):
        assert answer["statusCode"] in function.documented(variables)[event["httpMethod"], event["resource"]]
        (correlation_id,) = answer["multiValueHeaders"]["X-Correlation-Id"]
        assert correlation_id
        assert event["headers"].get("X-Correlation-Id", correlation_id) == correlation_id


# What a function may fail with, mostly because its example is of something that was never there.
_MISSING = {
    "orders.": "OrderMissing",
    "payments.functions.steps": "OrderUnknown",
    "shipping.functions.steps": "OrderUnknown",
    "jobs.": "JobMissing",
    "catalog.functions.import_check": "UploadRefused",
    "catalog.functions.import_": "ChunkMissing",
    "reports.functions.copy_to_job": "NoSuchKey",
    # It fails if it finds some: another test may have left them.
    "cleanup.functions.check_dead_letters": "DeadLettersWait",
}


def _finds_nothing(function: Function, answer: dict[str, Any]) -> bool:
    missing = next((name for start, name in _MISSING.items() if function.handler.startswith(start)), None)
    return missing is not None and missing in f"{answer.get('errorType')} {answer.get('errorMessage')}"

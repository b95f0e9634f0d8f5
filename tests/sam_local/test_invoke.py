"""Every function of the template under `sam local invoke` with its example event."""

import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from local.sam_local.emulator import VARIABLES, Emulator
from local.settings import REPOSITORY
from local.stack import Stack
from tests.sam_local.template import Function, functions

FUNCTIONS = {function.name: function for function in functions()}
EVENTS = REPOSITORY / "events"
SOLD = [product["sku"] for product in json.loads((REPOSITORY / "local" / "seed_products.json").read_text())]


def example(function: Function) -> dict[str, Any]:
    event: dict[str, Any] = json.loads((EVENTS / function.example).read_text())
    return event


def claims(event: dict[str, Any]) -> dict[str, Any]:
    return (event["requestContext"].get("authorizer") or {}).get("claims") or {}


def of_products_that_are_sold(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same lines, of products that `make seed` brings."""
    return [line | {"sku": sku} for line, sku in zip(lines, SOLD, strict=False)]


def finds_no_order(function: Function, result: dict[str, Any]) -> bool:
    """Whether a function that changes an order refused because the example's order has never been placed."""
    refusal = f"{result.get('errorType')} {result.get('errorMessage')}"
    return function.handler.startswith("orders.") and "OrderMissing" in refusal


@pytest.fixture(scope="session")
def order_id() -> str:
    """The order that the saga's steps work on, one after the other; it has never been placed."""
    return f"ord_{uuid4().hex}"


@pytest.mark.parametrize(
    "function", [function for function in FUNCTIONS.values() if "httpMethod" in example(function)], ids=str
)
def test_an_api_answers_its_example_request_as_documented(sam_local: Emulator, function: Function) -> None:
    event = example(function)

    answer = sam_local.invoke(function.name, EVENTS / function.example)

    assert "errorType" not in answer
    assert answer["statusCode"] < 500, answer["body"]
    if claims(event):
        assert answer["statusCode"] not in {401, 403}, answer["body"]
    if any(route.is_public for route in function.routes):
        variables = json.loads(VARIABLES.read_text())[function.name]
        assert answer["statusCode"] in function.documented(variables)[event["httpMethod"], event["resource"]]
        (correlation_id,) = answer["multiValueHeaders"]["X-Correlation-Id"]
        assert correlation_id
        assert event["headers"].get("X-Correlation-Id", correlation_id) == correlation_id


@pytest.mark.parametrize(
    "function", [function for function in FUNCTIONS.values() if "Records" in example(function)], ids=str
)
def test_a_consumer_works_off_its_example_batch(sam_local: Emulator, function: Function) -> None:
    result = sam_local.invoke(function.name, EVENTS / function.example)

    assert result == {"batchItemFailures": []} or finds_no_order(function, result), result


@pytest.mark.parametrize(
    "function",
    [function for function in FUNCTIONS.values() if not {"httpMethod", "Records"} & example(function).keys()],
    ids=str,
)
def test_a_step_does_its_work_or_finds_no_such_order(
    sam_local: Emulator, function: Function, order_id: str, tmp_path: Path
) -> None:
    event = example(function)
    if "order" in event:
        # Nobody's account of this id is closed by one of the other examples.
        event["order"] |= {
            "order_id": order_id,
            "customer_id": str(uuid4()),
            "lines": of_products_that_are_sold(event["order"]["lines"]),
        }
    path = tmp_path / function.example
    path.write_text(json.dumps(event))

    result = sam_local.invoke(function.name, path)

    assert "errorType" not in result or finds_no_order(function, result), result


def test_an_order_placed_locally_is_in_the_embedded_clouds_table(
    sam_local: Emulator, stack: Stack, tmp_path: Path
) -> None:
    event = example(FUNCTIONS["OrdersApiFunction"])
    customer_id = claims(event)["sub"] = str(uuid4())
    order = json.loads(event["body"])
    order["lines"] = of_products_that_are_sold(order["lines"])
    event["body"] = json.dumps(order)
    key = str(uuid4())
    event["headers"]["Idempotency-Key"] = key
    event["multiValueHeaders"]["Idempotency-Key"] = [key]
    path = tmp_path / "order.json"
    path.write_text(json.dumps(event))

    answer = sam_local.invoke("OrdersApiFunction", path)

    assert answer["statusCode"] in {201, 202}, answer["body"]
    placed = json.loads(answer["body"])["order_id"]
    stored = stack.client("dynamodb").get_item(
        TableName=stack.resource("OrdersTable"), Key={"pk": {"S": placed}}, ConsistentRead=True
    )
    assert stored["Item"]["customer_id"] == {"S": customer_id}

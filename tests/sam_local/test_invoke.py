"""Every function of the template under `sam local invoke` with its example event."""

import json
from pathlib import Path
from uuid import uuid4

import pytest

from tests.examples import SOLD, check_answer, claims, example, example_for, of_products_that_are_sold
from tests.template import examples
from tools.cloud.sam_local.emulator import VARIABLES, Emulator
from tools.shop.client import Customer, Shop
from tools.stack import Stack


@pytest.fixture(scope="session")
def order_id() -> str:
    """The order that the saga's steps work on, one after the other; it has never been placed."""
    return f"ord_{uuid4().hex}"


@pytest.fixture(scope="module")
def customer(stack: Stack) -> Customer:
    """A user who signed up."""
    return Shop(stack).sign_up("Local Example")


@pytest.fixture(scope="module")
def placed_id(stack: Stack, customer: Customer) -> str:
    """An order that was placed."""
    placed: str = Shop(stack).place(customer, {SOLD[0]: 1}).json()["order_id"]
    return placed


def test_each_function_does_what_its_example_asks_for(
    sam_local: Emulator,
    stack: Stack,
    customer: Customer,
    order_id: str,
    placed_id: str,
    tmp_path: Path,
    subtests: pytest.Subtests,
) -> None:
    """One test, since the saga's steps and the jobs' work on what the examples before them made."""
    for function, name in examples():
        with subtests.test(name):
            event = example_for(
                name,
                order_id,
                customer.user_id,
                placed_id,
                admins_client=stack.resource("AdminUserPoolClient"),
            )
            path = tmp_path / name
            path.write_text(json.dumps(event))

            answer = sam_local.invoke(function.name, path)

            check_answer(function, event, answer, json.loads(VARIABLES.read_text())[function.name])


def test_an_order_placed_locally_is_in_the_embedded_clouds_table(
    sam_local: Emulator, stack: Stack, customer: Customer, tmp_path: Path
) -> None:
    event = example("orders_api.json")
    claims(event)["sub"] = customer.user_id
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
    assert stored["Item"]["customer_id"] == {"S": customer.user_id}

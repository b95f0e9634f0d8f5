"""Every deployed function, called with its own example event from events/."""

import json
from typing import Any
from uuid import uuid4

import pytest

from tests.examples import SOLD, check_answer, example_for
from tests.template import Function, examples
from tools.shop.client import Customer, Shop, address, made_up_address, made_up_name
from tools.stack import Stack

from .clean_up import KIND

# They write the address of their user to the address book, or look it up there.
_WITH_ADDRESS = {
    "notifications_record_addresses.json",
    "notifications_record_feedback.json",
    "notifications_send_mail.json",
    "users_relay.json",
}
# The user of most examples.
_WITHOUT_ACCOUNT = "0b6d1f3a-52c1-4f0e-8a8e-5f6f3a1c9d27"


@pytest.fixture(scope="module")
def order_id() -> str:
    """The order that the saga's steps work on, one after the other; it has never been placed."""
    return f"ord_{uuid4().hex}"


@pytest.fixture(scope="module")
def placed_id(shop: Shop, customer: Customer) -> str:
    """An order that was placed."""
    placed: str = shop.place(customer, {SOLD[0]: 1}).json()["order_id"]
    return placed


def invoke(stack: Stack, function: Function, event: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """What the deployed function answers, and its environment variables."""
    client = stack.client("lambda")
    name = stack.resource(function.name)
    answer = client.invoke(FunctionName=name, Payload=json.dumps(event).encode())
    configuration = client.get_function_configuration(FunctionName=name)
    return json.loads(answer["Payload"].read()), configuration["Environment"]["Variables"]


def test_each_function_does_what_its_example_asks_for(
    stack: Stack, customer: Customer, order_id: str, placed_id: str, subtests: pytest.Subtests
) -> None:
    """One test, since the saga's steps and the jobs' work on what the examples before them made."""
    for function, name in examples():
        with subtests.test(name):
            example = example_for(
                name,
                order_id,
                customer.user_id,
                placed_id,
                admins_client=stack.resource("AdminUserPoolClient"),
            )
            # Mail goes out, and an account is made, for an address that is the tests' own.
            text = json.dumps(example).replace("ada@example.com", made_up_address(KIND, "Ada"))
            where = address(customer_id=customer.user_id)
            others = {
                "Ada Lovelace": made_up_name("Ada"),
                "Ada Example": customer.name,
                "Beispielweg 1": where["line1"],
                "Berlin": where["city"],
                "10115": where["postal_code"],
            }
            for shown, made_up in others.items():
                text = text.replace(shown, made_up)
            if name in _WITH_ADDRESS:
                # Only a person with an account can close it, which erases the address.
                text = text.replace(_WITHOUT_ACCOUNT, customer.user_id)
            event: dict[str, Any] = json.loads(text)

            answer, variables = invoke(stack, function, event)

            check_answer(function, event, answer, variables)

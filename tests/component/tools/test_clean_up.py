"""What the system tests leave on a stack: nothing of what they made up, and everything else as it was."""

from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest

from catalog.adapters.product_store import ProductStore
from catalog.domain.product import Product, ProductDetails
from shared.access import CUSTOMER_GROUP
from shared.clock import utc_now
from shared.dynamo import to_item
from tests.component.shipped_template import template
from tests.system.clean_up import KIND, clean_up
from tools.api import open_account
from tools.shop.client import Shop, made_up_address
from tools.stack import Stack
from tools.waiting import wait_for

from .conftest import STACK, FakeApi, FakeCloudFormation

OURS, OTHERS = made_up_address(KIND, "Ada"), made_up_address("guest", "Grace")
DETAILS = {"name": "Tea", "description": "", "category": "tea", "price": {"amount": 100, "currency": "EUR"}}


@pytest.fixture
def stack(on_aws: FakeCloudFormation, api: FakeApi) -> Stack:
    """A stack with a product, an account and a dead letter of the tests, and one of others of each."""
    for name in ("CatalogTable", "OrdersTable", "UsersTable"):
        boto3.client("dynamodb").create_table(**template().tables[name])
        on_aws.resources[name] = template().tables[name]["TableName"]
    queue = boto3.client("sqs").create_queue(QueueName="ShippingDispatchDeadLetterQueue")["QueueUrl"]
    on_aws.resources["ShippingDispatchDeadLetterQueue"] = queue
    stack = Stack.named(STACK)
    for sku in ("TEST-1", "JOB-1", "TEA-1"):
        details = ProductDetails.model_validate({"sku": sku, **DETAILS})
        product, events = Product.introduce(details, correlation_id="c", now=utc_now())
        products(stack).put_product(product, events)
    for email in (OURS, OTHERS):
        open_account(stack, email, "Twelve-Letters-1", name="N", groups=[CUSTOMER_GROUP])
        # The shop has no profile of any of them.
        api.refuse(f"DELETE /users/{sub_of(stack, email)}", 404, "There is no such resource.")
    return stack


def products(stack: Stack) -> ProductStore:
    return ProductStore(stack.client("dynamodb"), stack.resource("CatalogTable"))


def sub_of(stack: Stack, email: str) -> str:
    cognito: Any = boto3.client("cognito-idp")
    user = cognito.admin_get_user(UserPoolId=stack.resource("UserPool"), Username=email)
    [sub] = [entry["Value"] for entry in user["UserAttributes"] if entry["Name"] == "sub"]
    return str(sub)


def addresses(stack: Stack) -> list[str]:
    cognito: Any = boto3.client("cognito-idp")
    users = cognito.list_users(UserPoolId=stack.resource("UserPool"))["Users"]
    return [entry["Value"] for user in users for entry in user["Attributes"] if entry["Name"] == "email"]


class CleaningShop(Shop):
    """A shop whose admin is of no account: the API here knows nobody."""

    def admin(self) -> Any:
        """See Shop."""
        return type("Admin", (), {"token": "t", "user_id": sub_of(self.stack, OURS)})()


def test_what_the_tests_made_up_is_gone_and_the_rest_stays(stack: Stack) -> None:
    sqs: Any = boto3.client("sqs")
    queue = stack.resource("ShippingDispatchDeadLetterQueue")
    sqs.send_message(QueueUrl=queue, MessageBody="others")
    before = utc_now()
    wait_for(lambda: utc_now() > before + timedelta(milliseconds=5), "the next moment", seconds=1)
    started = utc_now()
    sqs.send_message(QueueUrl=queue, MessageBody="ours")

    clean_up(stack, CleaningShop(stack, KIND), started)

    shown = {sku: products(stack).find(sku) for sku in ("TEST-1", "JOB-1", "TEA-1")}
    assert {sku: product and product.active for sku, product in shown.items()} == {
        "TEST-1": False,
        "JOB-1": False,
        "TEA-1": True,
    }
    assert addresses(stack) == [OTHERS]
    left = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)["Messages"]
    assert [message["Body"] for message in left] == ["others"]


def test_a_profile_whose_account_a_test_deleted_is_closed_too(
    stack: Stack, api: FakeApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = stack.resource("UsersTable")

    def put(user_id: str, **profile: str) -> None:
        boto3.client("dynamodb").put_item(TableName=table, Item=to_item({"pk": user_id, **profile}))

    put("ours", email=made_up_address(KIND, "Deleted"))
    put("others", email=made_up_address("guest", "Deleted"))
    put("closed")
    answer = api.next_answer

    def closed(route: str) -> tuple[int, Any]:
        if route == "DELETE /users/ours":
            put("ours")
            return 204, None
        return answer(route)

    monkeypatch.setattr(api, "next_answer", closed)

    clean_up(stack, CleaningShop(stack, KIND), datetime.now(UTC))

    asked = {route for route, _, _ in api.requests}
    assert "DELETE /users/ours" in asked
    assert not asked & {"DELETE /users/others", "DELETE /users/closed"}


def test_a_parked_order_of_the_tests_is_resumed_and_no_other(
    stack: Stack, api: FakeApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = stack.resource("OrdersTable")

    def put(order_id: str, customer: str, status: str) -> None:
        order = {"pk": order_id, "order_id": order_id, "customer_id": customer, "status": status}
        boto3.client("dynamodb").put_item(TableName=table, Item=to_item(order))

    put("ord_ours", sub_of(stack, OURS), "parked")
    put("ord_others", sub_of(stack, OTHERS), "parked")
    ours, answer = sub_of(stack, OURS), api.next_answer
    api.answer("POST /orders/ord_ours/resume", (202, {}))

    def resumed(route: str) -> tuple[int, Any]:
        if route.startswith("POST /orders/"):
            put("ord_ours", ours, "rejected")
        return answer(route)

    monkeypatch.setattr(api, "next_answer", resumed)

    clean_up(stack, CleaningShop(stack, KIND), datetime.now(UTC))

    assert [route for route, _, _ in api.requests if "/orders/" in route] == ["POST /orders/ord_ours/resume"]

"""`make smoke` on the deployed stack: its order goes through the whole saga, and nothing of it stays."""

import pytest

from tests.system.products import TEA
from tools.shop.audit import Auditor
from tools.shop.smoke import smoke
from tools.stack import Stack
from tools.waiting import wait_for


def levels(auditor: Auditor) -> tuple[int, int]:
    """The available and the reserved pieces of the product."""
    stock = auditor.stock()[TEA]
    return stock["available"], stock["reserved"]


def accounts(stack: Stack) -> list[str]:
    """The accounts that smoke tests made up, as far as Cognito has them."""
    found = stack.client("cognito-idp").list_users(
        UserPoolId=stack.resource("UserPool"), Filter='email ^= "success+smoke-test."'
    )
    return [user["Username"] for user in found["Users"]]


@pytest.mark.usefixtures("unhurried", "undisturbed")
def test_the_smoke_test_gives_back_all_that_it_took(stack: Stack) -> None:
    auditor = Auditor(stack)
    stock, orders = levels(auditor), auditor.orders().keys()

    smoke(stack, sku=TEA)

    [order_id] = auditor.orders().keys() - orders
    order = auditor.orders()[order_id]
    assert (
        next(item["status"] for item in auditor.order_items() if item["order_id"] == order_id) == "cancelled"
    )
    assert (len(order.intents), order.held()) == (1, 0)
    assert levels(auditor) == stock
    # A consumer closes the account.
    wait_for(lambda: not accounts(stack), "the account of the smoke test to be gone", seconds=60)

"""Every write meets the transaction before it on its item, as it may on AWS, and the shop works all the same."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError

from tests.system.products import TEA
from tools.shop.client import Customer, Shop
from tools.shop.watch import watching
from tools.stack import Stack
from tools.waiting import wait_for

from .back_doors import sets_strictness
from .jobs import Jobs
from .trouble import strict

pytestmark = sets_strictness

HEADER = "sku,name,description,category,price_amount,price_currency"


@pytest.fixture(autouse=True)
def conflicts(stack: Stack) -> Iterator[None]:
    """DynamoDB refuses the next write to each item of a transaction."""
    with strict(stack, transaction_conflicts=1):
        yield


def test_a_single_write_and_a_transaction_are_refused_once(stack: Stack) -> None:
    """So the other tests of this module prove something."""
    dynamodb, table, key = stack.client("dynamodb"), stack.resource("CatalogImportsTable"), str(uuid4())
    item: Any = {"pk": {"S": key}, "sk": {"N": "1"}}
    transaction: Any = [{"Put": {"TableName": table, "Item": item}}]

    dynamodb.transact_write_items(TransactItems=transaction)
    with pytest.raises(ClientError) as single:
        dynamodb.put_item(TableName=table, Item=item)
    dynamodb.put_item(TableName=table, Item=item)
    dynamodb.transact_write_items(TransactItems=transaction)
    with pytest.raises(ClientError) as cancelled:
        dynamodb.transact_write_items(TransactItems=transaction)
    dynamodb.transact_write_items(TransactItems=transaction)
    with pytest.raises(ClientError):
        dynamodb.delete_item(TableName=table, Key=item)
    dynamodb.delete_item(TableName=table, Key=item)

    assert single.value.response["Error"]["Code"] == "TransactionConflictException"
    refusal: Any = cancelled.value.response
    assert refusal["Error"]["Code"] == "TransactionCanceledException"
    assert [reason["Code"] for reason in refusal["CancellationReasons"]] == ["TransactionConflict"]


def test_a_product_that_an_import_has_just_written_is_changed(shop: Shop) -> None:
    admin, sku = shop.admin(), f"TEST-{uuid4().hex[:8].upper()}"
    jobs = Jobs(shop, admin)
    upload = jobs.upload(f"{HEADER}\n{sku},Imported,Fine,pantry,790,EUR\n")
    asked = jobs.ask({"kind": "product_import", "upload": upload, "on_error": "apply_none"})
    assert jobs.ended(asked.json()["job_id"])["counts"]["created"] == 1

    body = {"name": "Changed", "description": "Fine", "category": "pantry", "active": True}
    changed = shop.request(
        "PUT",
        f"/products/{sku}",
        token=admin.token,
        json={**body, "price": {"amount": 890, "currency": "EUR"}},
        headers={"If-Match": '"1"'},
    )

    assert (changed.status_code, changed.headers["ETag"]) == (200, '"2"')


def test_an_order_is_confirmed_and_its_customer_follows_it_live(stack: Stack, shop: Shop) -> None:
    customer = shop.sign_up("Meets Transactions")
    # The second connection's end is the first write after the transaction that stored it.
    with watching(stack, customer.token) as watcher, watching(stack, customer.token):
        watcher.request("subscribe")
        order_id = shop.place(customer, {TEA: 1}).json()["order_id"]
        watcher.wait_for_change(order_id, "confirmed")
        watcher.wait_for_change(order_id, "fulfilled")

    wait_for(lambda: not connections(stack, customer), "the end of both connections", seconds=30)


def connections(stack: Stack, customer: Customer) -> list[Any]:
    """The connections of the customer in the service's table."""
    items: list[Any] = stack.client("dynamodb").query(
        TableName=stack.resource("LiveTable"),
        KeyConditionExpression="pk = :customer AND begins_with(sk, :prefix)",
        ExpressionAttributeValues={":customer": {"S": customer.user_id}, ":prefix": {"S": "connection#"}},
    )["Items"]
    return items

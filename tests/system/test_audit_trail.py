"""The audit trail: admins leave lines, operators read them, and no function removes one."""

import json
from typing import Any

import pytest

from shared.dynamo import to_item
from tests.system.products import TEA
from tests.system.roles import acting_as, is_denied
from tools.console import StepError
from tools.ops.audit_trail import of_order, of_person, show
from tools.shop.client import Customer, Shop, made_up_name
from tools.stack import Stack

WRITERS = ["UsersApiFunctionRole", "OrdersApiFunctionRole", "JobsApiFunctionRole"]


@pytest.fixture(scope="module")
def admin(shop: Shop) -> Customer:
    return shop.admin()


def test_what_an_admin_read_and_changed_of_a_person_can_be_traced(
    stack: Stack, shop: Shop, admin: Customer, capsys: pytest.CaptureFixture[str]
) -> None:
    ada = shop.sign_up("Ada Example")
    order_id = shop.place(ada, {TEA: 1}).json()["order_id"]
    shop.settled(ada, order_id)
    user = f"/users/{ada.user_id}"
    change = {"name": made_up_name("Ada"), "locale": "en"}

    shop.request("GET", f"/orders/{order_id}", token=admin.token).raise_for_status()
    shop.request("GET", "/orders", token=admin.token, params={"customer_id": ada.user_id}).raise_for_status()
    shop.request("GET", "/users", token=admin.token, params={"email": ada.email}).raise_for_status()
    shop.request("PUT", user, token=admin.token, json=change).raise_for_status()
    # What Ada does herself leaves nothing.
    shop.request("GET", user, token=ada.token).raise_for_status()
    shop.request("GET", f"/orders/{order_id}", token=ada.token).raise_for_status()

    found = [access for access in of_person(stack, ada.user_id) if access.whose == ada.user_id]
    assert [(access.operation, access.things) for access in found] == [
        ("read_order", (order_id,)),
        ("list_orders", (order_id,)),
        ("list_users", ()),
        ("change_user", ()),
    ]
    assert {access.admin_id for access in found} == {admin.user_id}
    assert {access.client_id for access in found} == {stack.resource("AdminUserPoolClient")}
    assert all(access.source_ip for access in found)
    assert [access.operation for access in of_order(stack, ada.user_id, order_id)] == [
        "read_order",
        "list_orders",
    ]

    show(stack, ada.email, as_json=True)
    shown = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [access.as_dict() for access in found] == [
        {**line, "things": tuple(line["things"])} for line in shown if line["whose"] == ada.user_id
    ]
    show(stack, ada.user_id, as_json=False)
    assert f"{admin.user_id} from {found[0].source_ip}: read_order {order_id}" in capsys.readouterr().out


def test_the_lines_of_a_closed_account_stay_and_hold_nothing_but_ids(
    stack: Stack, shop: Shop, admin: Customer
) -> None:
    grace = shop.sign_up("Grace Example")
    shop.request("DELETE", f"/users/{grace.user_id}", token=admin.token).raise_for_status()

    [line] = [access for access in of_person(stack, grace.user_id) if access.whose == grace.user_id]
    assert line.operation == "delete_user"
    stored = stack.client("dynamodb").query(
        TableName=stack.resource("AuditTrailTable"),
        KeyConditionExpression="pk = :person",
        ExpressionAttributeValues=to_item({":person": grace.user_id}),
    )
    assert grace.email not in str(stored) and "Grace" not in str(stored)


def test_a_customer_does_not_see_the_audit_trail(shop: Shop, admin: Customer) -> None:
    ada = shop.sign_up("Ada Example")
    shop.request("GET", f"/users/{ada.user_id}", token=admin.token).raise_for_status()
    for path in ("/users/me", "/users/me/export", "/orders"):
        answer = shop.request("GET", path, token=ada.token)
        answer.raise_for_status()
        assert admin.user_id not in answer.text


@pytest.mark.parametrize("role", WRITERS)
def test_a_function_that_leaves_lines_reads_changes_and_removes_none(stack: Stack, role: str) -> None:
    table, key = (
        stack.resource("AuditTrailTable"),
        {"pk": f"test-{role}", "sk": "2026-01-01T00:00:00.000Z#test"},
    )
    item, at = to_item({**key, "things": []}), {"TableName": table, "Key": to_item(key)}
    change: dict[str, Any] = {
        "UpdateExpression": "SET things = :none",
        "ExpressionAttributeValues": to_item({":none": ["another"]}),
    }
    query: dict[str, Any] = {
        "TableName": table,
        "KeyConditionExpression": "pk = :pk",
        "ExpressionAttributeValues": to_item({":pk": key["pk"]}),
    }
    try:
        with acting_as(stack, role) as client:
            dynamodb = client("dynamodb")
            assert not is_denied(dynamodb.put_item, TableName=table, Item=item)
            assert is_denied(dynamodb.get_item, **at)
            assert is_denied(dynamodb.query, **query)
            assert is_denied(dynamodb.scan, TableName=table)
            assert is_denied(dynamodb.update_item, **at, **change)
            assert is_denied(dynamodb.delete_item, **at)
            assert is_denied(dynamodb.transact_write_items, TransactItems=[{"Update": {**at, **change}}])
            assert is_denied(dynamodb.transact_write_items, TransactItems=[{"Delete": at}])
            removal = {table: [{"DeleteRequest": {"Key": to_item(key)}}]}
            assert is_denied(dynamodb.batch_write_item, RequestItems=removal)
        assert stack.client("dynamodb").get_item(**at)["Item"] == item
    finally:
        stack.client("dynamodb").delete_item(**at)


def test_a_function_that_shows_no_persons_leaves_no_line(stack: Stack) -> None:
    line = to_item({"pk": "test-inventory", "sk": "2026-01-01T00:00:00.000Z#test"})
    with acting_as(stack, "InventoryApiFunctionRole") as client:
        assert is_denied(client("dynamodb").put_item, TableName=stack.resource("AuditTrailTable"), Item=line)


def test_an_address_without_a_profile_is_said_so(stack: Stack) -> None:
    with pytest.raises(StepError, match="No profile"):
        show(stack, "nobody@example.com", as_json=False)

"""An admin who reaches a customer's returns leaves a line first, and the customer leaves none."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from shared.aws import client
from tests.component.audit_trail import lines
from tests.component.returns.client import ORDER, Client, items

BODIES: dict[str, Any] = {
    "POST /orders/{order_id}/returns": {"lines": [{"sku": "MUG", "quantity": 1}], "reason": "other"},
    "GET /orders/{order_id}/returns": None,
    "POST /orders/{order_id}/returns/{return_id}/withdraw": None,
    "POST /orders/{order_id}/returns/{return_id}/accept": None,
    "POST /orders/{order_id}/returns/{return_id}/refuse": {"reason": "other"},
    "POST /orders/{order_id}/returns/{return_id}/inspect": {"lines": [{"sku": "TEA", "restocked": 1}]},
    "GET /returns/waiting": None,
}
OWN = [name for name in BODIES if name.endswith(("returns", "withdraw"))]


@pytest.fixture
def return_id(ada: Client, fulfilled: Any) -> str:
    """A return of Ada's that waits for a decision."""
    assert fulfilled
    return ada.requested(TEA=1)


def send(caller: Client, operation: str, return_id: str) -> int:
    method, _, path = operation.partition(" ")
    answer = caller.call(
        method,
        path.format(order_id=ORDER, return_id=return_id),
        body=BODIES[operation],
        headers={"Idempotency-Key": "another"},
    )
    return int(answer["statusCode"])


@pytest.mark.parametrize("operation", BODIES)
def test_an_admins_request_leaves_its_line(admin: Client, return_id: str, operation: str) -> None:
    if operation.endswith("inspect"):
        admin.do("accept", return_id)
    before = len(lines())

    assert send(admin, operation, return_id) < 300

    line = lines()[before]
    assert (line["pk"], line["admin_id"]) == ("ada", "root")
    assert line["things"] == ([ORDER, return_id] if "{return_id}" in operation else [ORDER])


@pytest.mark.parametrize("operation", BODIES)
def test_a_request_whose_line_is_refused_shows_nothing_and_changes_nothing(
    table: Any, admin: Client, return_id: str, operation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, before = client("dynamodb").transact_write_items, items(table)

    def refuses_lines(**request: Any) -> Any:
        if "AuditTrailTable" in str(request):
            error: Any = {"Error": {"Code": "ProvisionedThroughputExceededException", "Message": "too much"}}
            raise ClientError(error, "TransactWriteItems")
        return write(**request)

    monkeypatch.setattr(client("dynamodb"), "transact_write_items", refuses_lines)

    assert send(admin, operation, return_id) == 503
    assert items(table) == before


@pytest.mark.parametrize("operation", OWN)
def test_the_owners_own_request_leaves_none(ada: Client, return_id: str, operation: str) -> None:
    assert send(ada, operation, return_id) < 300
    assert lines() == []

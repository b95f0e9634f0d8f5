"""An admin who reads or changes a person's data leaves a line first, on every route.

The routes come from the API's document, so a new one without a request here fails.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from orders.domain.order import order_id_for
from shared.audit_trail import EVERYBODY
from tests.budgets.shop import CountedShop
from tests.component.rest_events import claims_of, json_body, rest_event
from tests.faults.answers import Answer
from tests.faults.faults import Call
from tests.faults.requests import key_of
from tests.faults.scenarios import SCENARIOS, begin
from tests.faults.services import environment
from tests.faults.tables import ask
from tools.contracts.openapi.document import committed, operations_of

ADA, OLGA = claims_of("ada", "ada@example.com"), claims_of("olga", "olga@example.com", groups="admin")
TRAIL = "AuditTrailTable"
ACCOUNT = {"email": "ada@example.com", "password": "Analytical-Engine-1843", "name": "Ada", "locale": "en"}
NAME = {"name": "Ada", "locale": "en"}
EXPORT = {"kind": "order_export", "format": "csv", "from": "2026-03-01", "to": "2026-03-02"}
HOUR = 3600

# Any other service has the same tests in tests/component/<service>/test_audited_routes.py.
HERE = {"users", "orders", "jobs"}
ALL = {
    (operation["tags"][0], f"{method.upper()} {path}"): operation["x-audited"]
    for method, path, operation in operations_of(committed())
    if "x-audited" in operation
}
AUDITED = {name: whose for (service, name), whose in ALL.items() if service in HERE}
# What a request to each of them needs beside its path.
REQUESTS: dict[str, dict[str, Any]] = {
    "GET /users": {},
    "GET /users/{user_id}": {},
    "PUT /users/{user_id}": {"body": NAME, "headers": {"If-Match": '"1"'}},
    "DELETE /users/{user_id}": {},
    "GET /users/{user_id}/export": {},
    "GET /orders": {"query": {"customer_id": "ada"}},
    "GET /orders/attention": {},
    "GET /orders/{order_id}": {},
    "POST /orders/{order_id}/cancel": {},
    "POST /orders/{order_id}/resume": {},
    "GET /jobs": {},
    "POST /jobs": {"body": EXPORT, "headers": {"Idempotency-Key": "another"}},
    "GET /jobs/{job_id}": {},
    "POST /jobs/{job_id}/cancel": {},
}
# The order waits for its saga, so there is nothing to resume. The line stands before the refusal.
REFUSED = {"POST /orders/{order_id}/resume": 409}
OWN = [operation for operation, whose in AUDITED.items() if whose == "owner" and operation not in REFUSED]


@dataclass
class _Shop:
    """A shop in which Ada has a profile and an order that waits for too long, and an export of orders has a file."""

    cloud: "_CountedShop"
    places: dict[str, str]

    def send(self, operation: str, claims: dict[str, str]) -> dict[str, Any]:
        method, _, path = operation.partition(" ")
        return self.cloud.send(
            rest_event(method, path.format_map(self.places), claims=claims, **REQUESTS[operation])
        )

    @property
    def lines(self) -> list[dict[str, Any]]:
        return self.cloud.items(TRAIL)

    @property
    def stored(self) -> dict[str, list[dict[str, Any]]]:
        """The items of the three services, without the lines."""
        return {table: self.cloud.items(table) for table in ("OrdersTable", "UsersTable", "JobsTable")}


class _CountedShop(CountedShop):
    refuses_lines = False

    def _effect(self, call: Call) -> Answer:
        if self.refuses_lines and TRAIL in str(call.arguments):
            error: Any = {"Error": {"Code": "ProvisionedThroughputExceededException", "Message": "too much"}}
            return Answer(error=ClientError(error, call.operation))
        return super()._effect(call)


@pytest.fixture
def shop() -> Iterator[_Shop]:
    cloud = _CountedShop()
    with environment({"STAGE": "dev"}), cloud.running():
        begin(cloud, SCENARIOS["good"])
        cloud._do(cloud.world.pending.pop(0), None)
        cloud.world.clock += HOUR
        assert cloud.send(rest_event("POST", "/users", body=ACCOUNT))["statusCode"] == 201
        key = {"Idempotency-Key": "an-export"}
        job = json_body(cloud.send(rest_event("POST", "/jobs", body=EXPORT, headers=key, claims=OLGA)))
        _finish(job["job_id"], job["created_at"])
        for line in cloud.items(TRAIL):
            ask("DeleteItem", {"TableName": TRAIL, "Key": {name: {"S": line[name]} for name in ("pk", "sk")}})
        order_id = order_id_for("ada", key_of("ada"))
        yield _Shop(cloud, {"user_id": "ada", "order_id": order_id, "job_id": job["job_id"]})


def _finish(job_id: str, at: str) -> None:
    """The export was cancelled with its last page, so that it has a file, and a cancellation is no conflict."""
    ask(
        "UpdateItem",
        {
            "TableName": "JobsTable",
            "Key": {"pk": {"S": job_id}},
            "UpdateExpression": "SET #status = :status, finished_at = :at, result_key = :key",
            "ExpressionAttributeNames": {"#status": "status"},
            "ExpressionAttributeValues": {
                ":status": {"S": "cancelled"},
                ":at": {"S": at},
                ":key": {"S": f"results/{job_id}.csv"},
            },
        },
    )


def test_every_audited_route_has_a_request_here() -> None:
    assert set(REQUESTS) == set(AUDITED), "add a request of each to REQUESTS"


def test_every_other_audited_route_has_a_request_in_its_services_own_tests() -> None:
    without = [route for route in ALL if route[0] not in HERE and not has_own_request(*route)]
    assert without == [], "send each in tests/component/<service>/test_audited_routes.py, and see its line"


def has_own_request(service: str, operation: str) -> bool:
    own = Path(__file__).parent / service / "test_audited_routes.py"
    return own.exists() and f'"{operation}"' in own.read_text(encoding="utf-8")


def test_a_route_of_a_service_without_such_tests_is_found() -> None:
    assert not has_own_request("shipping", "GET /shipments/{shipment_id}")


@pytest.mark.parametrize("operation", REQUESTS)
def test_an_admins_request_leaves_its_line(shop: _Shop, operation: str) -> None:
    answer = shop.send(operation, OLGA)

    assert answer["statusCode"] < 300 or answer["statusCode"] == REFUSED.get(operation)
    [line] = shop.lines
    assert line["pk"] == (EVERYBODY if AUDITED[operation] == "everybody" else "ada")
    assert (line["admin_id"], line["source_ip"]) == ("olga", "203.0.113.7")
    if "/orders" in operation:
        assert line["things"] == [shop.places["order_id"]]
        assert answer["statusCode"] in REFUSED.values() or shop.places["order_id"] in answer["body"]


@pytest.mark.parametrize("operation", REQUESTS)
def test_a_request_whose_line_is_refused_shows_nothing_and_changes_nothing(
    shop: _Shop, operation: str
) -> None:
    before = shop.stored
    shop.cloud.refuses_lines = True
    answer = shop.send(operation, OLGA)

    assert answer["statusCode"] == 503
    assert shop.places["order_id"] not in answer["body"] and "ada" not in answer["body"].lower()
    assert shop.stored == before


@pytest.mark.parametrize("operation", OWN)
def test_the_owners_own_request_leaves_none_and_makes_no_call_for_it(shop: _Shop, operation: str) -> None:
    shop.cloud.refuses_lines = True
    assert shop.send(operation, ADA)["statusCode"] < 300
    assert shop.lines == []

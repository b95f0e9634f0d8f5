"""An order and each route make no more calls of AWS, and use no more capacity, than their budget.

`make budgets` renews the budgets; its diff shows what a change costs.
"""

from typing import Any

import pytest

from tests.budgets.calls import measured
from tests.budgets.file import RENEW, budgets, over
from tests.budgets.requests import UNCOUNTED
from tests.template import functions
from tools.contracts.openapi.document import committed, operations_of

WAYS = ("fulfilled", "rejected", "cancelled", "requests")


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    """The counts of the present code."""
    return measured()


@pytest.mark.parametrize("way", WAYS)
def test_no_step_makes_more_calls_or_uses_more_capacity_than_its_budget(
    found: dict[str, Any], way: str
) -> None:
    budget = budgets()["calls"][way]
    problems = [
        f"{step}: {problem}"
        for step, counts in found[way].items()
        for problem in over(counts, budget.get(step, {}))
    ]
    assert not problems, "\n".join([*problems, RENEW])


@pytest.mark.parametrize("way", WAYS)
def test_no_budget_is_of_a_step_that_is_gone(found: dict[str, Any], way: str) -> None:
    assert set(budgets()["calls"][way]) == set(found[way]), RENEW


def test_only_audited_requests_write_the_audit_trail(found: dict[str, Any]) -> None:
    writing = {
        step for way in WAYS for step, counts in found[way].items() if "write AuditTrailTable" in counts
    }
    assert {"GET /users", "GET /users/{user_id}", "POST /jobs"} <= writing
    audited = {
        f"{method.upper()} {path}"
        for method, path, operation in operations_of(committed())
        if "x-audited" in operation
    }
    assert writing <= audited


def test_every_route_of_the_shop_is_counted(found: dict[str, Any]) -> None:
    routes = {str(route) for function in functions() for route in function.routes if route.is_public}
    counted = {step for way in WAYS for step in found[way]}
    assert routes - counted == UNCOUNTED

"""The routes that leave a line in the audit trail. No way of an admin to a person's data can be forgotten.

tests/component/test_audited_routes.py sends the requests.
"""

import ast
import inspect
from collections.abc import Iterator
from textwrap import dedent

from shared.access import Access
from shared.api import routes_of
from tools.contracts.openapi.document import committed, operations_of, public_apis
from tools.settings import REPOSITORY

# Admins' routes without a line, by the beginning of their path, and why they need none.
SHOPS_OWN = {
    "/products": "products, prices and pictures name nobody",
    "/inventory": "stock names nobody; its ledger has ids of orders, whose routes leave lines",
    "/orders/placed": "the list names orders and no customer; an order's own route leaves a line",
    "/orders/{order_id}/events": "the archive keeps no personal data, and does not know the customer",
    "/dead-letters": "it counts messages; the route that looks into them leaves a line",
    "/jobs/uploads": "it signs a form that an import of products is uploaded with",
}
# Code that lets an admin through reads one of these attributes of the caller.
RIGHTS = {"is_admin", "reach", "groups"}


def rights_in(code: str) -> set[str]:
    """The attributes of RIGHTS that the code reads."""
    return RIGHTS & {
        node.attr for node in ast.walk(ast.parse(dedent(code))) if isinstance(node, ast.Attribute)
    }


def routes_that_ask_for_the_right() -> Iterator[tuple[str, bool]]:
    """Each route whose code asks whether the caller is an admin, and whether it declares whose data that is about."""
    for app in public_apis().values():
        for route in routes_of(app):
            if rights_in(inspect.getsource(route.func)):
                yield route.func.__name__, "x-audited" in (route.openapi_extensions or {})


def test_every_route_for_admins_without_a_line_has_a_reason() -> None:
    without = {
        path
        for _, path, operation in operations_of(committed())
        if operation["x-access"] == Access.ADMIN and "x-audited" not in operation
    }
    assert {path for path in without if not path.startswith(tuple(SHOPS_OWN))} == set()
    assert {start for start in SHOPS_OWN if any(path.startswith(start) for path in without)} == set(SHOPS_OWN)


def test_every_thing_with_an_owner_leaves_a_line() -> None:
    owned = [op for _, _, op in operations_of(committed()) if op["x-access"] == Access.OWNER]
    assert len(owned) > 5
    assert {operation.get("x-audited") for operation in owned} == {"owner"}


def test_a_route_that_asks_whether_the_caller_is_an_admin_leaves_a_line() -> None:
    assert dict(routes_that_ask_for_the_right()) == {"list_orders": True}


def test_nothing_else_in_the_services_asks_for_it() -> None:
    asking = {
        str(file.relative_to(REPOSITORY)): rights
        for file in (REPOSITORY / "services").rglob("*.py")
        if (rights := rights_in(file.read_text()))
    }
    assert asking == {"services/orders/orders/functions/api.py": {"is_admin"}}

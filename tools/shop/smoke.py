"""`make smoke`: asks a deployed shop over HTTP whether it works: a made-up customer places an order and cancels it.

The order is real: it takes stock, an authorization and a parcel, and gives all three back. A stack for production gets
no made-up order. There the command asks only for what anyone may read.
"""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus

from tools.command_line import Subcommands, add_command, add_stack_option
from tools.console import StepError, step
from tools.shop.client import Customer, Shop
from tools.stack import Stack
from tools.waiting import be_patient, wait_for

_SKU = "TEA-ASSAM-100"
_KIND = "smoke-test"
_SEE_LOGS = "`make logs` shows the log lines of the functions, `make trace ORDER=...` the path of an order."


def register(subcommands: Subcommands) -> None:
    """Registers `smoke`."""
    parser = add_command(
        subcommands, "smoke", _smoke, description="see one order confirmed over HTTP, and cancel it again"
    )
    parser.add_argument(
        "--revision",
        default="",
        metavar="COMMIT",
        help="the commit that GET /health must answer (default: any)",
    )
    parser.add_argument(
        "--sku",
        default=_SKU,
        metavar="SKU",
        help=f"a product on sale and in stock (default: {_SKU}, of the seed)",
    )
    add_stack_option(parser)


def _smoke(arguments: argparse.Namespace) -> None:
    stack = Stack.named(arguments.stack, arguments.region)
    if stack.is_on_aws:
        be_patient()
    smoke(stack, sku=arguments.sku, revision=arguments.revision)


def smoke(stack: Stack, *, sku: str, revision: str = "") -> None:
    """Asks the shop, step by step on the terminal.

    Raises StepError if an answer is wrong, NotInTime if one does not come. The made-up customer is erased in any case.
    """
    shop = Shop(stack, _KIND)
    _answers(shop, revision)
    _is_closed_to_strangers(shop)
    _lists_products(shop)
    if stack.is_production:
        print(f"  The stack {stack.name} is for production, so no order was made up.")
        return
    with _customer(shop) as customer:
        order_id = _confirmed_order(shop, customer, sku)
        _cancelled(shop, customer, order_id)


def _answers(shop: Shop, revision: str) -> None:
    with step("The API answers") as asking:

        def health() -> dict[str, str] | None:
            answer = shop.request("GET", "/health")
            found: dict[str, str] = answer.json() if answer.ok else {}
            return found if found and revision in ("", found["revision"]) else None

        wanted = f"GET /health to answer the commit {revision}" if revision else "GET /health to answer 200"
        found = wait_for(health, wanted, seconds=30)
        asking.note(f"version {found['version']}, commit {found['revision'] or 'not named'}")


def _is_closed_to_strangers(shop: Shop) -> None:
    with step("It refuses a caller without a token"):
        _expect(
            shop.request("GET", "/orders").status_code, HTTPStatus.UNAUTHORIZED, "GET /orders without a token"
        )


def _lists_products(shop: Shop) -> None:
    with step("It lists its products"):
        _expect(shop.request("GET", "/products").status_code, HTTPStatus.OK, "GET /products")


@contextmanager
def _customer(shop: Shop) -> Iterator[Customer]:
    """A made-up customer, whom the shop erases at the end; it also cancels the order that a failure left."""
    with step("A customer signs in"):
        customer = shop.sign_up("Smoke")
    try:
        yield customer
    finally:
        with step("The shop erases the customer"):
            answer = shop.request("DELETE", "/users/me", token=customer.token)
            _expect(answer.status_code, HTTPStatus.NO_CONTENT, "DELETE /users/me")


def _confirmed_order(shop: Shop, customer: Customer, sku: str) -> str:
    with step("Their order is confirmed") as ordering:
        placed = shop.place(customer, {sku: 1})
        if placed.status_code != HTTPStatus.CREATED:
            raise StepError(
                f"POST /orders answered {placed.status_code}: {placed.text}",
                "`make seed` fills an empty shop; SKU=... names another product that is on sale and in stock.",
            )
        order_id = str(placed.json()["order_id"])
        order = shop.settled(customer, order_id)
        if order["status"] not in ("confirmed", "fulfilled"):
            reason = order.get("rejection_reason") or order.get("cancellation_reason")
            raise StepError(f"The order {order_id} is {order['status']} ({reason}).", _SEE_LOGS)
        ordering.note(order_id)
    return order_id


def _cancelled(shop: Shop, customer: Customer, order_id: str) -> None:
    with step("They cancel it") as cancelling:
        answer = shop.request("POST", f"/orders/{order_id}/cancel", token=customer.token)
        if answer.status_code == HTTPStatus.CONFLICT:
            cancelling.note("too late: the parcel has left")
            return
        _expect(answer.status_code, HTTPStatus.ACCEPTED, f"POST /orders/{order_id}/cancel")
        shop.become(customer, order_id, "cancelled")


def _expect(status: int, wanted: HTTPStatus, what: str) -> None:
    if status != wanted:
        raise StepError(f"{what} answered {status}, not {wanted.value}.", _SEE_LOGS)

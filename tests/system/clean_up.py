"""What a run of the system tests leaves on a stack that other people use: as little as the stack lets it.

Orders stay, without the personal data of their customers. So do retired products, and the records of stock and money.
"""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

from catalog.adapters.product_store import ProductStore
from shared.clock import utc_now
from tools.ops.dead_letters import DeadLetters, Queue
from tools.shop.audit import Auditor
from tools.shop.client import Customer, Shop
from tools.stack import Stack
from tools.waiting import wait_for

KIND = "system-test"
"""Is in the address of each account that the tests make up, also in an earlier run that broke off."""

_ADDRESSES = f"success+{KIND}."

MADE, IMPORTED = "TEST-", "JOB-"
"""A product of the tests has a sku that begins so, by how it came into the catalogue."""

_AT_ONCE = 4


def clean_up(stack: Stack, shop: Shop, started: datetime) -> None:
    """Ends parked orders of made-up customers, retires made-up products, and erases made-up accounts.

    It also deletes the dead letters since the run's start. Raises NotInTime if the stack does not follow.
    """
    admin = shop.admin()
    _end_parked_orders(stack, shop, admin)
    # To retire a thousand imported products takes the embedded cloud minutes, and `make down` forgets them.
    _retire_products(stack, (MADE, IMPORTED) if stack.is_on_aws else (MADE,))
    _erase_accounts(stack, shop, admin)
    _discard_dead_letters(stack, started)


def _end_parked_orders(stack: Stack, shop: Shop, admin: Customer) -> None:
    ours = _accounts(stack) | _profiles(stack)

    def parked() -> list[str]:
        items = Auditor(stack).order_items()
        return [
            item["order_id"] for item in items if item["status"] == "parked" and item["customer_id"] in ours
        ]

    for order_id in parked():
        shop.request("POST", f"/orders/{order_id}/resume", token=admin.token).raise_for_status()
    wait_for(lambda: not parked(), "the parked orders to come to their end", seconds=120)


def _retire_products(stack: Stack, prefixes: tuple[str, ...]) -> None:
    store = ProductStore(stack.client("dynamodb"), stack.resource("CatalogTable"))

    def retire(sku: str) -> None:
        product = store.find(sku, consistent=True)
        if product is not None:
            retired, events = product.retire(correlation_id=KIND, now=utc_now())
            store.put_product(retired, events)

    made_up = [
        item["pk"]
        for item in Auditor(stack).table("CatalogTable")
        if item["pk"].startswith(prefixes) and item.get("active")
    ]
    _for_each(retire, made_up)


def _erase_accounts(stack: Stack, shop: Shop, admin: Customer) -> None:
    """Closes each account by the API, which erases every copy of its data, and the admin's own at the end."""

    def close(user_id: str) -> None:
        answer = shop.request("DELETE", f"/users/{user_id}", token=admin.token)
        if answer.status_code == 404:
            # It never made a profile, so the shop knows nothing of it.
            stack.client("cognito-idp").admin_delete_user(
                UserPoolId=stack.resource("UserPool"), Username=user_id
            )
        else:
            answer.raise_for_status()

    _for_each(close, (_accounts(stack) | _profiles(stack)) - {admin.user_id})
    close(admin.user_id)
    wait_for(
        lambda: not _accounts(stack) | _profiles(stack), "the accounts of the tests to be gone", seconds=180
    )


def _discard_dead_letters(stack: Stack, started: datetime) -> None:
    box = DeadLetters(stack)

    def discard(queue: Queue) -> None:
        with box.inspected(queue) as letters:
            for letter in letters:
                if letter.since >= started:
                    box.discard(queue, letter)

    _for_each(discard, box.queues())


def _accounts(stack: Stack) -> set[str]:
    """The id of each account that system tests made up, as far as Cognito has it."""
    pages = (
        stack.client("cognito-idp")
        .get_paginator("list_users")
        .paginate(UserPoolId=stack.resource("UserPool"), Filter=f'email ^= "{_ADDRESSES}"')
    )
    return {
        attribute["Value"]
        for page in pages
        for user in page["Users"]
        for attribute in user["Attributes"]
        if attribute["Name"] == "sub"
    }


def _profiles(stack: Stack) -> set[str]:
    """The id of each account with an open profile. A test may have deleted the account in Cognito alone."""
    profiles = Auditor(stack).table("UsersTable")
    return {item["pk"] for item in profiles if item.get("email", "").startswith(_ADDRESSES)}


def _for_each[Item](act: Callable[[Item], Any], items: Iterable[Item]) -> None:
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        list(threads.map(act, items))

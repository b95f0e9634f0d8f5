"""A projection that was lost is made again from its source, while the shop runs."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

import pytest

from local.books import Books
from local.rebuild import rebuild
from local.shop import Customer, Shop
from local.stack import Stack
from local.steps import StepError
from local.waiting import wait_for
from shared.dynamo import to_item

SKUS = ["TEA-ASSAM-100", "TEA-DARJ-100"]


def forget(stack: Stack, table: str, keys: list[str]) -> None:
    """Deletes items of a projection, as a mishap would."""
    for key in keys:
        stack.client("dynamodb").delete_item(TableName=stack.resource(table), Key=to_item({"pk": key}))


def prices(books: Books, table: str) -> dict[str, Any]:
    return {
        item["pk"]: (item["price"]["amount"], item["active"], item["version"])
        for item in books.table(table)
        if "price" in item
    }


@pytest.fixture(scope="module")
def admin(shop: Shop) -> Customer:
    return shop.admin()


@pytest.fixture
def restored(shop: Shop, admin: Customer) -> Iterator[None]:
    """The products' prices are afterwards what they were."""
    before = {sku: shop.request("GET", f"/products/{sku}").json() for sku in SKUS}
    yield
    for sku, product in before.items():
        change(shop, admin, sku, product["price"]["amount"])


def change(shop: Shop, admin: Customer, sku: str, amount: int) -> None:
    """Gives the product a new price."""
    found = shop.request("GET", f"/products/{sku}")
    body = {name: found.json()[name] for name in ("name", "description", "category", "price", "active")}
    body["price"] = body["price"] | {"amount": amount}
    answer = shop.request(
        "PUT", f"/products/{sku}", token=admin.token, headers={"If-Match": found.headers["ETag"]}, json=body
    )
    answer.raise_for_status()


@pytest.mark.usefixtures("restored")
def test_prices_that_were_lost_are_there_again_though_products_change_meanwhile(
    stack: Stack, shop: Shop, books: Books, admin: Customer
) -> None:
    lost = list(prices(books, "OrdersPricesTable"))
    rebuilt = Event()

    def go_on_changing() -> int:
        amount = 500
        while not rebuilt.is_set():
            amount += 1
            for sku in SKUS:
                change(shop, admin, sku, amount)
        return amount

    with ThreadPoolExecutor(1) as pool:
        changes = pool.submit(go_on_changing)
        forget(stack, "OrdersPricesTable", lost)
        try:
            told = rebuild(stack, "orders-prices")
        finally:
            rebuilt.set()
        assert changes.result() > 500

    # What orders had heard of and the catalogue does not know (a made-up example) nobody tells again.
    assert told >= len(set(lost) & prices(books, "CatalogTable").keys()) > 0
    wait_for(
        lambda: prices(books, "OrdersPricesTable") == prices(books, "CatalogTable"),
        "orders' prices to be the catalogue's",
        seconds=60,
    )


def test_an_address_that_was_lost_is_there_again_and_one_that_was_erased_stays_so(
    stack: Stack, shop: Shop, books: Books
) -> None:
    here, gone = shop.sign_up("Rebuilt Example"), shop.sign_up("Erased Example")
    shop.request("DELETE", "/users/me", token=gone.token).raise_for_status()

    def of_both() -> dict[str, dict[str, Any]]:
        items = {item["pk"]: item for item in books.table("NotificationsTable")}
        return {user.user_id: items[user.user_id] for user in (here, gone) if user.user_id in items}

    wait_for(lambda: "erased_at" in of_both().get(gone.user_id, {}), "the erasure", seconds=60)
    wait_for(lambda: here.user_id in of_both(), "the address", seconds=60)
    before = of_both()
    forget(stack, "NotificationsTable", list(before))

    rebuild(stack, "notifications-addresses")

    wait_for(lambda: of_both() == before, "the addresses as they were", seconds=60)


def test_a_projection_that_there_is_not_is_said_so(stack: Stack) -> None:
    with pytest.raises(StepError, match="There is no projection prices") as raised:
        rebuild(stack, "prices")
    assert raised.value.advice == "There are orders-prices, notifications-addresses."

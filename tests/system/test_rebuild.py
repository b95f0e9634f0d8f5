"""A projection that was lost is made again from its source, while the shop runs."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Event
from typing import Any
from uuid import uuid4

import pytest

from catalog.domain.collation import sort_key
from reports.domain.facts import Kind
from reports.domain.week import Week
from shared.clock import timestamp
from shared.dynamo import to_item
from tests.system.products import DARJEELING, TEA
from tools.console import StepError
from tools.ops.rebuild import PROJECTIONS, rebuild
from tools.shop.audit import Auditor
from tools.shop.client import Customer, Shop
from tools.stack import Stack
from tools.waiting import wait_for

from .conftest import event

type Item = dict[str, Any]

SKUS = [TEA, DARJEELING]
loses_all = pytest.mark.embedded_only(
    "deletes a whole projection, which a run that breaks off would leave empty"
)


def forget(stack: Stack, table: str, keys: list[str]) -> None:
    """Deletes items of a projection, as a mishap would."""
    for key in keys:
        stack.client("dynamodb").delete_item(TableName=stack.resource(table), Key=to_item({"pk": key}))


def prices(auditor: Auditor, table: str) -> dict[str, Any]:
    return {
        item["pk"]: (item["price"]["amount"], item["active"], item["version"])
        for item in auditor.table(table)
        if "price" in item
    }


@pytest.fixture(scope="module")
def admin(shop: Shop) -> Customer:
    return shop.admin()


@pytest.fixture
def restored(shop: Shop, auditor: Auditor, admin: Customer) -> Iterator[None]:
    """The products' prices are afterwards what they were, also for those who place orders."""
    before = {sku: shop.request("GET", f"/products/{sku}").json()["price"]["amount"] for sku in SKUS}
    yield
    for sku, amount in before.items():
        change(shop, admin, sku, amount)

    def are_back() -> bool:
        now = prices(auditor, "OrdersPricesTable")
        return {sku: now[sku][0] for sku in SKUS} == before

    wait_for(are_back, "the prices as they were", seconds=60)


def change(shop: Shop, admin: Customer, sku: str, amount: int) -> None:
    """Gives the product a new price."""
    found = shop.request("GET", f"/products/{sku}")
    body = {name: found.json()[name] for name in ("name", "description", "category", "price", "active")}
    body["price"] = body["price"] | {"amount": amount}
    answer = shop.request(
        "PUT", f"/products/{sku}", token=admin.token, headers={"If-Match": found.headers["ETag"]}, json=body
    )
    answer.raise_for_status()


@loses_all
@pytest.mark.usefixtures("restored")
def test_prices_that_were_lost_are_there_again_though_products_change_meanwhile(
    stack: Stack, shop: Shop, auditor: Auditor, admin: Customer
) -> None:
    lost = list(prices(auditor, "OrdersPricesTable"))
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
        try:
            forget(stack, "OrdersPricesTable", lost)
            sent = rebuild(stack, "orders-prices")
        finally:
            rebuilt.set()
        assert changes.result() > 500

    # A price of a made-up product, which the catalogue does not know, is not published again.
    assert sent >= len(set(lost) & prices(auditor, "CatalogTable").keys()) > 0
    wait_for(
        lambda: prices(auditor, "OrdersPricesTable") == prices(auditor, "CatalogTable"),
        "orders' prices to be the catalogue's",
        seconds=60,
    )


def test_an_address_that_was_lost_is_there_again_and_one_that_was_erased_stays_so(
    stack: Stack, shop: Shop, auditor: Auditor
) -> None:
    here, gone = shop.sign_up("Rebuilt Example"), shop.sign_up("Erased Example")
    shop.request("DELETE", "/users/me", token=gone.token).raise_for_status()

    def of_both() -> dict[str, dict[str, Any]]:
        items = {item["pk"]: item for item in auditor.table("NotificationsTable")}
        return {user.user_id: items[user.user_id] for user in (here, gone) if user.user_id in items}

    wait_for(lambda: "erased_at" in of_both().get(gone.user_id, {}), "the erasure", seconds=60)
    wait_for(lambda: here.user_id in of_both(), "the address", seconds=60)
    before = of_both()
    forget(stack, "NotificationsTable", list(before))

    rebuild(stack, "notifications-addresses")

    wait_for(lambda: of_both() == before, "the addresses as they were", seconds=60)


def key_of(item: Item) -> tuple[str, str]:
    return item["pk"], item["sk"]


def sales(auditor: Auditor) -> dict[tuple[str, str], Item]:
    """The whole sales projection."""
    return {key_of(item): item for item in auditor.table("ReportsSalesTable")}


def facts_of(auditor: Auditor, order_id: str) -> set[str]:
    """The kinds of facts that the sales projection has of the order."""
    return {item["kind"] for item in sales(auditor).values() if item.get("order_id") == order_id}


def made_of(item: Item) -> tuple[str, str]:
    """The id and the week of the event that an item of the sales projection was made of."""
    if "version" in item:
        return f"{item['sku']}:{item['version']}:product.changed", item["week"]
    return item.get("event_id", item["sk"].split("#", 2)[-1]), item["pk"].partition("#")[0]


def archived(auditor: Auditor) -> set[tuple[str, str]]:
    """The same of all that the archive has."""
    return {
        (item["event_id"], str(Week.of(datetime.fromisoformat(item["occurred_at"]))))
        for item in auditor.table("ArchiveTable")
    }


def send_past_weeks(stack: Stack, sku: str) -> int:
    """Sends events of a made-up product to the archive and the sales projection; returns the number of new items.

    The product changed in two weeks, long ago, and ran low in one.
    """
    week = Week(1970 + uuid4().int % 50, 10)

    def product(version: int, at: datetime) -> Item:
        data = {"sku": sku, "name": f"Name {version}", "category": "tea", "active": True, "version": version}
        changed = event("product.changed", sku, data | {"price": {"amount": 100, "currency": "EUR"}})
        return changed | {
            "event_id": f"{sku}:{version}:product.changed",
            "aggregate_version": version,
            "occurred_at": timestamp(at),
        }

    low = event("stock.low", f"stock-{sku}", {"sku": sku, "available": 1, "threshold": 5})
    events = [
        product(1, week.end - timedelta(days=3)),
        product(2, week.end - timedelta(days=2)),
        product(3, week.end + timedelta(days=30)),
        low | {"occurred_at": timestamp(week.end - timedelta(days=2))},
    ]
    for body in map(json.dumps, events):
        for queue in ("ArchiveStoreEventsQueue", "ReportsRecordSalesQueue"):
            stack.client("sqs").send_message(QueueUrl=stack.resource(queue), MessageBody=body)
    return 3


@pytest.fixture
def lose_sales(stack: Stack, auditor: Auditor) -> Iterator[Callable[[], dict[tuple[str, str], Item]]]:
    """Deletes the whole sales projection and returns it.

    Afterwards the items of made-up examples, which no service publishes again, are put back.
    """
    dynamodb, table = stack.client("dynamodb"), stack.resource("ReportsSalesTable")
    lost: dict[tuple[str, str], Item] = {}

    def lose() -> dict[tuple[str, str], Item]:
        lost.update(sales(auditor))
        for pk, sk in lost:
            dynamodb.delete_item(TableName=table, Key=to_item({"pk": pk, "sk": sk}))
        return lost

    yield lose
    for key in lost.keys() - sales(auditor).keys():
        dynamodb.put_item(TableName=table, Item=to_item(lost[key]))


@loses_all
def test_sales_that_were_lost_are_there_again_though_orders_are_placed_meanwhile(
    stack: Stack,
    shop: Shop,
    auditor: Auditor,
    deliver: Callable[[str, int], None],
    lose_sales: Callable[[], dict[tuple[str, str], Item]],
) -> None:
    customer, sku, past = shop.sign_up("Ordering Example"), SKUS[0], f"PAST-{uuid4().hex[:8].upper()}"
    deliver(sku, 100)

    def place(country: str = "DE") -> str:
        return str(shop.place(customer, {sku: 1}, country=country).json()["order_id"])

    fulfilled, rejected = place(), place("AQ")
    past_items = send_past_weeks(stack, past)

    def recorded() -> bool:
        return (
            facts_of(auditor, fulfilled) == {Kind.PLACED, Kind.CONFIRMED, Kind.FULFILLED}
            and facts_of(auditor, rejected) == {Kind.PLACED, Kind.REJECTED}
            and sum(past in sk for _, sk in sales(auditor)) == past_items
        )

    wait_for(recorded, "the sales", seconds=90)
    rebuilt = Event()

    def go_on_ordering() -> list[str]:
        placed = []
        while not rebuilt.is_set():
            placed.append(place())
            assert shop.settled(customer, placed[-1])["status"] in {"confirmed", "fulfilled"}
        return placed

    with ThreadPoolExecutor(1) as pool:
        orders = pool.submit(go_on_ordering)
        try:
            lost = lose_sales()
            sent = rebuild(stack, "reports-sales")
        finally:
            rebuilt.set()
        meanwhile = orders.result()
    assert meanwhile

    known = archived(auditor)
    to_be_rebuilt = {key: item for key, item in lost.items() if made_of(item) in known}

    def complete() -> bool:
        """Whether all that was lost is in, and of each new order what decided it."""
        facts = {(item["order_id"], item["kind"]) for item in sales(auditor).values() if "kind" in item}
        return to_be_rebuilt.keys() <= sales(auditor).keys() and facts >= {
            (order_id, kind) for order_id in meanwhile for kind in (Kind.PLACED, Kind.CONFIRMED)
        }

    wait_for(complete, "all sales", seconds=90)
    now = sales(auditor)
    assert {key: now[key] for key in to_be_rebuilt} == to_be_rebuilt
    assert sent >= len(to_be_rebuilt)
    # What this test saw happen is among it.
    assert len([item for item in to_be_rebuilt.values() if item.get("order_id") == fulfilled]) == 3
    assert len([item for item in to_be_rebuilt.values() if item.get("order_id") == rejected]) == 2
    assert len([item for item in to_be_rebuilt.values() if past in item["sk"]]) == past_items


def test_products_with_places_of_an_older_rule_get_their_new_ones(
    stack: Stack, shop: Shop, auditor: Auditor
) -> None:
    catalog = stack.client("dynamodb")
    for sku in SKUS:
        catalog.update_item(
            TableName=stack.resource("CatalogTable"),
            Key=to_item({"pk": sku}),
            UpdateExpression="SET place = :place",
            ExpressionAttributeValues=to_item({":place": f"zzz#{sku}"}),
        )

    assert rebuild(stack, "catalog-shelves") >= len(SKUS)

    places = {item["pk"]: item["place"] for item in auditor.table("CatalogTable") if "place" in item}
    assert [places[sku] for sku in SKUS] == [
        f"{sort_key(shop.request('GET', f'/products/{sku}').json()['name'])}\t{sku}" for sku in SKUS
    ]
    assert rebuild(stack, "catalog-shelves") == 0


def test_an_order_without_the_copy_of_its_country_gets_it(
    stack: Stack, shop: Shop, auditor: Auditor, customer: Customer
) -> None:
    order_id = shop.place(customer, {TEA: 1}).json()["order_id"]
    shop.become(customer, order_id, "fulfilled")
    orders, table = stack.client("dynamodb"), stack.resource("OrdersTable")
    orders.update_item(TableName=table, Key=to_item({"pk": order_id}), UpdateExpression="REMOVE country")

    assert rebuild(stack, "orders-countries") >= 1

    countries = {item["order_id"]: item["country"] for item in auditor.order_items()}
    assert countries[order_id] == "DE"


@pytest.mark.parametrize(
    ("name", "wrong"), [("prices", "There is no projection prices"), ("", "No projection was named")]
)
def test_a_projection_that_there_is_not_is_answered_with_those_that_there_are(
    stack: Stack, name: str, wrong: str
) -> None:
    with pytest.raises(StepError, match=wrong) as raised:
        rebuild(stack, name)
    for known in PROJECTIONS:
        assert known in raised.value.advice

"""A rush of orders while a consumer is broken, on the deployed stack: mended and redriven, every order has everything
that follows from it, each once. RUSH=200 places so many."""

import os
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest

from orders.adapters.order_store import OrderStore
from orders.domain.status import OrderStatus
from tests.system.products import TEA
from tools.ops import dlq
from tools.ops.dead_letters import DeadLetters
from tools.shop.audit import Auditor, OrderRecords
from tools.shop.client import Customer, Shop
from tools.stack import Stack
from tools.waiting import wait_for

from .test_choreography import short_visibility_timeout
from .trouble import broken, packing_takes

RUSH = int(os.environ.get("RUSH", "30"))
# How many orders are being decided at once, each a client's that places its next when the last is confirmed: as fast as
# the embedded cloud decides them. One process plays all of AWS there; with more at once the steps' time runs out.
CLIENTS = 4
# Each step is waited for as long as it would take at one order in two seconds.
SECONDS = 60 + 2 * RUSH
# A client repeats, with the same key, what a busy shop did not answer or asked to be sent again.
TRIES = 5


def place(stack: Stack, customer: Customer) -> str:
    """The id of an order of one piece, confirmed, as a patient client of its own gets it."""
    shop, key = Shop(stack), str(uuid4())
    for _ in range(TRIES):
        answer = shop.place(customer, {TEA: 1}, key=key)
        if answer.status_code < 500 and answer.status_code != 429:
            break
    assert answer.status_code == 201, answer.text
    order_id = str(answer.json()["order_id"])
    # Read from the table: asking the shop would keep it from the orders.
    orders = OrderStore(stack.client("dynamodb"), stack.resource("OrdersTable"))

    def decided() -> OrderStatus | None:
        order = orders.find(order_id)
        return order.status if order and not order.status.is_open else None

    status = wait_for(decided, f"order {order_id} to be decided", seconds=SECONDS)
    assert status is OrderStatus.CONFIRMED, f"{order_id} is {status}"
    return order_id


def statuses(auditor: Auditor, order_ids: set[str]) -> Counter[str]:
    """How many of the orders are in which status."""
    return Counter(item["status"] for item in auditor.order_items() if item["order_id"] in order_ids)


def letters_of(stack: Stack, consumer: str, order_ids: set[str]) -> list[str]:
    """Which of the orders a consumer's dead letters are about, one entry a letter; they stay where they are."""
    letters = DeadLetters(stack)
    with letters.inspected(letters.queue(consumer)) as taken:
        return sorted(
            letter.value("aggregate_id") for letter in taken if letter.value("aggregate_id") in order_ids
        )


def lacking(order: OrderRecords) -> list[str]:
    """What does not follow from a fulfilled order as it should: something is missing, or is there twice."""
    parts = {"payment": order.payment, "shipment": order.shipment, "reservation": order.reservation}
    found = {name: (part or {}).get("status") for name, part in parts.items()}
    rules = {
        f"is {order.order['status']}": order.order["status"] == "fulfilled",
        f"its history is {order.order['history']}": [entry["status"] for entry in order.order["history"]]
        == ["placed", "confirmed", "fulfilled"],
        f"its parts are {found}": found
        == {"payment": "captured", "shipment": "dispatched", "reservation": "committed"},
        f"it was charged {len(order.intents)} times": len(order.intents) == 1,
        f"{order.captured()} was taken": order.captured() == order.total,
    }
    return [problem for problem, holds in rules.items() if not holds]


@pytest.mark.parametrize("consumer", ["ShippingDispatch"])
def test_every_order_of_a_rush_gets_all_that_follows_once_the_broken_consumer_is_mended_and_redriven(
    stack: Stack,
    auditor: Auditor,
    customer: Customer,
    consumer: str,
) -> None:
    with (
        packing_takes(stack, 0),
        short_visibility_timeout(stack, f"{consumer}Queue"),
        broken(stack, f"{consumer}Function"),
    ):
        with ThreadPoolExecutor(CLIENTS) as clients:
            order_ids = set(clients.map(lambda _: place(stack, customer), range(RUSH)))
        assert len(order_ids) == RUSH
        wait_for(
            lambda: letters_of(stack, consumer, order_ids) == sorted(order_ids),
            f"a dead letter of {consumer} for each order, once",
            seconds=SECONDS,
        )
        assert statuses(auditor, order_ids) == {"confirmed": RUSH}

    dlq.redrive(stack, consumer)
    wait_for(
        lambda: statuses(auditor, order_ids) == {"fulfilled": RUSH},
        f"{RUSH} orders to be fulfilled",
        seconds=SECONDS,
    )

    def unfinished() -> dict[str, list[str]]:
        orders = auditor.orders()
        return {order_id: wrong for order_id in order_ids if (wrong := lacking(orders[order_id]))}

    # No order's status says that its stock has left.
    wait_for(lambda: not unfinished(), "every order's stock to leave", seconds=SECONDS)
    assert letters_of(stack, consumer, order_ids) == []
    left = Counter(
        item["order_id"]
        for item in auditor.table("InventoryTable")
        if item.get("order_id") in order_ids and item["pk"].startswith("movement#")
    )
    assert left == dict.fromkeys(order_ids, 1), "each order's piece left once"
    assert [wrong for wrong in auditor.audit().violations if wrong.startswith((TEA, *order_ids))] == []

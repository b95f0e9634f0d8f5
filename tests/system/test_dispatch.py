"""From a confirmed order to its dispatched parcel on the deployed stack: the stock that leaves, and what is refused."""

import json
from typing import Any

import pytest

from shared.clock import utc_now
from shipping.adapters import ShipmentStore
from tests.system.products import TEA
from tools.shop.audit import Auditor
from tools.shop.client import Customer, Shop
from tools.stack import Stack
from tools.waiting import wait_for

from .test_choreography import publish

pytestmark = pytest.mark.usefixtures("undisturbed", "unhurried")


@pytest.fixture
def confirmed(shop: Shop, customer: Customer) -> str:
    """A confirmed order of two packets of tea."""
    order_id: str = shop.place(customer, {TEA: 2}).json()["order_id"]
    assert shop.settled(customer, order_id)["status"] == "confirmed"
    return order_id


def dispatch(stack: Stack, order_id: str) -> None:
    """Hands the parcel to the carrier; the relay of the table's stream publishes the event."""
    ShipmentStore(stack.client("dynamodb"), stack.resource("ShippingTable")).dispatch(order_id, utc_now())


def reservation_of(auditor: Auditor, order_id: str) -> dict[str, Any]:
    reservation = auditor.order(order_id).reservation
    assert reservation is not None
    return reservation


def test_a_dispatched_orders_stock_leaves_once_and_cannot_be_given_back(
    stack: Stack, auditor: Auditor, confirmed: str
) -> None:
    dispatch(stack, confirmed)
    wait_for(
        lambda: reservation_of(auditor, confirmed)["status"] == "committed",
        "the stock to leave",
        seconds=60,
    )

    def shipments() -> list[int]:
        return [
            item["quantity"]
            for item in auditor.table("InventoryTable")
            if item["pk"].startswith("movement#") and item.get("order_id") == confirmed
        ]

    assert shipments() == [-2]
    shipment = auditor.order(confirmed).shipment
    assert shipment is not None
    for _ in range(3):
        publish(stack, "shipment.dispatched", shipment["outbox"][0])
    before = reservation_of(auditor, confirmed)
    failures = [
        json.loads(
            stack.client("lambda")
            .invoke(
                FunctionName=stack.resource(function),
                Payload=json.dumps({"step": step, "order": saga_order(auditor.order(confirmed).order)}),
            )["Payload"]
            .read()
        )["errorType"]
        for function, step in (("ShippingStepsFunction", "cancel"), ("InventoryStepsFunction", "release"))
    ]
    assert failures == ["AlreadyDispatched", "ReservationCommitted"]
    wait_for(lambda: _is_drained(stack), "the repeated messages to be consumed", seconds=60)
    assert shipments() == [-2]
    assert reservation_of(auditor, confirmed) == before
    level = auditor.stock()[TEA]
    assert level["available"] + level["reserved"] == auditor.ledger()[TEA]


def saga_order(order: dict[str, Any]) -> dict[str, Any]:
    names = (
        "order_id",
        "customer_id",
        "correlation_id",
        "lines",
        "shipping_address",
        "payment_token",
    )
    return {name: order[name] for name in names} | {"total": order["breakdown"]["total"]}


def _is_drained(stack: Stack) -> bool:
    counts = stack.client("sqs").get_queue_attributes(
        QueueUrl=stack.resource("InventoryCommitQueue"),
        AttributeNames=["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"],
    )["Attributes"]
    return all(int(number) == 0 for number in counts.values())

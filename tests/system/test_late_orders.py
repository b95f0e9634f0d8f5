"""Confirmed orders that lost what should have fulfilled them, on the deployed stack: it is asked for again."""

from collections.abc import Iterator
from contextlib import contextmanager

from tests.system.products import TEA
from tools.shop.audit import Auditor, OrderRecords
from tools.shop.client import Customer, Shop
from tools.stack import Stack
from tools.waiting import wait_for

from .trouble import coming_often, configured, not_listening, packing_takes


@contextmanager
def every_order_is_late(stack: Stack) -> Iterator[None]:
    """The reconciler comes often and takes each confirmed order for a late one, until the end of the block."""
    with (
        configured(stack, "OrdersReconcileFunction", LATE_AFTER_SECONDS="1"),
        coming_often(stack, "OrdersReconcileFunctionSchedule"),
    ):
        yield


def waiting_in(stack: Stack, queue: str) -> int:
    """How many messages wait in a queue, whether or not they may be received yet."""
    counts = stack.client("sqs").get_queue_attributes(
        QueueUrl=stack.resource(queue),
        AttributeNames=["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesDelayed"],
    )["Attributes"]
    return sum(int(number) for number in counts.values())


def status_of(found: OrderRecords) -> tuple[str | None, str | None]:
    """The statuses of the order's payment and of its shipment."""
    records = (found.payment, found.shipment)
    payment, shipment = (str(record["status"]) if record else None for record in records)
    return payment, shipment


def whose_dispatch_got_lost(stack: Stack, shop: Shop, auditor: Auditor, customer: Customer) -> str:
    """The id of a confirmed and paid order whose confirmation shipping never received."""
    with not_listening(stack, "ShippingDispatchFunction", "ShippingDispatchQueue"):
        order_id: str = shop.place(customer, {TEA: 1}).json()["order_id"]

        def is_paid_and_waits() -> bool:
            is_paid = "captured_at" in auditor.order(order_id).order
            return is_paid and waiting_in(stack, "ShippingDispatchQueue") > 0

        wait_for(is_paid_and_waits, f"the message that {order_id} loses", seconds=60)
    return order_id


def whose_notices_got_lost(stack: Stack, shop: Shop, auditor: Auditor, customer: Customer) -> str:
    """The id of a confirmed order that was paid and dispatched, and received neither notice."""
    with (
        not_listening(stack, "OrdersRecordFulfilmentFunction", "OrdersRecordFulfilmentQueue"),
        packing_takes(stack, 0),
    ):
        order_id: str = shop.place(customer, {TEA: 1}).json()["order_id"]

        def is_done_and_published() -> bool:
            done = status_of(auditor.order(order_id)) == ("captured", "dispatched")
            return done and waiting_in(stack, "OrdersRecordFulfilmentQueue") > 1

        wait_for(is_done_and_published, f"the messages that {order_id} loses", seconds=60)
    return order_id


def test_orders_that_lost_their_dispatch_or_its_event_are_fulfilled_all_the_same_and_once(
    stack: Stack, shop: Shop, auditor: Auditor, customer: Customer
) -> None:
    unheard = whose_notices_got_lost(stack, shop, auditor, customer)
    unsent = whose_dispatch_got_lost(stack, shop, auditor, customer)
    before = auditor.orders()
    assert status_of(before[unsent]) == ("captured", "created")
    for order_id in (unheard, unsent):
        assert before[order_id].order["status"] == "confirmed"

    with every_order_is_late(stack):
        ended = {
            order_id: shop.become(customer, order_id, "fulfilled", "parked", "cancelled", seconds=200)
            for order_id in (unheard, unsent)
        }

    assert {order["status"] for order in ended.values()} == {"fulfilled"}
    for order_id, order in ended.items():
        found = auditor.order(order_id)
        assert status_of(found) == ("captured", "dispatched")
        assert found.shipment and found.shipment["version"] == 2, "dispatched once"
        assert (found.payment or {})["version"] == (before[order_id].payment or {})["version"]
        assert (len(found.intents), found.captured()) == (1, order["total"]["amount"])
        assert found.mails_due() == 2, "confirmed, and fulfilled"
    assert [wrong for wrong in auditor.audit().violations if unheard in wrong or unsent in wrong] == []

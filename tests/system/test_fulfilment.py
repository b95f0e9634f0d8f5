"""What follows a confirmation on the deployed stack: money, parcel, both; and what ends an order instead."""

import random
from typing import Any

import pytest

from tests.system.products import TEA
from tools.shop.audit import Auditor, OrderRecords
from tools.shop.client import Customer, Shop
from tools.stack import Stack
from tools.waiting import wait_for

from .earlier_orders import await_earlier_orders
from .parcels import confirmed_event, hand_over
from .test_choreography import dead_letter, publish, short_visibility_timeout
from .trouble import broken, packing_takes, paused

# Longer than any test: a parcel leaves when the test says so.
NOT_BY_ITSELF = 900


@pytest.fixture(scope="module")
def admin(shop: Shop) -> Customer:
    """Someone who runs the shop."""
    return shop.admin()


def place(shop: Shop, customer: Customer, payment_token: str = "pm_card_visa") -> str:  # noqa: S107 - a public test token
    answer = shop.place(customer, {TEA: 1}, payment_token=payment_token)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["order_id"])


def cancel(shop: Shop, customer: Customer, order_id: str) -> Any:
    return shop.request("POST", f"/orders/{order_id}/cancel", token=customer.token)


def history(order: dict[str, Any]) -> list[str]:
    return [entry["status"] for entry in order["history"]]


def status_of(found: OrderRecords, part: str) -> str | None:
    record = getattr(found, part)
    return record["status"] if record else None


def becomes(auditor: Auditor, order_id: str, part: str, status: str) -> OrderRecords:
    """The order's records once its `part` has `status`."""

    def there() -> OrderRecords | None:
        found = auditor.order(order_id)
        return found if status_of(found, part) == status else None

    return wait_for(there, f"the {part} of {order_id} to be {status}", seconds=90)


def drained(stack: Stack, *consumers: str) -> bool:
    """Whether nothing waits in the queues, or is being consumed."""

    def left(consumer: str) -> int:
        counts = stack.client("sqs").get_queue_attributes(
            QueueUrl=stack.resource(f"{consumer}Queue"),
            AttributeNames=["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"],
        )["Attributes"]
        return sum(int(number) for number in counts.values())

    return not any(left(consumer) for consumer in consumers)


def violations(auditor: Auditor, order_id: str) -> list[str]:
    """What is wrong with the order's records."""
    return [wrong for wrong in auditor.audit().violations if order_id in wrong]


def test_a_confirmed_order_is_paid_dispatched_and_fulfilled_and_cannot_be_cancelled_then(
    shop: Shop, auditor: Auditor, customer: Customer
) -> None:
    order_id = place(shop, customer)
    order = shop.become(customer, order_id, "fulfilled", "parked", "cancelled", seconds=120)

    assert history(order) == ["placed", "confirmed", "fulfilled"]
    found = becomes(auditor, order_id, "reservation", "committed")
    assert (status_of(found, "payment"), status_of(found, "shipment")) == ("captured", "dispatched")
    assert found.captured() == order["total"]["amount"]
    assert found.shipment and order["tracking_reference"] == found.shipment["tracking_reference"]
    refused = cancel(shop, customer, order_id)
    assert (refused.status_code, refused.json()["type"].rpartition("/")[2]) == (409, "cannot-be-cancelled")
    assert violations(auditor, order_id) == []


def test_every_event_of_it_three_times_more_in_any_order_changes_nothing(
    stack: Stack, shop: Shop, auditor: Auditor, customer: Customer
) -> None:
    order_id = place(shop, customer)
    shop.become(customer, order_id, "fulfilled", seconds=120)
    before = becomes(auditor, order_id, "reservation", "committed")
    assert before.payment and before.shipment
    events = [
        ("order.confirmed", confirmed_event(order_id)),
        ("payment.captured", before.payment["outbox"][0]),
        ("shipment.dispatched", before.shipment["outbox"][0]),
    ]
    messages = events * 3
    random.Random(order_id).shuffle(messages)  # noqa: S311 - an order of messages, no secret

    with packing_takes(stack, 0):
        for event_type, body in messages:
            publish(stack, event_type, body)
        wait_for(
            lambda: drained(
                stack,
                "PaymentsCapture",
                "ShippingDispatch",
                "OrdersRecordFulfilment",
                "InventoryCommit",
            ),
            "the repeated messages to be consumed",
            seconds=90,
        )

    after = auditor.order(order_id)
    assert [after.order, after.payment, after.shipment, after.reservation, after.intents] == [
        before.order,
        before.payment,
        before.shipment,
        before.reservation,
        before.intents,
    ]
    assert len(after.intents) == 1


def test_an_order_is_cancelled_while_it_is_packed_and_its_money_goes_back_though_it_was_taken(
    stack: Stack, shop: Shop, auditor: Auditor, customer: Customer
) -> None:
    with packing_takes(stack, NOT_BY_ITSELF):
        order_id = place(shop, customer)
        becomes(auditor, order_id, "payment", "captured")

        assert cancel(shop, customer, order_id).status_code == 202
        order = shop.become(customer, order_id, "cancelled", "parked", seconds=90)

    assert (order["status"], order["cancelled_by"], order["cancellation_reason"]) == (
        "cancelled",
        "customer",
        "on_request",
    )
    found = auditor.order(order_id)
    assert (found.held(), status_of(found, "payment")) == (0, "refunded")

    hand_over(stack, order_id)
    wait_for(lambda: drained(stack, "ShippingDispatch"), "the late message to be consumed", seconds=60)

    assert status_of(auditor.order(order_id), "shipment") == "cancelled"
    assert auditor.order(order_id).order == found.order
    assert violations(auditor, order_id) == []


def test_a_cancellation_that_meets_the_parcel_on_its_way_is_refused_and_nothing_is_undone(
    stack: Stack, shop: Shop, auditor: Auditor, customer: Customer
) -> None:
    with packing_takes(stack, 0), paused(stack, "OrdersRecordFulfilmentFunction"):
        order_id = place(shop, customer)
        becomes(auditor, order_id, "shipment", "dispatched")

        assert cancel(shop, customer, order_id).json()["status"] == "cancelling"
        order = shop.become(customer, order_id, "confirmed", "parked", "cancelled", seconds=90)

        assert history(order) == ["placed", "confirmed", "cancelling", "confirmed"]
        assert order["cancelled_by"] is None
        assert auditor.order(order_id).held() == order["total"]["amount"]
        assert cancel(shop, customer, order_id).status_code == 409

    order = shop.become(customer, order_id, "fulfilled", "parked", seconds=90)
    assert history(order)[-1] == "fulfilled"
    assert violations(auditor, order_id) == []


def test_an_order_whose_money_cannot_be_taken_is_cancelled_with_everything_undone(
    stack: Stack, shop: Shop, auditor: Auditor, customer: Customer
) -> None:
    await_earlier_orders(stack)
    before = auditor.stock()[TEA]["available"]
    with packing_takes(stack, NOT_BY_ITSELF):
        order_id = place(shop, customer, "pm_sandbox_capture_expired")
        order = shop.become(customer, order_id, "cancelled", "parked", "rejected", seconds=120)

    assert history(order) == ["placed", "confirmed", "cancelling", "cancelled"]
    assert (order["cancelled_by"], order["cancellation_reason"]) == ("payment", "payment_failed")
    found = auditor.order(order_id)
    assert (found.held(), status_of(found, "shipment")) == (0, "cancelled")
    assert auditor.stock()[TEA]["available"] == before
    assert violations(auditor, order_id) == []


def test_an_order_that_left_unpaid_is_parked_and_resumed_by_another_capture(
    stack: Stack, shop: Shop, auditor: Auditor, customer: Customer, admin: Customer
) -> None:
    with packing_takes(stack, 0), paused(stack, "PaymentsCaptureFunction"):
        order_id = place(shop, customer, "pm_sandbox_capture_declined_once")

        def known_to_be_gone() -> bool:
            return "dispatched_at" in auditor.order(order_id).order

        wait_for(known_to_be_gone, "the parcel to leave", seconds=90)
    shop.become(customer, order_id, "parked", "cancelled", seconds=90)
    listed = shop.request("GET", "/orders/attention?limit=100", token=admin.token).json()["parked"]
    [entry] = [entry for entry in listed if entry["order_id"] == order_id]
    assert entry["uncollected"] is True

    answers = [
        shop.request("POST", f"/orders/{order_id}/resume", token=admin.token).status_code for _ in range(2)
    ]
    order = shop.become(customer, order_id, "fulfilled", "cancelled", seconds=90)

    assert answers[0] == 202
    assert history(order) == ["placed", "confirmed", "parked", "confirmed", "fulfilled"]
    found = becomes(auditor, order_id, "reservation", "committed")
    assert found.captured() == order["total"]["amount"]
    assert violations(auditor, order_id) == []


def test_a_capture_that_fails_at_every_try_waits_among_the_dead_letters_and_a_redrive_completes_it(
    stack: Stack, shop: Shop, auditor: Auditor, customer: Customer
) -> None:
    sqs = stack.client("sqs")
    with (
        packing_takes(stack, NOT_BY_ITSELF),
        short_visibility_timeout(stack, "PaymentsCaptureQueue"),
        broken(stack, "PaymentsCaptureFunction"),
    ):
        order_id = place(shop, customer)
        letter = dead_letter(stack, "PaymentsCapture", order_id)
    assert shop.order(customer, order_id)["status"] == "confirmed"
    assert status_of(auditor.order(order_id), "payment") == "authorized"

    sqs.send_message(QueueUrl=stack.resource("PaymentsCaptureQueue"), MessageBody=letter["Body"])
    hand_over(stack, order_id)

    order = shop.become(customer, order_id, "fulfilled", "parked", "cancelled", seconds=120)
    assert order["status"] == "fulfilled"

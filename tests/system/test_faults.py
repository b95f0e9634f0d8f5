"""What goes wrong on the deployed stack: functions' processes die in the middle of a step, the payment provider answers
nothing for a while, every event comes again. The records agree, and the shop is well again."""

import json
import os
import random
from pathlib import Path

import pytest

from tests.system.products import TEA
from tools.shop.audit import Auditor, OrderRecords
from tools.shop.client import Customer, Shop
from tools.stack import Stack
from tools.waiting import wait_for

from .gate import provider_behind_a_gate
from .observer import Observer
from .test_choreography import CONSUMERS, publish, short_visibility_timeout
from .workers import has_a_call, kill_workers, standing_still

# How long the provider is away; a minute with OUTAGE_SECONDS=60.
OUTAGE_SECONDS = float(os.environ.get("OUTAGE_SECONDS", "20"))
pytestmark = [
    pytest.mark.usefixtures("warm"),
    pytest.mark.embedded_only(
        "ends functions' processes, cuts the provider off, or reads the mails that SES sent"
    ),
]
needs_linux = pytest.mark.skipif(
    not Path("/proc/self/stat").exists(), reason="processes are found as on Linux"
)


def ended(auditor: Auditor, order_id: str, seconds: float = 120) -> OrderRecords:
    """The order's records, once it is final, its customer has every mail, and returns knows what was bought."""

    def at_the_end() -> OrderRecords | None:
        found = auditor.order(order_id)
        is_final = found.order["status"] in {"fulfilled", "rejected", "cancelled"}
        is_known = found.returns is not None or found.order["status"] != "fulfilled"
        return found if is_final and is_known and len(found.mails) >= found.mails_due() else None

    return wait_for(at_the_end, f"the end of {order_id}, and its mails", seconds=seconds)


def wrong_with(auditor: Auditor, *order_ids: str) -> list[str]:
    return [wrong for wrong in auditor.audit().violations if any(order_id in wrong for order_id in order_ids)]


@pytest.fixture
def warm(shop: Shop, auditor: Auditor, customer: Customer) -> None:
    """Functions that have run before, so that each has a process, also of the mails. None of them is at work."""
    ended(auditor, shop.place(customer, {TEA: 1}).json()["order_id"])


@needs_linux
def test_a_process_that_dies_after_the_provider_took_the_money_leaves_none_of_it_there(
    stack: Stack, shop: Shop, auditor: Auditor, customer: Customer
) -> None:
    with provider_behind_a_gate(stack) as gate:
        gate.hold_next()
        order_id = shop.place(customer, {TEA: 1}).json()["order_id"]
        assert gate.holds.wait(60)
        assert kill_workers(stack, "PaymentsStepsFunction") > 0
        order = shop.settled(customer, order_id, seconds=120)

    assert (order["status"], order["rejection_reason"]) == ("rejected", "technical_failure")
    found = ended(auditor, order_id)
    assert found.held() == 0
    assert wrong_with(auditor, order_id) == []


@needs_linux
@pytest.mark.parametrize("function", ["InventoryStepsFunction", "OrdersStepsFunction"])
def test_an_order_whose_step_dies_is_undone_altogether(
    stack: Stack, shop: Shop, auditor: Auditor, customer: Customer, function: str
) -> None:
    """The first step of the saga, and the last."""
    with standing_still(stack, function):
        order_id = shop.place(customer, {TEA: 1}).json()["order_id"]
        wait_for(lambda: has_a_call(stack, function), f"the saga of {order_id} to call it", seconds=60)
        kill_workers(stack, function)
        order = shop.settled(customer, order_id, seconds=120)

    assert (order["status"], order["rejection_reason"]) == ("rejected", "technical_failure")
    ended(auditor, order_id)
    assert wrong_with(auditor, order_id) == []


@needs_linux
def test_a_message_whose_consumer_dies_is_done_by_the_next(
    stack: Stack, shop: Shop, auditor: Auditor, customer: Customer
) -> None:
    with (
        short_visibility_timeout(stack, "NotificationsSendMailQueue"),
        standing_still(stack, "NotificationsSendMailFunction"),
    ):
        order_id = shop.place(customer, {TEA: 1}).json()["order_id"]
        wait_for(
            lambda: in_flight(stack, "NotificationsSendMailQueue"), "the message to be taken", seconds=60
        )
        assert kill_workers(stack, "NotificationsSendMailFunction") > 0
        ended(auditor, order_id)

    wait_for(lambda: is_quiet(stack), "the queues to be empty", seconds=60)
    assert wrong_with(auditor, order_id) == []


def test_the_shop_outlives_an_outage_of_the_provider(
    stack: Stack, shop: Shop, auditor: Auditor, customer: Customer
) -> None:
    """During the outage an order waits or is rejected; money is held for none that is. Afterwards all is as before."""
    with (
        provider_behind_a_gate(stack) as gate,
        short_visibility_timeout(stack, "PaymentsCaptureQueue", OUTAGE_SECONDS),
    ):
        reopens = gate.shut(OUTAGE_SECONDS)
        order_ids = [shop.place(customer, {TEA: 1}).json()["order_id"] for _ in range(3)]
        assert reopens.wait(OUTAGE_SECONDS + 60)
        decided = [shop.settled(customer, order_id, seconds=300) for order_id in order_ids]

        def goes_through() -> str | None:
            order_id: str = shop.place(customer, {TEA: 1}).json()["order_id"]
            is_well = shop.settled(customer, order_id, seconds=120)["status"] != "rejected"
            return order_id if is_well else None

        later = wait_for(goes_through, "an order to go through again", seconds=240)
        for order_id in (*order_ids, later):
            ended(auditor, order_id, seconds=240)

    assert gate.refused > 0
    assert {order["status"] for order in decided} <= {"confirmed", "fulfilled", "rejected"}
    assert wrong_with(auditor, *order_ids, later) == []


@pytest.mark.parametrize("country", ["DE", "AQ"])
def test_all_events_of_an_order_three_times_more_and_shuffled_change_nothing(
    stack: Stack, shop: Shop, auditor: Auditor, customer: Customer, country: str
) -> None:
    observer = Observer(stack)
    try:
        order_id = shop.place(customer, {TEA: 2}, country=country).json()["order_id"]
        shop.settled(customer, order_id, seconds=120)
        ended(auditor, order_id)
        # Its stock may be taken out after its customer got the mail.
        wait_for(lambda: is_quiet(stack), "the queues to be empty", seconds=60)
        before = auditor.order(order_id)
        events = [event for event in observer.events() if order_id in json.dumps(event)]
    finally:
        observer.close()
    assert {event["event_type"] for event in events} >= {
        "order.placed",
        "stock.reserved",
        "payment.authorized",
    }

    again = events * 3
    random.Random(order_id).shuffle(again)  # noqa: S311 - an order, no secret
    for event in again:
        publish(stack, event["event_type"], json.dumps(event))
    # One that comes after them and goes all the way, with its own delays, ends after theirs.
    later = shop.place(customer, {TEA: 1}).json()["order_id"]
    ended(auditor, later)
    wait_for(lambda: is_quiet(stack), "the queues to be empty", seconds=60)

    assert auditor.order(order_id) == before
    assert wrong_with(auditor, order_id) == []


def in_flight(stack: Stack, queue: str) -> int:
    """How many messages of a queue somebody has taken and not done yet."""
    return _number(stack, queue, "ApproximateNumberOfMessagesNotVisible")


def is_quiet(stack: Stack) -> bool:
    """Whether no consumer has a message before it; one that is held back for later is not."""
    return not any(
        _number(stack, f"{consumer}Queue", attribute)
        for consumer in CONSUMERS
        for attribute in (
            "ApproximateNumberOfMessages",
            "ApproximateNumberOfMessagesNotVisible",
        )
    )


def _number(stack: Stack, queue: str, attribute: str) -> int:
    attributes = stack.client("sqs").get_queue_attributes(
        QueueUrl=stack.resource(queue), AttributeNames=[attribute]
    )["Attributes"]
    return int(attributes[attribute])

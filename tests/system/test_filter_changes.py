"""SNS applies a changed filter late, as after a deployment: nothing is lost meanwhile, and no alarm rings."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import uuid4

import pytest

from shared.clock import utc_now
from tests.system.products import TEA
from tools.log_search import search
from tools.ops.dead_letters import DeadLetters
from tools.shop.audit import Auditor
from tools.shop.client import Customer, Shop
from tools.stack import Stack
from tools.waiting import wait_for

from .back_doors import sets_strictness
from .observer import Observer
from .test_late_orders import every_order_is_late
from .trouble import configured, packing_takes, strict, trouble

pytestmark = sets_strictness

LONGEST_DELAY = 900  # seconds, on AWS


def filter_of(stack: Stack, subscription: str) -> list[str]:
    """The types that a subscription lets through, as SNS shows it."""
    attributes = stack.client("sns").get_subscription_attributes(SubscriptionArn=subscription)["Attributes"]
    return list(json.loads(attributes["FilterPolicy"])["event_type"])


def change_filter(stack: Stack, subscription: str, types: list[str]) -> None:
    """Has a subscription let these types through."""
    stack.client("sns").set_subscription_attributes(
        SubscriptionArn=subscription,
        AttributeName="FilterPolicy",
        AttributeValue=json.dumps({"event_type": types}),
    )


@trouble
@contextmanager
def deployed_from(
    stack: Stack, subscription: str, before: Callable[[list[str]], list[str]]
) -> Iterator[None]:
    """A deployment has just changed the subscription's filter, from what `before` makes of the shipped one.

    SNS shows the new filter, and applies the old one until the end of the block.
    """
    shipped = filter_of(stack, subscription)
    change_filter(stack, subscription, before(shipped))
    try:
        with strict(stack, filter_delay_seconds=LONGEST_DELAY):
            change_filter(stack, subscription, shipped)
            yield
    finally:
        change_filter(stack, subscription, shipped)


def letters_about(stack: Stack, consumer: str, order_id: str) -> list[str]:
    """The types of the consumer's dead letters about an order; they stay where they are."""
    letters = DeadLetters(stack)
    with letters.inspected(letters.queue(consumer)) as taken:
        return [letter.value("event_type") for letter in taken if order_id in letter.body]


def passes(stack: Stack, observer: Observer, event_type: str) -> bool:
    """Whether a message of this type comes to the observer."""
    name = uuid4().hex
    stack.client("sns").publish(
        TopicArn=stack.resource("DomainEventsTopic"),
        Message=json.dumps({"name": name}),
        MessageAttributes={"event_type": {"DataType": "String", "StringValue": event_type}},
    )
    return {"name": name} in observer.events(also_by_hand=True)


def test_a_changed_filter_takes_effect_after_its_delay(stack: Stack) -> None:
    observer, kind, delay = Observer(stack), f"test.{uuid4().hex}", 3
    try:
        change_filter(stack, observer.subscription, ["test.none"])
        assert not passes(stack, observer, kind)
        with strict(stack, filter_delay_seconds=delay):
            changed = time.monotonic()
            change_filter(stack, observer.subscription, [kind])
            assert filter_of(stack, observer.subscription) == [kind]
            assert not passes(stack, observer, kind)
            wait_for(
                lambda: passes(stack, observer, kind), "the changed filter to take effect", seconds=delay + 30
            )
            assert time.monotonic() - changed >= delay
    finally:
        observer.close()


def test_after_the_end_of_a_delay_no_later_one_brings_the_old_filter_back(stack: Stack) -> None:
    observer, kind = Observer(stack), f"test.{uuid4().hex}"
    try:
        change_filter(stack, observer.subscription, [kind])
        with deployed_from(stack, observer.subscription, lambda _: ["test.none"]):
            assert not passes(stack, observer, kind)
        with strict(stack, filter_delay_seconds=LONGEST_DELAY):
            assert passes(stack, observer, kind)
    finally:
        observer.close()


def test_what_an_old_filter_lets_through_to_a_consumer_that_no_longer_reads_it_is_dropped(
    stack: Stack, shop: Shop, auditor: Auditor, customer: Customer
) -> None:
    """As if the mails' consumer had read these types until now."""
    unread = ["order.placed", "payment.authorized", "payment.captured", "shipment.dispatched"]
    began = utc_now()
    with (
        deployed_from(
            stack, stack.resource("NotificationsSendMailSubscription"), lambda types: types + unread
        ),
        packing_takes(stack, 0),
    ):
        order_id = shop.place(customer, {TEA: 1}).json()["order_id"]

        def dropped() -> set[str]:
            log = stack.resource("NotificationsSendMailFunction")
            lines = search(stack, [log], "event is not read here; dropped", since=began)
            return {line.fields["event_type"] for line in lines if order_id in json.dumps(line.fields)}

        wait_for(lambda: len(auditor.order(order_id).mails) == 2, f"both mails about {order_id}", seconds=120)
        wait_for(lambda: "order.placed" in dropped(), "an event to be dropped", seconds=60)
    assert auditor.order(order_id).order["status"] == "fulfilled"
    assert letters_about(stack, "NotificationsSendMail", order_id) == []


@pytest.mark.parametrize(
    ("subscription", "late"),
    [
        ("OrdersStartExecutionsSubscription", "order.placed"),
        ("ShippingDispatchSubscription", "order.confirmed"),
    ],
)
def test_an_order_outlives_a_filter_that_does_not_let_its_event_through_yet(
    stack: Stack, shop: Shop, auditor: Auditor, customer: Customer, subscription: str, late: str
) -> None:
    """As if the type were new, and its publisher deployed together with its consumer."""
    with (
        deployed_from(
            stack, stack.resource(subscription), lambda types: [kind for kind in types if kind != late]
        ),
        packing_takes(stack, 0),
        configured(stack, "OrdersReconcileFunction", OVERDUE_AFTER_SECONDS="1"),
        every_order_is_late(stack),
    ):
        order_id = shop.place(customer, {TEA: 1}).json()["order_id"]
        wait_for(
            lambda: auditor.order(order_id).order["status"] == "fulfilled",
            f"the reconcilers to help {order_id}",
            seconds=240,
        )
    assert [wrong for wrong in auditor.audit().violations if order_id in wrong] == []

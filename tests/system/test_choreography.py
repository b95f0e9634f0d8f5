"""Events, queues and dead letters on the deployed stack: nothing is lost, nothing happens twice."""

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from uuid import uuid4

import pytest

from tests.system.products import TEA
from tools.contracts.events.contracts import contracts
from tools.contracts.template import subscriptions
from tools.ops.dead_letters import DeadLetters
from tools.services import camel
from tools.shop.audit import Auditor
from tools.shop.client import Customer, Shop
from tools.stack import Stack
from tools.waiting import wait_for

from .back_doors import reads_mails
from .conftest import event
from .observer import TOPIC, USERS_TOPIC, topic_of
from .trouble import let_it_take_effect, packing_takes, paused, trouble


def _consumers() -> dict[str, str]:
    """Each consumer of the topic, with a type of event that it and as few others as possible read."""
    readers = subscriptions(contract.event_type for contract in contracts())
    return {
        camel(consumer.replace(".functions.", "_")): event_type
        for event_type, consumers in sorted(readers.items(), key=lambda entry: -len(entry[1]))
        for consumer in consumers
    }


CONSUMERS = _consumers()


# The image processor sends to its queue; no topic does.
WITHOUT_TOPIC = "CatalogRecordPictures"


def publish(stack: Stack, event_type: str, body: str) -> None:
    """Puts a message on the topic of its type, as a relay would."""
    stack.client("sns").publish(
        TopicArn=topic_of(stack, event_type),
        Message=body,
        MessageAttributes={"event_type": {"DataType": "String", "StringValue": event_type}},
    )


def dead_letter(stack: Stack, consumer: str, needle: str) -> dict[str, Any]:
    """The dead letter whose body has `needle`, once it is there; it stays in the queue."""
    box = DeadLetters(stack)
    queue = box.queue(consumer)

    def found() -> dict[str, Any] | None:
        with box.inspected(queue) as letters:
            return next(
                (
                    {"Body": letter.body, "MessageAttributes": letter.attributes}
                    for letter in letters
                    if needle in letter.body
                ),
                None,
            )

    return wait_for(found, f"{needle} among the dead letters of {consumer}", seconds=90)


@pytest.mark.parametrize(("consumer", "event_type"), [*CONSUMERS.items(), (WITHOUT_TOPIC, "")])
def test_a_message_that_can_never_succeed_is_a_dead_letter_at_once_with_its_reason(
    stack: Stack, consumer: str, event_type: str
) -> None:
    body = json.dumps({"no": f"event {uuid4().hex}"})

    if consumer == WITHOUT_TOPIC:
        stack.client("sqs").send_message(QueueUrl=stack.resource(f"{consumer}Queue"), MessageBody=body)
    else:
        publish(stack, event_type, body)

    letter = dead_letter(stack, consumer, body)
    assert letter["Body"] == body
    assert letter["MessageAttributes"]["reason"]["StringValue"].startswith("UnreadableMessage")


@trouble
@contextmanager
def short_visibility_timeout(stack: Stack, queue: str, seconds: float = 1) -> Iterator[None]:
    """A queue that delivers a failed message again after so long, until the end of the block."""
    sqs, url = stack.client("sqs"), stack.resource(queue)
    before = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["VisibilityTimeout"])["Attributes"]
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": str(int(seconds))})
    try:
        let_it_take_effect(stack)
        yield
    finally:
        sqs.set_queue_attributes(QueueUrl=url, Attributes=before)


@contextmanager
def short_visibility_timeouts(stack: Stack, seconds: float = 1) -> Iterator[None]:
    """Every consumer's queue delivers a failed message again after so long, until the end of the block."""
    with ExitStack() as queues:
        for consumer in CONSUMERS:
            queues.enter_context(short_visibility_timeout(stack, f"{consumer}Queue", seconds))
        yield


def test_a_message_that_fails_at_every_try_ends_unchanged_among_the_dead_letters(stack: Stack) -> None:
    order_id = f"ord_{uuid4().hex}"
    body = json.dumps(
        event(
            "order.confirmed",
            order_id,
            {
                "order_id": order_id,
                "customer_id": "nobody-that-is-known",
                "status": "confirmed",
                "lines": [{"sku": "TEA", "quantity": 1, "unit_price": {"amount": 100, "currency": "EUR"}}],
                "total": {"amount": 100, "currency": "EUR"},
            },
        )
    )

    with short_visibility_timeout(stack, "NotificationsSendMailQueue"):
        publish(stack, "order.confirmed", body)
        letter = dead_letter(stack, "NotificationsSendMail", order_id)

    assert letter["Body"] == body


def test_a_failing_message_does_not_hold_up_the_good_ones(
    stack: Stack, shop: Shop, customer: Customer
) -> None:
    for _ in range(3):
        publish(stack, "order.placed", uuid4().hex)

    placed = shop.place(customer, {TEA: 1}).json()

    assert shop.settled(customer, placed["order_id"])["status"] in {"confirmed", "fulfilled"}


@reads_mails
def test_events_delivered_again_change_nothing(
    stack: Stack, shop: Shop, auditor: Auditor, customer: Customer
) -> None:
    # The effects of the confirmation are published later, so that they change nothing in between.
    with packing_takes(stack, 900), paused(stack, "OrdersRecordFulfilmentFunction"):
        _deliver_again(stack, shop, auditor, customer)


def _deliver_again(stack: Stack, shop: Shop, auditor: Auditor, customer: Customer) -> None:
    placed = shop.place(customer, {TEA: 1}).json()
    order_id = placed["order_id"]
    shop.settled(customer, order_id)
    wait_for(lambda: auditor.order(order_id).mails, "the mail", seconds=60)
    before = auditor.order(order_id)
    outbox = json.loads(before.order["outbox"][0])

    marker = shop.place(customer, {TEA: 1}, country="AQ").json()["order_id"]
    for _ in range(3):
        publish(stack, "order.confirmed", json.dumps(outbox))
    placed_v1 = event("order.placed", order_id, {"order": _saga_order(before.order)})
    placed_v2 = event("order.placed", order_id, {**outbox["data"], "status": "placed"}) | {"event_version": 2}
    for again in (placed_v1, placed_v2):
        publish(stack, "order.placed", json.dumps(again))
    shop.settled(customer, marker)
    wait_for(lambda: auditor.order(marker).mails, "the mail of a later order", seconds=60)

    after = auditor.order(order_id)
    assert len(after.mails) == 1
    assert len(after.intents) == 1
    assert after.order == before.order


def test_each_consumer_gets_its_own_event_types_alone(stack: Stack) -> None:
    sns = stack.client("sns")
    policies = [
        sns.get_subscription_attributes(SubscriptionArn=subscription["SubscriptionArn"])["Attributes"][
            "FilterPolicy"
        ]
        for topic in (TOPIC, USERS_TOPIC)
        for subscription in sns.list_subscriptions_by_topic(TopicArn=stack.resource(topic))["Subscriptions"]
        if subscription["SubscriptionArn"] in stack.resources.values()
    ]

    # Three read events about users besides others.
    assert len(policies) == len(CONSUMERS) + 3
    assert all(json.loads(policy)["event_type"] for policy in policies)


def test_every_consumer_reports_single_failures_and_has_a_dead_letter_queue(stack: Stack) -> None:
    pages = stack.client("lambda").get_paginator("list_event_source_mappings").paginate()
    mappings = [
        mapping
        for page in pages
        for mapping in page["EventSourceMappings"]
        if mapping["FunctionArn"].rpartition(":")[2] in stack.functions
    ]

    assert mappings
    assert all(mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"] for mapping in mappings)
    for consumer in (*CONSUMERS, "NotificationsRecordFeedback"):
        attributes = stack.client("sqs").get_queue_attributes(
            QueueUrl=stack.resource(f"{consumer}Queue"), AttributeNames=["RedrivePolicy"]
        )["Attributes"]
        assert "DeadLetter" in json.loads(attributes["RedrivePolicy"])["deadLetterTargetArn"]


def _saga_order(order: dict[str, Any]) -> dict[str, Any]:
    names = (
        "order_id",
        "customer_id",
        "correlation_id",
        "lines",
        "shipping_address",
        "payment_token",
    )
    return {name: order[name] for name in names} | {"total": order["breakdown"]["total"]}

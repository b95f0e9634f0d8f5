"""The address and the payment token of an order are in no message, live update, log or history of it."""

import json
from collections.abc import Iterator
from datetime import timedelta
from uuid import uuid4

import pytest

from shared.clock import utc_now
from shared.executions import execution_arn
from tools.log_search import search
from tools.ops import dlq
from tools.ops.dead_letters import DeadLetters
from tools.shop.audit import Auditor
from tools.shop.canaries import NAME, POSTAL_ADDRESS, canary
from tools.shop.client import Customer, Shop
from tools.stack import Stack
from tools.waiting import wait_for

from .observer import Observer
from .orders import order_body
from .test_choreography import dead_letter, short_visibility_timeout
from .trouble import broken

ARCHIVE = "ArchiveStoreEvents"
TOKEN = "pm_card_visa"


@pytest.fixture
def own_observer(stack: Stack) -> Iterator[Observer]:
    """Receives the events of this test alone."""
    observer = Observer(stack)
    yield observer
    observer.close()


def personal_data_in(messages: list[str], address: dict[str, str], order_id: str) -> list[str]:
    """The parts of the address that occur in the messages, and the token if one about the order has it."""
    found = [value for value in address.values() if any(value in message for message in messages)]
    about = [message for message in messages if order_id in message]
    return [*found, *(TOKEN for message in about if TOKEN in message or "payment_token" in message)]


def histories(stack: Stack, order_id: str) -> list[str]:
    """The history of the execution that undid the order, if one did. An EXPRESS execution has none."""
    client = stack.client("stepfunctions")
    arn = execution_arn(stack.resource("OrderCancellation"), order_id)
    try:
        events = client.get_execution_history(executionArn=arn, includeExecutionData=True)["events"]
    except client.exceptions.ExecutionDoesNotExist:
        return []
    return [json.dumps(event, default=str) for event in events]


def logged(stack: Stack, order_id: str) -> list[str]:
    """Every line about the order that a function logged."""
    since = utc_now() - timedelta(minutes=15)
    return [json.dumps(line.fields) for line in search(stack, stack.functions, order_id, since=since)]


@pytest.mark.parametrize(("country", "end"), [("DE", "order.confirmed"), ("AQ", "order.rejected")])
def test_no_message_and_no_live_update_has_the_address_or_the_payment_token(
    stack: Stack,
    shop: Shop,
    auditor: Auditor,
    customer: Customer,
    own_observer: Observer,
    country: str,
    end: str,
) -> None:
    names = ("name", "line1", "line2", "city", "postal_code")
    kinds = {"name": NAME}
    address = {name: canary(kinds.get(name, POSTAL_ADDRESS)) for name in names}
    body = order_body(shipping_address={**address, "country": country}, payment_token=TOKEN)
    # The archive cannot store anything, so each event of the order becomes a dead letter.
    with short_visibility_timeout(stack, f"{ARCHIVE}Queue"), broken(stack, f"{ARCHIVE}Function"):
        answer = shop.request(
            "POST",
            "/orders",
            token=customer.token,
            headers={"Idempotency-Key": str(uuid4())},
            json=body,
        )
        assert answer.status_code == 201, answer.text
        order_id = answer.json()["order_id"]
        shop.settled(customer, order_id)
        dead_letter(stack, ARCHIVE, f"{order_id}:1:order.placed")

    def live_items() -> list[str]:
        items = [json.dumps(item, default=str) for item in auditor.table("LiveTable")]
        return [item for item in items if order_id in item]

    published = own_observer.events()
    boxes, letters = DeadLetters(stack), []
    for queue in boxes.queues():
        with boxes.inspected(queue) as waiting:
            letters += [letter.body for letter in waiting]
    live = wait_for(live_items, "the order in its customer's feed", seconds=60)
    dlq.redrive(stack, ARCHIVE)

    mine = [event for event in published if order_id in json.dumps(event)]
    assert {"order.placed", end} <= {event["event_type"] for event in mine}
    assert {event["event_version"] for event in mine if event["event_type"] == "order.placed"} == {2}
    assert any(order_id in letter for letter in letters)
    texts = [json.dumps(event) for event in published]
    assert personal_data_in([*texts, *letters, *live], address, order_id) == []
    # The order itself has the address. It is decided, so it has forgotten the payment token.
    stored = json.dumps(auditor.order(order_id).order, default=str)
    assert [value for value in [*address.values(), TOKEN] if value in stored] == [*address.values()]
    executions = [*histories(stack, order_id), *logged(stack, order_id)]
    assert any(order_id in text for text in executions)
    assert personal_data_in(executions, address, order_id) == []

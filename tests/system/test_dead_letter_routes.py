"""Admins look into every dead-letter queue by the API, and send its messages to their consumer again."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from shared.clock import timestamp
from tools.contracts.template import resources
from tools.ops.dead_letters import SUFFIX
from tools.shop.client import Customer, Shop
from tools.stack import Stack
from tools.waiting import wait_for

OWNERS = sorted(
    name.removesuffix(SUFFIX)
    for name, resource in resources().items()
    if resource["Type"] == "AWS::SQS::Queue" and name.endswith(SUFFIX)
)


@pytest.fixture(scope="module")
def admin(shop: Shop) -> Customer:
    """An operator."""
    return shop.admin()


def answered(shop: Shop, admin: Customer, method: str, path: str, body: Any = None) -> Any:
    answer = shop.request(method, path, token=admin.token, json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def waiting(stack: Stack, owner: str, body: str) -> dict[str, Any] | None:
    """The dead letter with this body, which stays."""
    found = stack.client("sqs").receive_message(
        QueueUrl=stack.resource(f"{owner}{SUFFIX}"),
        MaxNumberOfMessages=10,
        VisibilityTimeout=0,
        MessageAttributeNames=["All"],
    )
    return next((message for message in found.get("Messages", []) if message["Body"] == body), None)


@pytest.mark.parametrize("owner", [owner for owner in OWNERS if owner != "Relay"])
def test_a_letter_of_each_consumer_is_seen_and_sent_again(
    stack: Stack, shop: Shop, admin: Customer, owner: str
) -> None:
    sqs, url, body = stack.client("sqs"), stack.resource(f"{owner}{SUFFIX}"), f"no event {uuid4().hex}"
    first = sqs.send_message(QueueUrl=url, MessageBody=body)["MessageId"]

    seen = answered(shop, admin, "GET", f"/dead-letters/{owner}")
    assert seen["inspected"] >= 1
    sent = answered(shop, admin, "POST", f"/dead-letters/{owner}/redrive", {"before": seen["as_of"]})
    assert sent["sent"] >= 1

    # No consumer can read it, so it comes back, as another message.
    again = wait_for(
        lambda: (found := waiting(stack, owner, body)) and found["MessageId"] != first and found,
        f"the message of {owner} to come back",
        seconds=120,
    )
    repeat = {"before": seen["as_of"]}
    answered(shop, admin, "POST", f"/dead-letters/{owner}/redrive", repeat)
    assert (waiting(stack, owner, body) or {}).get("MessageId") == again["MessageId"]
    message = wait_for(lambda: waiting(stack, owner, body), "the message", seconds=20)
    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])


def test_the_list_has_every_queue(shop: Shop, admin: Customer) -> None:
    listed = answered(shop, admin, "GET", "/dead-letters")["queues"]
    assert sorted(queue["queue"] for queue in listed) == OWNERS


def test_the_relays_letters_are_seen_alone(stack: Stack, shop: Shop, admin: Customer) -> None:
    sqs, url, body = stack.client("sqs"), stack.resource(f"Relay{SUFFIX}"), f"no record {uuid4().hex}"
    sqs.send_message(QueueUrl=url, MessageBody=body)
    assert answered(shop, admin, "GET", "/dead-letters/Relay")["redrivable"] is False
    refused = shop.request(
        "POST",
        "/dead-letters/Relay/redrive",
        token=admin.token,
        json={"before": timestamp(datetime.now(UTC))},
    )
    assert refused.status_code == 409
    message = wait_for(lambda: waiting(stack, "Relay", body), "the message", seconds=20)
    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])

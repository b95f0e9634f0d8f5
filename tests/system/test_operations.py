"""What operators do to the deployed stack: trace an order, look at dead letters, give them back."""

import json
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest

from shared.dynamo import from_item, to_item
from tests.system.products import TEA
from tools.console import StepError
from tools.ops import dlq
from tools.ops.causal_tree import Node
from tools.ops.dead_letters import DeadLetter, DeadLetters
from tools.ops.trace import show, trace
from tools.shop.client import Customer, Shop, made_up_address, made_up_name
from tools.stack import Stack
from tools.waiting import wait_for

from .clean_up import KIND
from .conftest import event
from .test_choreography import dead_letter, publish, short_visibility_timeout, short_visibility_timeouts
from .test_faults import is_quiet


def everything(nodes: list[Node]) -> Iterator[Node]:
    for node in nodes:
        yield node
        yield from everything(node.children)


def found(stack: Stack, order_id: str) -> dict[str, Any]:
    answer = stack.client("dynamodb").get_item(
        TableName=stack.resource("OrdersTable"), Key=to_item({"pk": order_id})
    )
    return from_item(answer["Item"])


@pytest.mark.embedded_only("follows an order to its mail, which goes out on AWS once the sender is verified")
def test_the_path_of_an_order_is_one_tree_from_its_request_to_its_mail(
    stack: Stack, shop: Shop, customer: Customer, capsys: pytest.CaptureFixture[str]
) -> None:
    order_id = shop.place(customer, {TEA: 1}).json()["order_id"]
    shop.settled(customer, order_id)

    def complete() -> list[Node] | None:
        """The trace once it has the mail, and the lines that what is under way still lacks."""
        roots = trace(stack, found(stack, order_id))
        has_mail = any(node.kind == "mail" for node in everything(roots))
        return roots if has_mail and {root.kind for root in roots} == {"request"} else None

    roots = wait_for(
        complete, f"the mail in the trace of {order_id}, and nothing without a cause", seconds=60
    )

    [placed] = [root for root in roots if root.what.startswith("POST /orders 201")]
    below = {node.what for node in everything([placed])}
    for step in (
        "InventorySteps reserve",
        "PaymentsSteps authorize",
        "ShippingSteps create",
        "OrdersSteps confirm",
    ):
        assert step in below
    for published in (
        "order.placed",
        "stock.reserved",
        "payment.authorized",
        "shipment.created",
        "order.confirmed",
    ):
        assert any(what.startswith(f"{published}  published") for what in below), published
    assert {"the order is placed", "the order is confirmed", "OrderSaga", "mail sent"} <= below

    show(stack, order_id, as_json=True)
    assert json.loads(capsys.readouterr().out)["order_id"] == order_id


def test_a_rejected_orders_path_shows_what_failed(stack: Stack, shop: Shop, customer: Customer) -> None:
    order_id = shop.place(customer, {TEA: 1}, country="AQ").json()["order_id"]
    shop.settled(customer, order_id)

    def failed() -> bool:
        roots = trace(stack, found(stack, order_id))
        return any("AddressNotServed" in node.what for node in everything(roots))

    assert wait_for(failed, "the failure in the trace", seconds=60)


def test_an_order_that_there_is_not_is_said_so(stack: Stack) -> None:
    with pytest.raises(StepError, match="There is no order ord_none"):
        show(stack, "ord_none", as_json=False)


def letters(stack: Stack, queue: str, needle: str) -> list[DeadLetter]:
    """The dead letters with `needle` in them; they stay where they are."""
    box = DeadLetters(stack)
    with box.inspected(box.queue(queue)) as taken:
        return [letter for letter in taken if needle in letter.body]


@pytest.mark.parametrize(
    ("consumer", "event_type"),
    [
        ("OrdersRecordPrices", "product.changed"),
        ("InventoryCommit", "order.rejected"),
        ("ShippingErase", "user.deleted"),
    ],
)
def test_a_version_to_come_waits_among_the_dead_letters_and_can_be_given_back(
    stack: Stack, consumer: str, event_type: str, capsys: pytest.CaptureFixture[str]
) -> None:
    name = f"later-{uuid4().hex}"
    # It is one of several consumers of the type.
    with short_visibility_timeouts(stack):
        publish(stack, event_type, json.dumps(event(event_type, name, {}) | {"event_version": 99}))
        letter = dead_letter(stack, consumer, name)
        wait_for(lambda: is_quiet(stack), "the other consumers to give up as well", seconds=60)
    assert letter["MessageAttributes"]["reason"]["StringValue"] == (
        f"UnknownVersion: version 99 of {event_type} is not known here"
    )

    dlq.show(stack)
    printed = capsys.readouterr().out
    assert name in printed
    assert f"version 99 of {event_type}" in printed

    # The cause is not mended, so it comes back, as another message.
    [before] = letters(stack, consumer, name)
    with short_visibility_timeout(stack, f"{consumer}Queue"):
        dlq.redrive(stack, consumer)
        assert "messages sent to" in capsys.readouterr().out
        again = wait_for(lambda: letters(stack, consumer, name), "the letter to come back", seconds=60)
    assert [letter.body for letter in again] == [before.body]
    assert again[0].value("source_message_id") != before.value("source_message_id")


@pytest.fixture
def item(stack: Stack) -> Iterator[Callable[[list[str]], str]]:
    """Writes an item with an outbox into the users' table, as no function would; it is gone afterwards."""
    dynamodb, table = stack.client("dynamodb"), stack.resource("UsersTable")
    name = f"poison-{uuid4().hex}"

    def write(outbox: list[str]) -> str:
        dynamodb.put_item(TableName=table, Item=to_item({"pk": name, "outbox": outbox}))
        return name

    yield write
    dynamodb.delete_item(TableName=table, Key=to_item({"pk": name}))


def test_poison_in_a_stream_is_set_aside_whole_and_what_comes_after_goes_out(
    stack: Stack, shop: Shop, item: Callable[[list[str]], str]
) -> None:
    poison = item(["this is no event"])

    newcomer = shop.sign_up("Poisoned Stream")
    wait_for(
        lambda: (
            stack.client("dynamodb")
            .get_item(TableName=stack.resource("NotificationsTable"), Key=to_item({"pk": newcomer.user_id}))
            .get("Item")
        ),
        "the address of who signed up after the poison",
        seconds=60,
    )

    [letter] = wait_for(lambda: letters(stack, "Relay", poison), "the poison's letter", seconds=60)
    assert letter.value("reason").startswith("ValidationError")
    record = json.loads(letter.body)
    assert from_item(record["dynamodb"]["NewImage"]) == {"pk": poison, "outbox": ["this is no event"]}


def test_a_relays_letter_is_published_once_its_cause_is_mended(
    stack: Stack, item: Callable[[list[str]], str]
) -> None:
    poison = item(["this is no event"])
    [letter] = wait_for(lambda: letters(stack, "Relay", poison), "the poison's letter", seconds=60)
    user_id = f"mended-{uuid4().hex}"
    registered = event(
        "user.registered",
        user_id,
        {
            "user_id": user_id,
            "email": made_up_address(KIND, "Mended"),
            "name": made_up_name("Mended"),
            "locale": "en",
            "version": 1,
        },
    )
    mended = letter.body.replace("this is no event", json.dumps(json.dumps(registered))[1:-1])
    stack.client("sqs").send_message(QueueUrl=stack.resource("RelayDeadLetterQueue"), MessageBody=mended)

    dlq.redrive(stack, "Relay")

    assert wait_for(
        lambda: (
            stack.client("dynamodb")
            .get_item(TableName=stack.resource("NotificationsTable"), Key=to_item({"pk": user_id}))
            .get("Item")
        ),
        "the event of the mended record",
        seconds=60,
    )
    gone = event("user.deleted", user_id, {"user_id": user_id}) | {"aggregate_version": 2}
    publish(stack, "user.deleted", json.dumps(gone))


def test_the_dashboards_show_the_alarms_and_the_counts_of_this_stack(stack: Stack) -> None:
    if "ShopDashboard" not in stack.resources:
        pytest.skip("the stack was deployed without Dashboards=true")
    cloudwatch = stack.client("cloudwatch")
    pages = cloudwatch.get_paginator("describe_alarms").paginate(AlarmNamePrefix=f"{stack.name}-")
    own = set(stack.resources.values())
    alarms = {
        alarm["AlarmArn"] for page in pages for alarm in page["MetricAlarms"] if alarm["AlarmName"] in own
    }
    bodies = [
        cloudwatch.get_dashboard(DashboardName=stack.resource(name))["DashboardBody"]
        for name in ("ShopDashboard", "ServicesDashboard")
    ]
    [shown] = [each["properties"] for each in json.loads(bodies[0])["widgets"] if each["type"] == "alarm"]
    assert set(shown["alarms"]) == alarms != set()
    for body in bodies:
        assert f"Cartwright/{stack.name}" in body
        assert "${" not in body

"""Changes pushed to customers: who receives them, in which order, and the remains of a deleted user."""

import json
from collections.abc import Callable
from typing import Any

import boto3
import pytest

from live.dependencies import live_store
from shared.clock import utc_now
from shared.events import Event
from tests.component.batches import example_events
from tests.component.live.service import CUSTOMER, ORDER, OTHER_ORDER, LiveService, deleted, event, of_return
from tests.order_placed import PLACED_V1


def test_a_customer_receives_each_status_of_their_orders_in_order(live: LiveService) -> None:
    live.watching()

    live.happens(event("confirmed", 2), event("cancelled", 4), event("confirmed", 2, OTHER_ORDER))

    assert live.received() == [("1", "confirmed"), ("2", "cancelled"), ("3", "confirmed")]


def test_a_customer_receives_each_status_of_their_returns_beside_the_orders(live: LiveService) -> None:
    live.watching(order_id=ORDER)

    live.happens(event("fulfilled", 3), of_return("requested", 2), of_return("refused", 4, "ret_2"))

    assert live.received() == [("1", "fulfilled"), ("2", "requested"), ("3", "refused")]
    _, requested, refused = live.gateway.sent["c1"][-3:]
    assert (requested["type"], requested["return_id"], requested["order_id"]) == (
        "return.changed",
        "ret_1",
        ORDER,
    )
    assert refused["reason"] == "excluded", "the shop's reason, and not the customer's own"
    missed = live.ask({"action": "catch_up", "after": "1"})
    assert [change["type"] for change in missed["changes"]] == ["return.changed"] * 2


def test_a_returns_status_never_goes_back_and_no_other_return_holds_it_up(live: LiveService) -> None:
    live.watching()

    live.happens(of_return("accepted", 5), of_return("requested", 4), of_return("requested", 3, "ret_2"))

    assert live.received() == [("1", "accepted"), ("2", "requested")]


def test_a_customer_receives_no_change_of_another_customers_orders(live: LiveService) -> None:
    live.watching("c2", "another-customer")
    live.watching("c3", "another", order_id=ORDER)

    live.happens(event("confirmed", 2))

    assert not live.received("c2") and not live.received("c3")


def test_another_customers_order_is_answered_like_an_unknown_one(live: LiveService) -> None:
    live.happens(event("confirmed", 2))
    live.connect("c2", "another-customer")

    theirs = live.ask({"action": "subscribe", "order_id": ORDER}, "c2", "another-customer")
    none = live.ask({"action": "subscribe", "order_id": OTHER_ORDER}, "c2", "another-customer")
    missed = live.ask({"action": "catch_up", "order_id": ORDER}, "c2", "another-customer")

    assert (theirs["type"], theirs["cursor"]) == (none["type"], none["cursor"]) == ("subscribed", "0")
    assert missed["changes"] == []


def test_a_connection_without_a_subscription_receives_nothing(live: LiveService) -> None:
    live.connect()

    live.happens(event("confirmed", 2))

    assert not live.received()


def test_one_order_can_be_watched_alone(live: LiveService) -> None:
    live.watching(order_id=ORDER)

    live.happens(event("confirmed", 2), event("confirmed", 2, OTHER_ORDER))

    assert live.received() == [("1", "confirmed")]


def test_every_connection_of_the_customer_receives_the_change(live: LiveService) -> None:
    live.watching("c1")
    live.watching("c2")

    live.happens(event("confirmed", 2))

    assert live.received("c1") == live.received("c2") == [("1", "confirmed")]


def test_an_unsubscribed_connection_receives_nothing_more(live: LiveService) -> None:
    live.watching()
    live.ask({"action": "subscribe", "order_id": ORDER})

    assert live.ask({"action": "unsubscribe"})["order_ids"] == []
    live.happens(event("confirmed", 2))

    assert not live.received()


def test_one_of_two_subscriptions_can_be_ended(live: LiveService) -> None:
    live.watching(order_id=ORDER)
    live.ask({"action": "subscribe", "order_id": OTHER_ORDER})

    assert live.ask({"action": "unsubscribe", "order_id": ORDER})["order_ids"] == [OTHER_ORDER]
    live.happens(event("confirmed", 2), event("confirmed", 2, OTHER_ORDER))

    assert live.received() == [("2", "confirmed")]


def test_an_event_that_is_delivered_again_has_the_same_cursor(live: LiveService) -> None:
    live.watching()

    for _ in range(3):
        live.happens(event("confirmed", 2))

    assert set(live.received()) == {("1", "confirmed")}
    assert len(live.ask({"action": "catch_up"})["changes"]) == 1


@pytest.mark.parametrize(
    "placed", [PLACED_V1, *example_events("orders_start_executions.json")], ids=["version 1", "version 2"]
)
def test_a_placed_order_is_pushed_and_leaves_neither_address_nor_payment_token(
    live: LiveService, placed: Event
) -> None:
    order = PLACED_V1.data["order"]
    live.watching(customer_id=order["customer_id"])

    assert live.happens(placed) == []

    assert live.received() == [("1", "placed")]
    stored = json.dumps(boto3.client("dynamodb").scan(TableName="live")["Items"])
    assert order["order_id"] in stored
    personal = (order["payment_token"], *order["shipping_address"].values())
    assert [value for value in personal if value and f'"{value}"' in stored] == []


def test_an_older_status_that_comes_late_is_not_pushed(live: LiveService) -> None:
    live.watching()

    live.happens(event("fulfilled", 5), event("confirmed", 2))

    assert live.received() == [("1", "fulfilled")]
    assert [change["status"] for change in live.ask({"action": "catch_up"})["changes"]] == ["fulfilled"]


@pytest.mark.parametrize(
    ("first", "second", "statuses"),
    [
        (event("confirmed", 2), event("fulfilled", 5), ["fulfilled"]),
        (event("fulfilled", 5), event("confirmed", 2), ["confirmed", "fulfilled"]),
        (event("confirmed", 2), event("confirmed", 2, OTHER_ORDER), ["confirmed", "confirmed"]),
    ],
)
def test_two_changes_at_once_get_a_position_each_and_no_status_goes_back(
    live: LiveService, monkeypatch: pytest.MonkeyPatch, first: Event, second: Event, statuses: list[str]
) -> None:
    """`second` comes between what `first` reads and what it writes."""
    table = live_store()._table
    write_all = table.write_all

    def overtaken(*arguments: Any) -> list[int]:
        monkeypatch.setattr(table, "write_all", write_all)
        live.happens(second)
        return write_all(*arguments)

    monkeypatch.setattr(table, "write_all", overtaken)
    live.happens(first)

    live.connect()
    changes = live.ask({"action": "catch_up"})["changes"]
    assert [change["status"] for change in changes] == statuses
    assert [change["cursor"] for change in changes] == [str(place + 1) for place in range(len(statuses))]


def test_a_gone_connection_is_deleted_and_the_others_are_served(live: LiveService) -> None:
    live.watching("c1")
    live.watching("c2")
    live.gateway.gone.add("c1")

    assert live.happens(event("confirmed", 2)) == []

    assert live.received("c2") == [("1", "confirmed")]
    assert [left.connection_id for left in live_store().connections(CUSTOMER)] == ["c2"]


def test_a_connection_that_cannot_be_served_now_is_tried_again(live: LiveService) -> None:
    live.watching("c1")
    live.watching("c2")
    live.gateway.busy.add("c1")

    failed = live.happens(event("confirmed", 2))
    assert failed == [event("confirmed", 2).event_id]
    assert live.received("c2") == [("1", "confirmed")]

    live.gateway.busy.clear()
    assert live.happens(event("confirmed", 2)) == []

    assert live.received("c1") == [("1", "confirmed")]
    assert set(live.received("c2")) == {("1", "confirmed")}


def test_a_deleted_user_leaves_no_data_and_gets_none_back(live: LiveService) -> None:
    live.watching("c1")
    live.watching("c2", "another-customer")
    live.happens(event("confirmed", 2))

    for _ in range(2):
        live.happens(deleted())
    live.happens(event("cancelled", 4))

    assert live.gateway.closed == ["c1"]
    assert live.connect("c3") == 403
    left = boto3.client("dynamodb").query(
        TableName="live",
        KeyConditionExpression="pk = :customer",
        ExpressionAttributeValues={":customer": {"S": CUSTOMER}},
    )["Items"]
    assert [item["sk"]["S"] for item in left] == ["feed"]
    assert [found.connection_id for found in live_store().connections("another-customer")] == ["c2"]


@pytest.mark.parametrize(
    "comes",
    [lambda live: live.connect("c2"), lambda live: live.happens(event("confirmed", 2))],
    ids=["connection", "change"],
)
def test_what_comes_while_the_account_is_being_closed_leaves_nothing_behind(
    live: LiveService, monkeypatch: pytest.MonkeyPatch, comes: Callable[[LiveService], object]
) -> None:
    """The account is closed after a connection or a change has looked at the feed, and before it is stored."""
    live.connect("c1")
    table = live_store()._table
    write_all = table.write_all

    def overtaken(*arguments: Any) -> list[int]:
        live_store().close_account(CUSTOMER, utc_now())
        return write_all(*arguments)

    monkeypatch.setattr(table, "write_all", overtaken)
    comes(live)

    left = boto3.client("dynamodb").scan(TableName="live")["Items"]
    assert sorted(item["sk"]["S"] for item in left) == ["connection#c1", "feed"]


def test_all_items_but_the_feed_expire(live: LiveService) -> None:
    live.watching()
    live.happens(event("confirmed", 2))

    items = boto3.client("dynamodb").scan(TableName="live")["Items"]

    assert {item["sk"]["S"].partition("#")[0] for item in items if "expires_at" not in item} == {"feed"}


def test_an_event_without_a_status_is_dropped(live: LiveService) -> None:
    assert live.happens(event("collection_requested", 2)) == []

    assert live.dead_letter_reasons() == []

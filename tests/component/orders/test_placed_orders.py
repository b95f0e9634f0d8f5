"""Operators list the orders of a day, the newest first, and learn nothing about customers."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.aws import client
from tests.component.audit_trail import lines
from tests.component.orders.account import order_body
from tests.component.orders.client import Client, change, confirm, pointers, refused
from tests.component.rest_events import json_body

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
TODAY = {"day": "2026-11-21"}


@pytest.fixture
def placed(ada: Client, eve: Client, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The ids of 30 orders of two customers on one day, the newest first, and after two of the day before."""
    monkeypatch.setenv("MAX_UNDECIDED_ORDERS", "100")
    found = []
    for number in range(-2, 30):
        moment = NOON + timedelta(seconds=number) - (timedelta(days=1) if number < 0 else timedelta())
        monkeypatch.setattr("orders.functions.api.utc_now", lambda moment=moment: moment)
        customer = ada if number % 2 else eve
        answer = customer.place(order_body(("TEA", 2)), key=f"key-{number}")
        found.append(str(json_body(answer)["order_id"]))
    return found[:1:-1]


def listed(admin: Client, **query: str) -> Any:
    answer = admin.call("GET", "/orders/placed", query=query or None)
    assert answer["statusCode"] == 200, answer
    return json_body(answer)


def ids(page: Any) -> list[str]:
    return [order["order_id"] for order in page["orders"]]


def test_pages_of_a_day_have_each_order_once_the_newest_first(admin: Client, placed: list[str]) -> None:
    found, query = [], {**TODAY, "limit": "7"}
    while True:
        page = listed(admin, **query)
        found += ids(page)
        if page.get("next") is None:
            break
        query["cursor"] = page["next"]
    assert found == placed


def test_an_entry_says_how_far_the_order_is(admin: Client, placed: list[str]) -> None:
    change(placed[0], confirm)
    entry = listed(admin, **TODAY, limit="1")["orders"][0]
    order = json_body(admin.read(placed[0]))
    assert entry == {
        "order_id": placed[0],
        "status": "confirmed",
        "since": order["history"][-1]["at"],
        "placed_at": order["placed_at"],
        "pieces": 2,
        "total": order["total"],
    }


def test_the_day_is_today_unless_another_is_asked_for(admin: Client, placed: list[str]) -> None:
    page = listed(admin)
    assert (page["day"], ids(page)) == ("2026-11-21", placed[:20])
    assert len(listed(admin, day="2026-11-20")["orders"]) == 2
    empty = listed(admin, day="2026-11-19")
    assert (empty["orders"], empty.get("next")) == ([], None)


def test_of_a_status_a_page_has_those_alone(admin: Client, placed: list[str]) -> None:
    change(placed[3], confirm)
    page = listed(admin, **TODAY, status="confirmed", limit="10")
    assert ids(page) == [placed[3]]
    rest = listed(admin, **TODAY, status="confirmed", limit="10", cursor=page["next"])
    assert (ids(rest), bool(rest.get("next"))) == ([], True)


def test_a_cursor_is_of_its_day_and_status_alone(admin: Client, placed: list[str]) -> None:
    cursor = listed(admin, **TODAY, limit="3")["next"]
    for query in ({"day": "2026-11-20"}, {**TODAY, "status": "placed"}):
        answer = admin.call("GET", "/orders/placed", query={**query, "cursor": cursor})
        refused(answer, 400, "invalid-cursor")
    refused(admin.call("GET", "/orders/placed", query={"cursor": "e30"}), 400, "invalid-cursor")


@pytest.mark.parametrize("day", ["2026-02-30", "2026-13-01", "yesterday", "20261121", "1999-01-01"])
def test_a_day_that_there_is_not_is_refused(admin: Client, day: str) -> None:
    assert pointers(
        refused(admin.call("GET", "/orders/placed", query={"day": day}), 422, "invalid-request")
    ) == ["/query/day"]


def test_a_page_asks_each_shard_once_and_reads_no_address(
    admin: Client, placed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[Any] = []
    dynamodb = client("dynamodb")

    def counted(operation: str, request: Any, **_: Any) -> None:
        calls.append((operation, request))

    dynamodb.meta.events.register(
        "provide-client-params.dynamodb", lambda params, model, **_: counted(model.name, params)
    )
    listed(admin, **TODAY, limit="10")

    assert [name for name, _ in calls].count("Query") == 16
    [read] = [request for name, request in calls if name == "BatchGetItem"]
    assert "shipping_address" not in str(read)


def test_it_is_for_admins_and_leaves_no_line(admin: Client, ada: Client, placed: list[str]) -> None:
    assert ada.call("GET", "/orders/placed")["statusCode"] == 403
    answer = admin.call("GET", "/orders/placed", query=TODAY)
    assert "customer" not in answer["body"] and lines() == []

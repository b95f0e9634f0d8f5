"""The rules of the feed and of connections: changes, pages, subscriptions and lifetimes."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from live.domain.connection import MAX_CONNECTIONS, MAX_ORDERS, Connection, TooManyOrders, excess
from live.domain.feed import STATUS_EVENTS, Change, Entry, Page, UnknownCursor, change_in
from shared.events import Event
from tests.order_placed import PLACED_V1
from tools.contracts.template import subscriptions

NOW = datetime(2026, 11, 21, 10, 15, tzinfo=UTC)
EVENTS = Path(__file__).parents[2] / "events"
ORDER = "ord_5b0c8a526b7e5c1e8f432f7a0c9f2d11"


def example(function: str) -> list[Event]:
    records = json.loads((EVENTS / f"{function}.json").read_text())["Records"]
    return [Event.model_validate_json(record["body"]) for record in records]


CONFIRMED, REJECTED, _ = example("live_push")
[PLACED] = example("orders_start_executions")


def entry(position: int, order_id: str = ORDER) -> Entry:
    return Entry(
        position,
        Change(event_id=f"e{position}", order_id=order_id, version=position, status="placed", at="2026"),
    )


def connection(number: int = 0, **values: Any) -> Connection:
    opened = Connection.opened(
        f"c{number}", "customer", token_expires_at=2_000_000_000, now=NOW + timedelta(seconds=number)
    )
    return opened.model_copy(update=values)


def test_a_confirmed_order_is_a_change_for_its_customer() -> None:
    customer_id, change = change_in(CONFIRMED)

    assert customer_id == CONFIRMED.data["customer_id"]
    assert (change.order_id, change.version, change.status) == (
        CONFIRMED.aggregate_id,
        CONFIRMED.aggregate_version,
        "confirmed",
    )
    assert change.at == CONFIRMED.occurred_at
    assert change.event_id == CONFIRMED.event_id


def test_a_placed_order_is_a_change_for_its_customer() -> None:
    customer_id, change = change_in(PLACED)

    assert customer_id == PLACED.data["customer_id"]
    assert (change.order_id, change.status) == (PLACED.aggregate_id, "placed")


def test_both_versions_of_a_placed_order_are_the_same_change() -> None:
    assert PLACED.event_version == 2
    assert change_in(PLACED_V1) == change_in(PLACED)


def test_a_rejection_has_its_reason() -> None:
    assert change_in(REJECTED)[1].reason == REJECTED.data["reason"]


@pytest.mark.parametrize("event", [CONFIRMED, REJECTED, PLACED, PLACED_V1])
def test_a_change_has_nothing_about_persons_products_or_money(event: Event) -> None:
    fields = change_in(event)[1].model_dump(exclude_none=True)

    assert set(fields) <= {
        "event_id",
        "order_id",
        "version",
        "status",
        "at",
        "reason",
        "by",
        "tracking_reference",
    }


def test_an_event_without_a_customer_is_refused() -> None:
    with pytest.raises(ValidationError):
        change_in(CONFIRMED.model_copy(update={"data": {"status": "confirmed"}}))


def test_the_queue_receives_exactly_the_events_that_the_code_reads() -> None:
    sent = {
        event_type for event_type, readers in subscriptions([]).items() if "live.functions.push" in readers
    }

    assert sent == STATUS_EVENTS | {"user.deleted"}


def test_a_page_has_exactly_the_missed_changes() -> None:
    page = Page.between(2, 5, [entry(3), entry(4), entry(5)], limit=10)

    assert [found.position for found in page.entries] == [3, 4, 5]
    assert (page.position, page.more, page.complete) == (5, False, True)


def test_a_page_has_the_cursor_of_the_next_one() -> None:
    page = Page.between(0, 5, [entry(1), entry(2)], limit=2)

    assert (page.position, page.more, page.complete) == (2, True, True)


def test_a_client_that_missed_nothing_gets_an_empty_page() -> None:
    page = Page.between(5, 5, [], limit=10)

    assert (page.entries, page.position, page.more, page.complete) == ([], 5, False, True)


@pytest.mark.parametrize("stored", [[entry(4), entry(5)], [], [entry(3), entry(5)]])
def test_a_page_says_if_missed_changes_have_expired(stored: list[Entry]) -> None:
    page = Page.between(2, 5, stored, limit=10)

    assert not page.complete
    assert (page.position, page.more) == (5, False)


def test_a_change_that_comes_meanwhile_belongs_to_the_next_page() -> None:
    """The feed was at 1 when its position was read."""
    page = Page.between(0, 1, [entry(1), entry(2)], limit=10)

    assert [found.position for found in page.entries] == [1]
    assert page.position == 1


def test_catching_up_with_one_order_omits_the_others_and_moves_the_cursor() -> None:
    page = Page.between(0, 2, [entry(1), entry(2, "ord_other")], limit=10, order_id=ORDER)

    assert [found.position for found in page.entries] == [1]
    assert (page.position, page.complete) == (2, True)


def test_a_cursor_beyond_the_feed_is_refused() -> None:
    with pytest.raises(UnknownCursor):
        Page.between(6, 5, [], limit=10)


def test_a_connection_watches_nothing_at_first() -> None:
    assert not connection().watches(ORDER)


def test_a_connection_watches_the_orders_that_it_subscribed_to() -> None:
    assert connection(all_orders=True).watches(ORDER)
    assert connection(order_ids=frozenset({ORDER})).watches(ORDER)
    assert not connection(order_ids=frozenset({ORDER})).watches("ord_other")


def test_a_connection_ends_with_its_token() -> None:
    opened = Connection.opened("c", "customer", token_expires_at=int(NOW.timestamp()) + 60, now=NOW)

    assert not opened.is_over(NOW + timedelta(seconds=59))
    assert opened.is_over(NOW + timedelta(seconds=60))


def test_a_connection_ends_after_two_hours_however_long_its_token_is_good() -> None:
    assert connection().is_over(NOW + timedelta(hours=2))


def test_a_connection_watches_a_bounded_number_of_orders() -> None:
    full = connection(order_ids=frozenset(f"o{number}" for number in range(MAX_ORDERS)))

    full.require_room_for("o1")
    with pytest.raises(TooManyOrders):
        full.require_room_for("another")


def test_the_oldest_connections_are_in_excess() -> None:
    many = [connection(number) for number in range(MAX_CONNECTIONS + 2)]

    assert {old.connection_id for old in excess(many)} == {"c0", "c1"}

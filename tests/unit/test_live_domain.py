"""What a customer is told of their orders, and where in their feed it stands."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from live.domain.feed import (
    MAX_CONNECTIONS,
    MAX_ORDERS,
    STATUS_EVENTS,
    Change,
    Connection,
    Entry,
    Missed,
    TooManyOrders,
    UnknownCursor,
    change_told_by,
    superfluous,
)
from shared.events import Event
from tools.contracts.template import subscriptions

NOW = datetime(2026, 11, 21, 10, 15, tzinfo=UTC)
EVENTS = Path(__file__).parents[2] / "events"
ORDER = "ord_5b0c8a526b7e5c1e8f432f7a0c9f2d11"


def example(function: str) -> list[Event]:
    records = json.loads((EVENTS / f"{function}.json").read_text())["Records"]
    return [Event.model_validate_json(record["body"]) for record in records]


CONFIRMED, REJECTED = example("live_push")
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


def test_the_customer_of_a_confirmed_order_is_told_so() -> None:
    customer_id, change = change_told_by(CONFIRMED)

    assert customer_id == CONFIRMED.data["customer_id"]
    assert (change.order_id, change.version, change.status) == (
        CONFIRMED.aggregate_id,
        CONFIRMED.aggregate_version,
        "confirmed",
    )
    assert change.at == CONFIRMED.occurred_at
    assert change.event_id == CONFIRMED.event_id


def test_a_placed_order_is_told_by_what_its_saga_gets() -> None:
    customer_id, change = change_told_by(PLACED)

    assert customer_id == PLACED.data["order"]["customer_id"]
    assert (change.order_id, change.status) == (PLACED.aggregate_id, "placed")


def test_a_rejection_is_told_with_its_reason() -> None:
    assert change_told_by(REJECTED)[1].reason == REJECTED.data["reason"]


@pytest.mark.parametrize("event", [CONFIRMED, REJECTED, PLACED])
def test_nothing_is_told_of_persons_goods_or_money(event: Event) -> None:
    told = change_told_by(event)[1].model_dump(exclude_none=True)

    assert set(told) <= {
        "event_id",
        "order_id",
        "version",
        "status",
        "at",
        "reason",
        "by",
        "tracking_reference",
    }


def test_an_event_without_a_customer_cannot_be_told() -> None:
    with pytest.raises(ValidationError):
        change_told_by(CONFIRMED.model_copy(update={"data": {"status": "confirmed"}}))


def test_the_subscription_lets_through_what_the_code_reads() -> None:
    sent = {event_type for event_type, readers in subscriptions().items() if "live.functions.push" in readers}

    assert sent == STATUS_EVENTS


def test_who_missed_something_gets_exactly_that() -> None:
    missed = Missed.between(2, 5, [entry(3), entry(4), entry(5)], limit=10)

    assert [found.position for found in missed.entries] == [3, 4, 5]
    assert (missed.position, missed.more, missed.complete) == (5, False, True)


def test_a_page_says_where_the_next_one_begins() -> None:
    missed = Missed.between(0, 5, [entry(1), entry(2)], limit=2)

    assert (missed.position, missed.more, missed.complete) == (2, True, True)


def test_who_missed_nothing_gets_nothing() -> None:
    missed = Missed.between(5, 5, [], limit=10)

    assert (missed.entries, missed.position, missed.more, missed.complete) == ([], 5, False, True)


@pytest.mark.parametrize("kept", [[entry(4), entry(5)], [], [entry(3), entry(5)]])
def test_a_client_learns_that_something_it_missed_is_no_longer_kept(kept: list[Entry]) -> None:
    missed = Missed.between(2, 5, kept, limit=10)

    assert not missed.complete
    assert (missed.position, missed.more) == (5, False)


def test_what_comes_in_between_belongs_to_the_next_page() -> None:
    """The feed was at 1 when it was asked where it is."""
    missed = Missed.between(0, 1, [entry(1), entry(2)], limit=10)

    assert [found.position for found in missed.entries] == [1]
    assert missed.position == 1


def test_catching_up_with_one_order_leaves_out_the_others_and_yet_goes_on() -> None:
    missed = Missed.between(0, 2, [entry(1), entry(2, "ord_other")], limit=10, order_id=ORDER)

    assert [found.position for found in missed.entries] == [1]
    assert (missed.position, missed.complete) == (2, True)


def test_a_cursor_beyond_the_feed_is_refused() -> None:
    with pytest.raises(UnknownCursor):
        Missed.between(6, 5, [], limit=10)


def test_a_connection_watches_nothing_at_first() -> None:
    assert not connection().watches(ORDER)


def test_a_connection_watches_what_it_subscribed_to() -> None:
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

    full.may_watch("o1")
    with pytest.raises(TooManyOrders):
        full.may_watch("another")


def test_the_oldest_connections_give_way() -> None:
    many = [connection(number) for number in range(MAX_CONNECTIONS + 2)]

    assert {old.connection_id for old in superfluous(many)} == {"c0", "c1"}

"""Stock under reservations, releases and receipts, against moto's DynamoDB."""

from collections import Counter
from contextlib import suppress
from typing import Any
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inventory.adapters.reservation_store import ReservationStore
from inventory.adapters.stock_ledger import StockLedger
from inventory.domain.reservation import (
    OutOfStock,
    Reservation,
    ReservationInconsistent,
    ReservationReleased,
)
from inventory.domain.stock import (
    IdempotencyKeyReused,
    Movement,
    MovementKind,
    NotEnoughStock,
    TooMuchStock,
    UnknownSku,
)
from shared.clock import timestamp
from shared.dynamo import from_item
from shared.events import Event
from shared.versioned_table import WriteConflict
from tests.component.inventory.account import (
    NOW,
    TABLE,
    Interrupted,
    conflict,
    items,
    levels,
    make_table,
    order,
    single_conflict,
    stock,
    sums,
)


def adjustment(sku: str, quantity: int, *, movement_id: str = "a-1") -> Movement:
    return Movement(
        movement_id=movement_id,
        sku=sku,
        kind=MovementKind.ADJUSTMENT,
        quantity=quantity,
        reason="Counted",
        recorded_by="ada",
        recorded_at=timestamp(NOW),
        correlation_id="c-0",
    )


def outbox(dynamodb: Any, order_id: str) -> list[Event]:
    item = dynamodb.get_item(TableName=TABLE, Key={"pk": {"S": f"reservation#{order_id}"}})["Item"]
    return [Event.model_validate_json(entry) for entry in from_item(item)["outbox"]]


def test_a_reservation_moves_stock_from_available_to_reserved(
    dynamodb: Any, store: ReservationStore, ledger: StockLedger
) -> None:
    stock(ledger, MUG=5, TEA=3)
    store.reserve(order("o-1", MUG=2, TEA=3), NOW)
    assert levels(ledger, "MUG", "TEA") == [(3, 2), (0, 3)]
    (event,) = outbox(dynamodb, "o-1")
    assert (event.event_type, event.correlation_id) == ("stock.reserved", "c-o-1")
    assert event.data["lines"] == [{"sku": "MUG", "quantity": 2}, {"sku": "TEA", "quantity": 3}]


def test_when_one_line_lacks_no_line_is_reserved_and_the_lacking_skus_are_named(
    store: ReservationStore, ledger: StockLedger
) -> None:
    stock(ledger, CUP=1, MUG=5, TEA=3)
    with pytest.raises(OutOfStock) as refusal:
        store.reserve(order("o-1", CUP=2, MUG=2, TEA=4), NOW)
    assert refusal.value.skus == ["CUP", "TEA"]
    assert levels(ledger, "CUP", "MUG", "TEA") == [(1, 0), (5, 0), (3, 0)]
    assert store.reservation_of("o-1") is None


def test_a_sku_that_inventory_does_not_know_is_out_of_stock(
    store: ReservationStore, ledger: StockLedger
) -> None:
    stock(ledger, MUG=5)
    with pytest.raises(OutOfStock) as refusal:
        store.reserve(order("o-1", GHOST=1, MUG=1), NOW)
    assert refusal.value.skus == ["GHOST"]
    assert ledger.level("GHOST") is None


def test_a_repeated_reserve_returns_the_same_and_takes_nothing_more(
    store: ReservationStore, ledger: StockLedger
) -> None:
    stock(ledger, MUG=5)
    first = store.reserve(order("o-1", MUG=2), NOW)
    assert store.reserve(order("o-1", MUG=2), NOW) == first
    assert levels(ledger, "MUG") == [(3, 2)]


def test_a_repeated_reserve_succeeds_though_its_own_reservation_took_the_last_piece(
    store: ReservationStore, ledger: StockLedger
) -> None:
    stock(ledger, MUG=1)
    first = store.reserve(order("o-1", MUG=1), NOW)
    assert store.reserve(order("o-1", MUG=1), NOW) == first


def test_of_two_orders_for_the_last_piece_one_gets_it(store: ReservationStore, ledger: StockLedger) -> None:
    stock(ledger, MUG=1)
    store.reserve(order("o-1", MUG=1), NOW)
    with pytest.raises(OutOfStock):
        store.reserve(order("o-2", MUG=1), NOW)
    assert levels(ledger, "MUG") == [(0, 1)]


def test_fifty_lines_are_one_reservation(store: ReservationStore, ledger: StockLedger) -> None:
    skus = {f"SKU{n:02}": 1 for n in range(50)}
    stock(ledger, **skus)
    store.reserve(order("o-1", **skus), NOW)
    assert levels(ledger, *skus) == [(0, 1)] * 50


def test_release_gives_back_what_was_reserved_once(
    dynamodb: Any, store: ReservationStore, ledger: StockLedger
) -> None:
    stock(ledger, MUG=5, TEA=3)
    store.reserve(order("o-1", MUG=2, TEA=3), NOW)
    first = store.release("o-1", "c-1", NOW)
    assert first.has_given_back
    assert store.release("o-1", "c-1", NOW) == first
    assert levels(ledger, "MUG", "TEA") == [(5, 0), (3, 0)]
    assert [event.event_id for event in outbox(dynamodb, "o-1")] == ["reservation-o-1:2:stock.released"]


def test_release_leaves_the_stock_of_other_orders_alone(store: ReservationStore, ledger: StockLedger) -> None:
    stock(ledger, MUG=5)
    store.reserve(order("o-1", MUG=2), NOW)
    store.reserve(order("o-2", MUG=1), NOW)
    store.release("o-1", "c-1", NOW)
    assert levels(ledger, "MUG") == [(4, 1)]


def test_a_reserve_after_the_release_is_refused(store: ReservationStore, ledger: StockLedger) -> None:
    stock(ledger, MUG=5)
    store.reserve(order("o-1", MUG=2), NOW)
    store.release("o-1", "c-1", NOW)
    with pytest.raises(ReservationReleased):
        store.reserve(order("o-1", MUG=2), NOW)
    assert levels(ledger, "MUG") == [(5, 0)]


def test_a_reserve_that_comes_after_a_release_of_nothing_is_refused(
    dynamodb: Any, store: ReservationStore, ledger: StockLedger
) -> None:
    stock(ledger, MUG=5)
    assert not store.release("o-1", "c-1", NOW).has_given_back
    assert not store.release("o-1", "c-1", NOW).has_given_back
    with pytest.raises(ReservationReleased):
        store.reserve(order("o-1", MUG=2), NOW)
    assert levels(ledger, "MUG") == [(5, 0)]
    assert outbox(dynamodb, "o-1") == []


def test_a_reserve_that_slips_in_before_the_tombstone_is_given_back(
    dynamodb: Any, store: ReservationStore, ledger: StockLedger
) -> None:
    stock(ledger, MUG=5)
    racing = Interrupted(dynamodb, "put_item", [lambda: store.reserve(order("o-1", MUG=2), NOW)])
    assert ReservationStore(racing, TABLE).release("o-1", "c-1", NOW).has_given_back
    assert levels(ledger, "MUG") == [(5, 0)]


def test_two_releases_at_once_give_back_once(
    dynamodb: Any, store: ReservationStore, ledger: StockLedger
) -> None:
    stock(ledger, MUG=5)
    store.reserve(order("o-1", MUG=2), NOW)
    racing = Interrupted(dynamodb, "transact_write_items", [lambda: store.release("o-1", "c-1", NOW)])
    assert ReservationStore(racing, TABLE).release("o-1", "c-1", NOW).has_given_back
    assert levels(ledger, "MUG") == [(5, 0)]


def test_a_tombstone_waits_for_a_transaction_that_is_at_the_reservation(dynamodb: Any) -> None:
    busy = Interrupted(dynamodb, "put_item", [single_conflict])
    assert not ReservationStore(busy, TABLE).release("o-1", "c-1", NOW).has_given_back
    assert busy.calls == 2


def test_stock_that_is_not_on_record_as_reserved_is_not_invented(
    dynamodb: Any, store: ReservationStore, ledger: StockLedger
) -> None:
    stock(ledger, MUG=5)
    store.reserve(order("o-1", MUG=2), NOW)
    dynamodb.delete_item(TableName=TABLE, Key={"pk": {"S": "sku#MUG"}})
    with pytest.raises(ReservationInconsistent, match="MUG"):
        store.release("o-1", "c-1", NOW)


def test_more_than_is_on_record_as_reserved_is_not_given_back(
    dynamodb: Any, store: ReservationStore, ledger: StockLedger
) -> None:
    stock(ledger, MUG=5)
    store.reserve(order("o-1", MUG=2), NOW)
    dynamodb.update_item(
        TableName=TABLE,
        Key={"pk": {"S": "sku#MUG"}},
        UpdateExpression="SET reserved = :one",
        ExpressionAttributeValues={":one": {"N": "1"}},
    )
    with pytest.raises(ReservationInconsistent, match="MUG"):
        store.release("o-1", "c-1", NOW)
    assert levels(ledger, "MUG") == [(3, 1)]


def test_a_collision_with_another_order_is_tried_again(dynamodb: Any, ledger: StockLedger) -> None:
    stock(ledger, MUG=5)
    busy = Interrupted(dynamodb, "transact_write_items", [conflict, conflict])
    ReservationStore(busy, TABLE).reserve(order("o-1", MUG=2), NOW)
    assert busy.calls == 3
    assert levels(ledger, "MUG") == [(3, 2)]


def test_endless_collisions_end_in_an_error_that_the_state_machine_retries(
    dynamodb: Any, ledger: StockLedger
) -> None:
    stock(ledger, MUG=5)
    busy = Interrupted(dynamodb, "transact_write_items", [conflict] * 99)
    with pytest.raises(WriteConflict):
        ReservationStore(busy, TABLE).reserve(order("o-1", MUG=2), NOW)
    assert levels(ledger, "MUG") == [(5, 0)]


def test_the_store_itself_retries_collisions(dynamodb: Any, ledger: StockLedger, waits: list[float]) -> None:
    stock(ledger, MUG=5)
    busy = Interrupted(dynamodb, "transact_write_items", [conflict] * 5)
    ReservationStore(busy, TABLE).reserve(order("o-1", MUG=2), NOW)
    assert len(waits) == 5
    assert sum(waits) <= 1.5


def test_an_error_that_is_no_collision_is_not_taken_for_one(dynamodb: Any) -> None:
    with pytest.raises(ClientError, match="ResourceNotFound"):
        ReservationStore(dynamodb, "no-such-table").reserve(order("o-1", MUG=1), NOW)


def test_stock_received_adds_up(ledger: StockLedger) -> None:
    assert ledger.receive("MUG", 5, movement_id="m-1", correlation_id="c", now=NOW, low_stock_threshold=2)
    assert ledger.receive("MUG", 3, movement_id="m-2", correlation_id="c", now=NOW)
    level = ledger.level("MUG")
    assert level is not None
    assert (level.available, level.reserved, level.low_stock_threshold, level.version) == (8, 0, 2, 2)


def test_a_movement_that_is_recorded_twice_counts_once(ledger: StockLedger) -> None:
    assert ledger.receive("MUG", 5, movement_id="m-1", correlation_id="c", now=NOW)
    assert not ledger.receive("MUG", 5, movement_id="m-1", correlation_id="c", now=NOW)
    assert levels(ledger, "MUG") == [(5, 0)]


def test_a_movement_id_is_not_used_for_something_else(ledger: StockLedger) -> None:
    ledger.receive("MUG", 5, movement_id="m-1", correlation_id="c", now=NOW)
    with pytest.raises(IdempotencyKeyReused):
        ledger.receive("TEA", 5, movement_id="m-1", correlation_id="c", now=NOW)
    assert ledger.level("TEA") is None


def test_stock_does_not_come_in_below_zero(ledger: StockLedger) -> None:
    with pytest.raises(ValueError, match="from 0"):
        ledger.receive("MUG", -1, movement_id="m-1", correlation_id="c", now=NOW)


def test_a_threshold_waits_for_an_order_that_is_at_the_stock(dynamodb: Any, ledger: StockLedger) -> None:
    stock(ledger, MUG=5)
    busy = Interrupted(dynamodb, "update_item", [single_conflict])
    level = StockLedger(busy, TABLE).set_threshold("MUG", 9, "c", NOW)
    assert level is not None and level.low_stock_threshold == 9
    assert busy.calls == 2


def test_a_page_without_levels_asks_for_none(dynamodb: Any) -> None:
    asking = Interrupted(dynamodb, "batch_get_item", [])
    assert StockLedger(asking, TABLE).levels(10, None) == ([], None)
    assert asking.calls == 0


def test_an_adjustment_that_an_order_overtakes_is_checked_against_the_stock_that_the_order_left(
    dynamodb: Any, store: ReservationStore, ledger: StockLedger
) -> None:
    stock(ledger, MUG=5)
    racing = Interrupted(dynamodb, "transact_write_items", [lambda: store.reserve(order("o-1", MUG=3), NOW)])
    with pytest.raises(NotEnoughStock, match="2 are available"):
        StockLedger(racing, TABLE).record(adjustment("MUG", -3))
    assert levels(ledger, "MUG") == [(2, 3)]


def test_an_adjustment_that_fits_again_by_the_time_it_is_checked_is_made(
    dynamodb: Any, store: ReservationStore, ledger: StockLedger
) -> None:
    stock(ledger, MUG=5)
    store.reserve(order("o-1", MUG=3), NOW)
    racing = Interrupted(dynamodb, "get_item", [lambda: store.release("o-1", "c-1", NOW)])
    made = adjustment("MUG", -3)
    assert StockLedger(racing, TABLE).record(made) is made
    assert levels(ledger, "MUG") == [(2, 0)]


# What can happen to the stock of two skus: an operation, its sku, its key or order, and how many pieces.
happenings = st.lists(
    st.tuples(
        st.sampled_from(["receive", "adjust", "reserve", "release"]),
        st.sampled_from(["MUG", "TEA"]),
        st.integers(1, 3),
        st.integers(-9, 9),
    ),
    min_size=4,
    max_size=16,
)


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(happened=happenings)
def test_on_hand_is_the_sum_of_the_ledger_whatever_happens(
    dynamodb: Any, happened: list[tuple[str, str, int, int]]
) -> None:
    table = f"inventory-{uuid4().hex}"
    make_table(dynamodb, table)
    store, ledger = ReservationStore(dynamodb, table), StockLedger(dynamodb, table)
    # Enough for an order, not for all of them; the other sku has to come in first.
    stock(ledger, MUG=12)
    for operation, sku, key, pieces in happened:
        with suppress(
            OutOfStock, ReservationReleased, IdempotencyKeyReused, NotEnoughStock, TooMuchStock, UnknownSku
        ):
            match operation:
                case "receive":
                    ledger.receive(sku, abs(pieces), movement_id=f"r-{key}", correlation_id="c", now=NOW)
                case "adjust":
                    ledger.record(adjustment(sku, pieces, movement_id=f"a-{key}"))
                case "reserve":
                    store.reserve(Reservation.of(f"o-{key}", "c", [(sku, abs(pieces) + 1), ("MUG", 1)]), NOW)
                case "release":
                    store.release(f"o-{key}", "c", NOW)
    moved, on_hand = sums(dynamodb, table)
    assert moved == on_hand
    stored = items(dynamodb, table)
    levels_stored = [item for item in stored if item["pk"].startswith("sku#")]
    held: Counter[str] = Counter()
    for item in stored:
        if item["pk"].startswith("reservation#") and item["status"] == "reserved":
            held.update({line["sku"]: line["quantity"] for line in item["lines"]})
    assert all(item["available"] >= 0 for item in levels_stored)
    assert {item["sku"]: item["reserved"] for item in levels_stored if item["reserved"]} == dict(held)

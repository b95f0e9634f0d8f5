"""Stock under reservations, releases and receipts, against DynamoDB as moto plays it."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_none

from inventory.domain import (
    MovementReused,
    OutOfStock,
    Reservation,
    ReservationInconsistent,
    ReservationReleased,
    StockContended,
)
from inventory.store import StockStore
from shared.aws import client
from shared.dynamo import from_item
from shared.events import Event

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
TABLE = "inventory"


@pytest.fixture
def dynamodb(aws: None) -> Any:
    """DynamoDB with the inventory table."""
    dynamodb = client("dynamodb")
    dynamodb.create_table(
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
    )
    return dynamodb


@pytest.fixture
def store(dynamodb: Any) -> StockStore:
    return StockStore(dynamodb, TABLE)


class Interrupted:
    """DynamoDB where something happens before each of the first calls of `operation`."""

    def __init__(self, dynamodb: Any, operation: str, happenings: Sequence[Callable[[], object]]) -> None:
        self._dynamodb = dynamodb
        self._operation = operation
        self._happenings = list(happenings)
        self.calls = 0

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._dynamodb, name)
        if name != self._operation:
            return call

        def interrupted(**arguments: Any) -> Any:
            self.calls += 1
            if self._happenings:
                self._happenings.pop(0)()
            return call(**arguments)

        return interrupted


def patient(attempts: int = 3) -> Retrying:
    """The store's retries without their waits."""
    return Retrying(
        retry=retry_if_exception_type(StockContended),
        wait=wait_none(),
        stop=stop_after_attempt(attempts),
        reraise=True,
    )


def conflict() -> None:
    """Another transaction is at the item."""
    raise ClientError(
        {
            "Error": {"Code": "TransactionCanceledException", "Message": "[None, TransactionConflict]"},
            "CancellationReasons": [{"Code": "None"}, {"Code": "TransactionConflict"}],
        },
        "TransactWriteItems",
    )


def stock(store: StockStore, **quantities: int) -> None:
    for sku, quantity in quantities.items():
        store.receive(sku, quantity, movement_id=f"first-{sku}", correlation_id="c-0", now=NOW)


def levels(store: StockStore, *skus: str) -> list[tuple[int, int]]:
    """(available, reserved) of each sku."""
    found = [store.level(sku) for sku in skus]
    return [(level.available, level.reserved) for level in found if level]


def order(order_id: str, **quantities: int) -> Reservation:
    return Reservation.of(order_id, f"c-{order_id}", quantities.items())


def outbox(dynamodb: Any, order_id: str) -> list[Event]:
    item = dynamodb.get_item(TableName=TABLE, Key={"pk": {"S": f"reservation#{order_id}"}})["Item"]
    return [Event.model_validate_json(entry) for entry in from_item(item)["outbox"]]


def test_a_reservation_moves_stock_from_available_to_reserved(dynamodb: Any, store: StockStore) -> None:
    stock(store, MUG=5, TEA=3)
    store.reserve(order("o-1", MUG=2, TEA=3), NOW)
    assert levels(store, "MUG", "TEA") == [(3, 2), (0, 3)]
    (event,) = outbox(dynamodb, "o-1")
    assert (event.event_type, event.correlation_id) == ("stock.reserved", "c-o-1")
    assert event.data["lines"] == [{"sku": "MUG", "quantity": 2}, {"sku": "TEA", "quantity": 3}]


def test_when_one_line_lacks_no_line_is_reserved_and_the_lacking_skus_are_named(store: StockStore) -> None:
    stock(store, CUP=1, MUG=5, TEA=3)
    with pytest.raises(OutOfStock) as refusal:
        store.reserve(order("o-1", CUP=2, MUG=2, TEA=4), NOW)
    assert refusal.value.skus == ["CUP", "TEA"]
    assert levels(store, "CUP", "MUG", "TEA") == [(1, 0), (5, 0), (3, 0)]
    assert store.reservation_of("o-1") is None


def test_a_sku_that_inventory_does_not_know_is_out_of_stock(store: StockStore) -> None:
    stock(store, MUG=5)
    with pytest.raises(OutOfStock) as refusal:
        store.reserve(order("o-1", GHOST=1, MUG=1), NOW)
    assert refusal.value.skus == ["GHOST"]
    assert store.level("GHOST") is None


def test_a_repeated_reserve_returns_the_same_and_takes_nothing_more(store: StockStore) -> None:
    stock(store, MUG=5)
    first = store.reserve(order("o-1", MUG=2), NOW)
    assert store.reserve(order("o-1", MUG=2), NOW) == first
    assert levels(store, "MUG") == [(3, 2)]


def test_a_repeated_reserve_succeeds_though_its_own_reservation_took_the_last_piece(
    store: StockStore,
) -> None:
    stock(store, MUG=1)
    first = store.reserve(order("o-1", MUG=1), NOW)
    assert store.reserve(order("o-1", MUG=1), NOW) == first


def test_of_two_orders_for_the_last_piece_one_gets_it(store: StockStore) -> None:
    stock(store, MUG=1)
    store.reserve(order("o-1", MUG=1), NOW)
    with pytest.raises(OutOfStock):
        store.reserve(order("o-2", MUG=1), NOW)
    assert levels(store, "MUG") == [(0, 1)]


def test_fifty_lines_are_one_reservation(store: StockStore) -> None:
    skus = {f"SKU{n:02}": 1 for n in range(50)}
    stock(store, **skus)
    store.reserve(order("o-1", **skus), NOW)
    assert levels(store, *skus) == [(0, 1)] * 50


def test_release_gives_back_what_was_reserved_once(dynamodb: Any, store: StockStore) -> None:
    stock(store, MUG=5, TEA=3)
    store.reserve(order("o-1", MUG=2, TEA=3), NOW)
    first = store.release("o-1", "c-1", NOW)
    assert first.has_given_back
    assert store.release("o-1", "c-1", NOW) == first
    assert levels(store, "MUG", "TEA") == [(5, 0), (3, 0)]
    assert [event.event_id for event in outbox(dynamodb, "o-1")] == ["reservation-o-1:2:stock.released"]


def test_release_leaves_the_stock_of_other_orders_alone(store: StockStore) -> None:
    stock(store, MUG=5)
    store.reserve(order("o-1", MUG=2), NOW)
    store.reserve(order("o-2", MUG=1), NOW)
    store.release("o-1", "c-1", NOW)
    assert levels(store, "MUG") == [(4, 1)]


def test_a_reserve_after_the_release_is_refused(store: StockStore) -> None:
    stock(store, MUG=5)
    store.reserve(order("o-1", MUG=2), NOW)
    store.release("o-1", "c-1", NOW)
    with pytest.raises(ReservationReleased):
        store.reserve(order("o-1", MUG=2), NOW)
    assert levels(store, "MUG") == [(5, 0)]


def test_a_reserve_that_comes_after_a_release_of_nothing_is_refused(dynamodb: Any, store: StockStore) -> None:
    stock(store, MUG=5)
    assert not store.release("o-1", "c-1", NOW).has_given_back
    assert not store.release("o-1", "c-1", NOW).has_given_back
    with pytest.raises(ReservationReleased):
        store.reserve(order("o-1", MUG=2), NOW)
    assert levels(store, "MUG") == [(5, 0)]
    assert outbox(dynamodb, "o-1") == []


def test_a_reserve_that_slips_in_before_the_tombstone_is_given_back(dynamodb: Any, store: StockStore) -> None:
    stock(store, MUG=5)
    racing = Interrupted(dynamodb, "put_item", [lambda: store.reserve(order("o-1", MUG=2), NOW)])
    assert StockStore(racing, TABLE, patient()).release("o-1", "c-1", NOW).has_given_back
    assert levels(store, "MUG") == [(5, 0)]


def test_two_releases_at_once_give_back_once(dynamodb: Any, store: StockStore) -> None:
    stock(store, MUG=5)
    store.reserve(order("o-1", MUG=2), NOW)
    racing = Interrupted(dynamodb, "transact_write_items", [lambda: store.release("o-1", "c-1", NOW)])
    assert StockStore(racing, TABLE, patient()).release("o-1", "c-1", NOW).has_given_back
    assert levels(store, "MUG") == [(5, 0)]


def test_stock_that_is_not_on_record_as_reserved_is_not_invented(dynamodb: Any, store: StockStore) -> None:
    stock(store, MUG=5)
    store.reserve(order("o-1", MUG=2), NOW)
    dynamodb.delete_item(TableName=TABLE, Key={"pk": {"S": "sku#MUG"}})
    with pytest.raises(ReservationInconsistent, match="MUG"):
        store.release("o-1", "c-1", NOW)


def test_a_collision_with_another_order_is_tried_again(dynamodb: Any, store: StockStore) -> None:
    stock(store, MUG=5)
    busy = Interrupted(dynamodb, "transact_write_items", [conflict, conflict])
    StockStore(busy, TABLE, patient(3)).reserve(order("o-1", MUG=2), NOW)
    assert busy.calls == 3
    assert levels(store, "MUG") == [(3, 2)]


def test_endless_collisions_end_in_an_error_that_the_state_machine_retries(
    dynamodb: Any, store: StockStore
) -> None:
    stock(store, MUG=5)
    busy = Interrupted(dynamodb, "transact_write_items", [conflict] * 3)
    with pytest.raises(StockContended):
        StockStore(busy, TABLE, patient(3)).reserve(order("o-1", MUG=2), NOW)
    assert levels(store, "MUG") == [(5, 0)]


def test_the_store_itself_retries_collisions(
    dynamodb: Any, store: StockStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    monkeypatch.setattr("tenacity.nap.time.sleep", waits.append)
    stock(store, MUG=5)
    busy = Interrupted(dynamodb, "transact_write_items", [conflict] * 5)
    StockStore(busy, TABLE).reserve(order("o-1", MUG=2), NOW)
    assert len(waits) == 5
    assert sum(waits) <= 1.5


def test_the_store_itself_gives_up_with_the_error_that_the_state_machine_retries(
    dynamodb: Any, store: StockStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tenacity.nap.time.sleep", lambda _: None)
    stock(store, MUG=5)
    busy = Interrupted(dynamodb, "transact_write_items", [conflict] * 99)
    with pytest.raises(StockContended):
        StockStore(busy, TABLE).reserve(order("o-1", MUG=2), NOW)


def test_an_error_that_is_no_collision_is_not_taken_for_one(store: StockStore, dynamodb: Any) -> None:
    with pytest.raises(ClientError, match="ResourceNotFound"):
        StockStore(dynamodb, "no-such-table").reserve(order("o-1", MUG=1), NOW)


def test_stock_received_adds_up(store: StockStore) -> None:
    assert store.receive("MUG", 5, movement_id="m-1", correlation_id="c", now=NOW, low_stock_threshold=2)
    assert store.receive("MUG", 3, movement_id="m-2", correlation_id="c", now=NOW)
    level = store.level("MUG")
    assert level is not None
    assert (level.available, level.reserved, level.low_stock_threshold, level.version) == (8, 0, 2, 2)


def test_a_movement_that_is_told_twice_counts_once(store: StockStore) -> None:
    assert store.receive("MUG", 5, movement_id="m-1", correlation_id="c", now=NOW)
    assert not store.receive("MUG", 5, movement_id="m-1", correlation_id="c", now=NOW)
    assert levels(store, "MUG") == [(5, 0)]


def test_a_movement_id_is_not_used_for_something_else(store: StockStore) -> None:
    store.receive("MUG", 5, movement_id="m-1", correlation_id="c", now=NOW)
    with pytest.raises(MovementReused):
        store.receive("TEA", 5, movement_id="m-1", correlation_id="c", now=NOW)
    assert store.level("TEA") is None


def test_stock_does_not_come_in_below_zero(store: StockStore) -> None:
    with pytest.raises(ValueError, match="from 0"):
        store.receive("MUG", -1, movement_id="m-1", correlation_id="c", now=NOW)

"""Reservations from their making to their release or commit: every operation in every status."""

from datetime import timedelta
from typing import Any

import pytest

from inventory.adapters.reservation_store import ReservationStore
from inventory.adapters.stock_ledger import StockLedger
from inventory.domain.reservation import (
    LINES_PER_COMMIT,
    MAX_LINES,
    Reservation,
    ReservationCommitted,
    ReservationInconsistent,
    ReservationMissing,
    ReservationReleased,
    ReservationStatus,
)
from shared.dynamo import from_item
from shared.events import Event
from shared.versioned_table import WriteConflict
from tests.component.inventory.account import (
    NOW,
    TABLE,
    Interrupted,
    conflict,
    levels,
    order,
    stock,
    sums,
)

LATER = NOW + timedelta(minutes=1)


@pytest.fixture
def one_line_per_commit(store: ReservationStore, monkeypatch: pytest.MonkeyPatch) -> ReservationStore:
    monkeypatch.setattr("inventory.domain.reservation.LINES_PER_COMMIT", 1)
    return store


def item_of(dynamodb: Any, order_id: str = "o-1") -> dict[str, Any]:
    item = dynamodb.get_item(TableName=TABLE, Key={"pk": {"S": f"reservation#{order_id}"}})["Item"]
    return from_item(item)


def outbox(dynamodb: Any) -> list[Event]:
    return [Event.model_validate_json(entry) for entry in item_of(dynamodb)["outbox"]]


RESERVED, COMMITTING = ReservationStatus.RESERVED, ReservationStatus.COMMITTING
COMMITTED, RELEASED = ReservationStatus.COMMITTED, ReservationStatus.RELEASED
MISSING, TOO_LATE, GONE = ReservationMissing, ReservationReleased, ReservationCommitted

# (available, reserved) of MUG and TEA. Each had 5 pieces, and the order wants 2 and 3.
NOTHING_TAKEN, HELD = [(5, 0), (5, 0)], [(3, 2), (2, 3)]
HALF_SHIPPED, SHIPPED = [(3, 0), (2, 3)], [(3, 0), (2, 0)]

# By the status that is found: what each operation comes to, and the stock after it.
OPERATIONS = ("reserve", "release", "commit")
OUTCOMES: dict[str, list[tuple[ReservationStatus | type[Exception], list[tuple[int, int]]]]] = {
    "none": [(RESERVED, HELD), (RELEASED, NOTHING_TAKEN), (MISSING, NOTHING_TAKEN)],
    "reserved": [(RESERVED, HELD), (RELEASED, NOTHING_TAKEN), (COMMITTED, SHIPPED)],
    "committing": [
        (COMMITTING, HALF_SHIPPED),
        (GONE, HALF_SHIPPED),
        (COMMITTED, SHIPPED),
    ],
    "committed": [(COMMITTED, SHIPPED), (GONE, SHIPPED), (COMMITTED, SHIPPED)],
    "released": [
        (TOO_LATE, NOTHING_TAKEN),
        (RELEASED, NOTHING_TAKEN),
        (TOO_LATE, NOTHING_TAKEN),
    ],
    "tombstone": [
        (TOO_LATE, NOTHING_TAKEN),
        (RELEASED, NOTHING_TAKEN),
        (TOO_LATE, NOTHING_TAKEN),
    ],
}
CASES = [
    pytest.param(found, operation, (outcome, after), id=f"{operation}-{found}")
    for found, row in OUTCOMES.items()
    for operation, (outcome, after) in zip(OPERATIONS, row, strict=True)
]


def bring_to(found: str, store: ReservationStore, dynamodb: Any) -> None:
    """Brings the reservation of o-1 to the status `found`."""
    if found == "none":
        return
    if found != "tombstone":
        store.reserve(order("o-1", MUG=2, TEA=3), NOW)
    if found in {"released", "tombstone"}:
        store.release("o-1", "c-o-1", NOW)
    if found == "committed":
        store.commit("o-1", NOW)
    if found == "committing":
        stops = Interrupted(dynamodb, "transact_write_items", [lambda: None, *[conflict] * 99])
        with pytest.raises(WriteConflict):
            ReservationStore(stops, TABLE).commit("o-1", NOW)


def operate(operation: str, store: ReservationStore) -> Reservation:
    match operation:
        case "reserve":
            return store.reserve(order("o-1", MUG=2, TEA=3), LATER)
        case "release":
            return store.release("o-1", "c-o-1", LATER)
    return store.commit("o-1", LATER)


@pytest.mark.parametrize(("found", "operation", "expected"), CASES)
def test_every_operation_in_every_status(
    dynamodb: Any,
    store: ReservationStore,
    ledger: StockLedger,
    one_line_per_commit: ReservationStore,
    found: str,
    operation: str,
    expected: tuple[ReservationStatus | type[Exception], list[tuple[int, int]]],
) -> None:
    store = one_line_per_commit
    outcome, after = expected
    stock(ledger, MUG=5, TEA=5)
    bring_to(found, store, dynamodb)
    for _ in range(2):  # an operation that is repeated comes to the same
        if isinstance(outcome, ReservationStatus):
            assert operate(operation, store).status is outcome
        else:
            with pytest.raises(outcome):
                operate(operation, store)
        assert levels(ledger, "MUG", "TEA") == after
        moved, on_hand = sums(dynamodb)
        assert moved == on_hand


def test_a_commit_takes_the_pieces_out_with_a_movement_a_line_that_names_the_order(
    dynamodb: Any, store: ReservationStore, ledger: StockLedger
) -> None:
    stock(ledger, MUG=5, TEA=5)
    store.reserve(order("o-1", MUG=2, TEA=3), NOW)

    store.commit("o-1", LATER)

    newest, _ = ledger.ledger("MUG", 1, None)
    assert [(one.kind, one.quantity, one.order_id) for one in newest] == [("shipment", -2, "o-1")]
    assert newest[0].correlation_id == "c-o-1"
    (event,) = outbox(dynamodb)
    assert event.event_id == "reservation-o-1:2:stock.committed"
    assert event.data["lines"] == [{"sku": "MUG", "quantity": 2}, {"sku": "TEA", "quantity": 3}]


def test_a_commit_leaves_the_stock_of_other_orders_alone(
    store: ReservationStore, ledger: StockLedger
) -> None:
    stock(ledger, MUG=5)
    store.reserve(order("o-1", MUG=2), NOW)
    store.reserve(order("o-2", MUG=1), NOW)
    store.commit("o-1", NOW)
    assert levels(ledger, "MUG") == [(2, 1)]
    assert store.release("o-2", "c", NOW).has_given_back


def test_the_longest_reservation_is_committed_in_two_transactions_with_one_event(
    dynamodb: Any, store: ReservationStore, ledger: StockLedger
) -> None:
    skus = {f"SKU{n:02}": 1 for n in range(MAX_LINES)}
    stock(ledger, **skus)
    store.reserve(order("o-1", **skus), NOW)
    counted = Interrupted(dynamodb, "transact_write_items", [])

    assert ReservationStore(counted, TABLE).commit("o-1", NOW).held == ()

    assert counted.calls == 2
    assert levels(ledger, *skus) == [(0, 0)] * MAX_LINES
    assert [event.event_type for event in outbox(dynamodb)] == ["stock.committed"]


def test_a_commit_that_stopped_half_way_is_finished_by_the_next_and_publishes_nothing_before(
    dynamodb: Any, store: ReservationStore, ledger: StockLedger
) -> None:
    skus = {f"SKU{n:02}": 1 for n in range(MAX_LINES)}
    stock(ledger, **skus)
    store.reserve(order("o-1", **skus), NOW)
    bring_to_half = Interrupted(dynamodb, "transact_write_items", [lambda: None, *[conflict] * 99])
    with pytest.raises(WriteConflict):
        ReservationStore(bring_to_half, TABLE).commit("o-1", NOW)
    assert levels(ledger, *skus) == [(0, 0)] * LINES_PER_COMMIT + [(0, 1)]
    assert outbox(dynamodb) == []

    store.commit("o-1", NOW)

    assert levels(ledger, *skus) == [(0, 0)] * MAX_LINES


@pytest.mark.parametrize(
    ("winner", "refusal"),
    [("release", ReservationReleased), ("commit", ReservationCommitted)],
)
def test_of_a_release_and_a_commit_at_once_the_first_counts_and_the_other_is_refused(
    dynamodb: Any, store: ReservationStore, ledger: StockLedger, winner: str, refusal: type[Exception]
) -> None:
    stock(ledger, MUG=5, TEA=5)
    store.reserve(order("o-1", MUG=2, TEA=3), NOW)
    racing = Interrupted(dynamodb, "transact_write_items", [lambda: operate(winner, store)])
    with pytest.raises(refusal):
        operate("commit" if winner == "release" else "release", ReservationStore(racing, TABLE))
    assert levels(ledger, "MUG", "TEA") == (NOTHING_TAKEN if winner == "release" else SHIPPED)


def test_two_commits_at_once_take_the_pieces_out_once(
    dynamodb: Any, store: ReservationStore, ledger: StockLedger
) -> None:
    stock(ledger, MUG=5, TEA=5)
    store.reserve(order("o-1", MUG=2, TEA=3), NOW)
    racing = Interrupted(dynamodb, "transact_write_items", [lambda: store.commit("o-1", NOW)])
    assert ReservationStore(racing, TABLE).commit("o-1", NOW).status is COMMITTED
    assert levels(ledger, "MUG", "TEA") == SHIPPED
    moved, on_hand = sums(dynamodb)
    assert moved == on_hand


def test_stock_that_is_not_on_record_as_reserved_does_not_leave(
    dynamodb: Any, store: ReservationStore, ledger: StockLedger
) -> None:
    stock(ledger, MUG=5, TEA=5)
    store.reserve(order("o-1", MUG=2, TEA=3), NOW)
    dynamodb.update_item(
        TableName=TABLE,
        Key={"pk": {"S": "sku#TEA"}},
        UpdateExpression="SET reserved = :two",
        ExpressionAttributeValues={":two": {"N": "2"}},
    )
    with pytest.raises(ReservationInconsistent, match=r"of TEA$"):
        store.commit("o-1", NOW)
    assert levels(ledger, "MUG", "TEA") == [(3, 2), (2, 2)]

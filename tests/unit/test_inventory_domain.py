"""The rules of a reservation and of low stock."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory.domain import (
    MAX_LINES,
    Reservation,
    ReservationLine,
    ReservationReleased,
    ReservationStatus,
    ReservationUnfit,
    StockLevel,
    low_stock,
)

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


def level(available: int, *, threshold: int = 5, version: int = 2) -> StockLevel:
    return StockLevel(
        sku="MUG",
        available=available,
        reserved=0,
        low_stock_threshold=threshold,
        version=version,
        changed_at=NOW,
        correlation_id="c-1",
    )


def test_lines_of_the_same_sku_are_added_up() -> None:
    reservation = Reservation.of("o-1", "c-1", [("TEA", 1), ("MUG", 2), ("TEA", 3)])
    assert reservation.lines == (
        ReservationLine(sku="MUG", quantity=2),
        ReservationLine(sku="TEA", quantity=4),
    )


@given(st.lists(st.tuples(st.sampled_from("ABCDE"), st.integers(1, 99)), min_size=1))
def test_merging_loses_no_piece_and_makes_no_second_line_of_a_sku(quantities: list[tuple[str, int]]) -> None:
    lines = Reservation.of("o-1", "c-1", quantities).lines
    assert sum(line.quantity for line in lines) == sum(quantity for _, quantity in quantities)
    assert [line.sku for line in lines] == sorted({sku for sku, _ in quantities})


@pytest.mark.parametrize("count", [0, MAX_LINES + 1])
def test_a_reservation_has_one_to_fifty_lines(count: int) -> None:
    with pytest.raises(ReservationUnfit):
        Reservation.of("o-1", "c-1", [(f"SKU-{n}", 1) for n in range(count)])


def test_fifty_lines_fit() -> None:
    assert len(Reservation.of("o-1", "c-1", [(f"SKU-{n}", 1) for n in range(MAX_LINES)]).lines) == MAX_LINES


def test_release_tells_exactly_what_was_reserved() -> None:
    reservation = Reservation.of("o-1", "c-1", [("MUG", 2)])
    released, event = reservation.release(NOW)
    assert released.status is ReservationStatus.RELEASED
    assert released.has_given_back
    assert event.event_type == "stock.released"
    assert event.event_id == "reservation-o-1:2:stock.released"
    assert event.data == {"order_id": "o-1", "lines": [{"sku": "MUG", "quantity": 2}]}
    assert event.data == reservation.reserved(NOW).data


def test_a_released_reservation_is_not_released_again() -> None:
    released, _ = Reservation.of("o-1", "c-1", [("MUG", 2)]).release(NOW)
    with pytest.raises(ReservationReleased):
        released.release(NOW)


def test_a_tombstone_has_given_nothing_back() -> None:
    assert not Reservation.tombstone("o-1", "c-1").has_given_back


@pytest.mark.parametrize(("before", "after"), [(6, 5), (9, 0)])
def test_stock_is_low_when_it_falls_to_or_below_the_threshold(before: int, after: int) -> None:
    (event,) = low_stock(level(before, version=2), level(after, version=3))
    assert event.event_id == "stock-MUG:3:stock.low"
    assert event.data == {"sku": "MUG", "available": after, "threshold": 5}


@pytest.mark.parametrize(("before", "after"), [(5, 4), (7, 6), (3, 9), (2, 5)])
def test_stock_that_stays_low_or_rises_is_not_told_again(before: int, after: int) -> None:
    assert low_stock(level(before), level(after)) == []


def test_a_sku_that_is_new_is_not_told_as_low() -> None:
    assert low_stock(None, level(1)) == []

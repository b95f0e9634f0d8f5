"""The rules of a reservation, of a movement, and of low stock."""

from datetime import UTC, datetime
from itertools import product
from typing import Annotated, Any

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field, TypeAdapter, ValidationError

from inventory.domain.movement_request import Adjustment, Receipt
from inventory.domain.reservation import (
    MAX_LINES,
    Reservation,
    ReservationLine,
    ReservationReleased,
    ReservationStatus,
    ReservationUnfit,
)
from inventory.domain.stock import (
    MAX_AVAILABLE,
    MAX_QUANTITY,
    Movement,
    NotEnoughStock,
    StockLevel,
    TooMuchStock,
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


def test_release_publishes_exactly_what_was_reserved() -> None:
    reservation = Reservation.of("o-1", "c-1", [("MUG", 2)])
    released, event = reservation.release(NOW)
    assert released.status is ReservationStatus.RELEASED
    assert released.has_given_back
    assert event.event_type == "stock.released"
    assert event.event_id == "reservation-o-1:2:stock.released"
    assert event.data == {"order_id": "o-1", "lines": [{"sku": "MUG", "quantity": 2}]}
    assert event.data == reservation.reserved_event(NOW).data


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
def test_stock_that_stays_low_or_rises_makes_no_second_event(before: int, after: int) -> None:
    assert low_stock(level(before), level(after)) == []


def test_a_new_sku_makes_no_event_that_it_is_low() -> None:
    assert low_stock(None, level(1)) == []


@pytest.mark.parametrize(
    ("before", "after", "published"), [(3, 5, True), (3, 4, False), (5, 9, False), (6, 3, False)]
)
def test_stock_is_low_as_well_when_its_threshold_comes_up_to_it(
    before: int, after: int, published: bool
) -> None:
    events = low_stock(level(5, threshold=before), level(5, threshold=after, version=3))
    assert [event.data for event in events] == (
        [{"sku": "MUG", "available": 5, "threshold": after}] if published else []
    )


REQUEST: TypeAdapter[Receipt | Adjustment] = TypeAdapter(
    Annotated[Receipt | Adjustment, Field(discriminator="kind")]
)


def movement(
    quantity: int = 1, *, key: str = "key", sku: str = "MUG", by: str = "ada", **body: Any
) -> Movement:
    return Movement.requested(
        REQUEST.validate_python({"kind": "adjustment", "quantity": quantity, "reason": "Counted"} | body),
        sku=sku,
        idempotency_key=key,
        recorded_by=by,
        correlation_id="c-1",
        now=NOW,
    )


def test_a_movement_id_derives_from_the_admin_the_sku_and_the_key_alone() -> None:
    assert movement(1).movement_id == movement(2, reason="Other").movement_id
    others = [movement(key="other"), movement(sku="TEA"), movement(by="bob"), movement()]
    assert len({other.movement_id for other in others}) == 4


def test_a_movement_id_never_changes() -> None:
    assert movement().movement_id == "mov_81519beb-17e4-58f8-a2eb-ed19335ebb1b"


def test_a_movement_is_repeated_by_the_same_request_at_another_time() -> None:
    later = movement().model_copy(update={"recorded_at": "2026-03-03T00:00:00.000Z", "correlation_id": "c-2"})
    assert movement().is_repeated_by(later)


@pytest.mark.parametrize("change", [{"quantity": 2}, {"reason": "Other"}, {"kind": "receipt"}])
def test_a_movement_is_not_repeated_by_another(change: dict[str, Any]) -> None:
    assert not movement().is_repeated_by(movement(**change))


@pytest.mark.parametrize(
    ("available", "quantity", "refusal"),
    [
        (5, -5, None),
        (5, -6, NotEnoughStock),
        (MAX_AVAILABLE - 1, 1, None),
        (MAX_AVAILABLE, 1, TooMuchStock),
        (MAX_AVAILABLE + 9, -1, None),
    ],
)
def test_stock_stays_between_nothing_and_the_most_there_can_be(
    available: int, quantity: int, refusal: type[Exception] | None
) -> None:
    if refusal is None:
        movement(quantity).check_against(level(available))
    else:
        with pytest.raises(refusal):
            movement(quantity).check_against(level(available))


ABSENT = object()
KINDS = ["receipt", "adjustment", "shipment", None, ABSENT]
QUANTITIES = [-MAX_QUANTITY - 1, -MAX_QUANTITY, -1, 0, 1, MAX_QUANTITY, MAX_QUANTITY + 1, "1", None, ABSENT]
REASONS = ["", " ", "x", "a b", "a\n", "\x9f", "x" * 200, "x" * 201, 7, None, ABSENT]


def test_the_documented_schema_of_a_movement_accepts_exactly_what_is_accepted() -> None:
    documented = jsonschema_rs.validator_for(REQUEST.json_schema())
    for kind, quantity, reason, sku in product(KINDS, QUANTITIES, REASONS, [ABSENT, "MUG"]):
        given_values = {"kind": kind, "quantity": quantity, "reason": reason, "sku": sku}
        body = {name: value for name, value in given_values.items() if value is not ABSENT}
        try:
            REQUEST.validate_python(body)
            accepted = True
        except ValidationError:
            accepted = False
        assert documented.is_valid(body) == accepted, body

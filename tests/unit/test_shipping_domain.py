"""The rules of a shipment."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.events import Event
from shared.saga import SagaOrder, ShippingAddress
from shipping.domain.return_label import ReturnLabel
from shipping.domain.shipment import (
    AddressNotServed,
    AlreadyCancelled,
    AlreadyDispatched,
    CustomerErased,
    Shipment,
    ShipmentNotCreated,
    ShipmentStatus,
    tracking_reference_of,
)
from tests.component.saga_orders import ADDRESS, saga_order

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
LATER = NOW + timedelta(minutes=1)
SERVED = frozenset({"AT", "DE"})


BERLIN = ShippingAddress.model_validate(ADDRESS)


def order(order_id: str = "ord_1") -> SagaOrder:
    return saga_order(order_id, correlation_id="corr-1")


def test_a_shipment_is_created_with_the_parcel_of_its_order_and_published():
    shipment, [created] = Shipment.create(None, order(), BERLIN, SERVED, NOW)

    assert shipment.status is ShipmentStatus.CREATED
    assert shipment.parcel is not None
    assert [(line.sku, line.quantity) for line in shipment.parcel.lines] == [("MUG", 2)]
    assert isinstance(shipment.parcel.address, ShippingAddress)
    assert shipment.parcel.address.city == "Berlin"
    assert created.event_type == "shipment.created"
    assert created.aggregate_id == shipment.shipment_id
    assert created.correlation_id == "corr-1"
    assert created.data == {
        "order_id": "ord_1",
        "shipment_id": shipment.shipment_id,
        "tracking_reference": shipment.tracking_reference,
    }


def test_creating_again_changes_nothing_even_when_the_country_is_no_longer_served():
    shipment, _ = Shipment.create(None, order(), BERLIN, SERVED, NOW)
    assert Shipment.create(shipment, order(), BERLIN, frozenset(), LATER) == (shipment, [])


def test_a_country_that_is_not_served_is_refused_by_name():
    with pytest.raises(AddressNotServed, match="US"):
        Shipment.create(None, order(), BERLIN.model_copy(update={"country": "US"}), SERVED, NOW)


def test_no_shipment_is_created_without_an_address():
    with pytest.raises(CustomerErased):
        Shipment.create(None, order(), None, SERVED, NOW)


def test_a_cancellation_ends_the_shipment_and_is_published_once():
    shipment, _ = Shipment.create(None, order(), BERLIN, SERVED, NOW)

    cancelled, [event] = Shipment.cancel(shipment, order(), LATER)

    assert cancelled.status is ShipmentStatus.CANCELLED
    assert cancelled.version == 2
    assert event.event_type == "shipment.cancelled"
    assert event.data == {"order_id": "ord_1", "shipment_id": shipment.shipment_id}
    assert Shipment.cancel(cancelled, order(), LATER) == (cancelled, [])


def test_cancelling_before_the_creation_leaves_a_tombstone_and_publishes_nothing():
    tombstone, events = Shipment.cancel(None, order(), NOW)

    assert (tombstone.status, tombstone.parcel, events) == (ShipmentStatus.CANCELLED, None, [])
    with pytest.raises(AlreadyCancelled):
        Shipment.create(tombstone, order(), BERLIN, SERVED, LATER)


def test_a_cancelled_shipment_is_not_created_again():
    shipment, _ = Shipment.create(None, order(), BERLIN, SERVED, NOW)
    cancelled, _ = Shipment.cancel(shipment, order(), LATER)
    with pytest.raises(AlreadyCancelled):
        Shipment.create(cancelled, order(), BERLIN, SERVED, LATER)


def test_a_dispatch_is_published_once_with_the_tracking_reference():
    shipment, _ = Shipment.create(None, order(), BERLIN, SERVED, NOW)

    dispatched, [event] = Shipment.dispatch(shipment, "ord_1", LATER)

    assert (dispatched.status, dispatched.version) == (ShipmentStatus.DISPATCHED, 2)
    assert (event.event_type, event.correlation_id) == ("shipment.dispatched", "corr-1")
    assert event.data == {
        "order_id": "ord_1",
        "shipment_id": shipment.shipment_id,
        "tracking_reference": shipment.tracking_reference,
    }
    assert Shipment.dispatch(dispatched, "ord_1", LATER) == (dispatched, [])


def test_an_earlier_dispatch_is_published_again_by_the_same_event_also_after_the_erasure():
    shipment, _ = Shipment.create(None, order(), BERLIN, SERVED, NOW)
    dispatched, published = Shipment.dispatch(shipment, "ord_1", LATER)
    erased, _ = dispatched.erase_address(LATER + timedelta(days=1))

    for known in (dispatched, erased):
        assert Shipment.dispatch_or_republish(known, "ord_1", LATER + timedelta(days=2)) == (known, published)


def test_a_dispatch_that_was_missed_is_made_and_published_once():
    shipment, _ = Shipment.create(None, order(), BERLIN, SERVED, NOW)
    cancelled, _ = Shipment.cancel(shipment, order(), NOW)
    assert Shipment.dispatch_or_republish(shipment, "ord_1", LATER) == Shipment.dispatch(
        shipment, "ord_1", LATER
    )
    with pytest.raises(AlreadyCancelled):
        Shipment.dispatch_or_republish(cancelled, "ord_1", LATER)
    with pytest.raises(ShipmentNotCreated):
        Shipment.dispatch_or_republish(None, "ord_1", LATER)


def test_an_old_dispatch_without_its_time_is_published_with_the_time_of_the_last_change():
    shipment, _ = Shipment.create(None, order(), BERLIN, SERVED, NOW)
    dispatched, published = Shipment.dispatch(shipment, "ord_1", LATER)
    of_old = dispatched.model_copy(update={"dispatched_at": None, "dispatched_version": None})
    assert Shipment.dispatch_or_republish(of_old, "ord_1", LATER + timedelta(days=1)) == (of_old, published)


def test_a_dispatched_shipment_is_erased_like_any_other():
    shipment, _ = Shipment.create(None, order(), BERLIN, SERVED, NOW)
    dispatched, _ = Shipment.dispatch(shipment, "ord_1", LATER)
    erased, events = dispatched.erase_address(LATER)
    assert (erased.status, erased.has_address, events) == (ShipmentStatus.DISPATCHED, False, [])


def test_a_parcel_that_has_not_left_is_cancelled_by_the_erasure_of_its_address():
    shipment, _ = Shipment.create(None, order(), BERLIN, SERVED, NOW)

    erased, [event] = shipment.erase_address(LATER)

    assert (erased.status, erased.has_address) == (ShipmentStatus.CANCELLED, False)
    assert (event.event_type, event.aggregate_version) == ("shipment.cancelled", 2)
    with pytest.raises(AlreadyCancelled):
        Shipment.dispatch(erased, "ord_1", LATER)
    assert erased.erase_address(LATER) == (erased, [])


CREATED, DISPATCHED, CANCELLED = ShipmentStatus.CREATED, ShipmentStatus.DISPATCHED, ShipmentStatus.CANCELLED

# By the status that is found: what create, dispatch and cancel come to.
OUTCOMES: dict[str, tuple[ShipmentStatus | type[Exception], ...]] = {
    "none": (CREATED, ShipmentNotCreated, CANCELLED),
    "created": (CREATED, DISPATCHED, CANCELLED),
    "dispatched": (DISPATCHED, DISPATCHED, AlreadyDispatched),
    "cancelled": (AlreadyCancelled, AlreadyCancelled, CANCELLED),
    "tombstone": (AlreadyCancelled, AlreadyCancelled, CANCELLED),
}


def in_status(found: str) -> Shipment | None:
    if found == "none":
        return None
    if found == "tombstone":
        return Shipment.cancel(None, order(), NOW)[0]
    created, _ = Shipment.create(None, order(), BERLIN, SERVED, NOW)
    if found == "dispatched":
        return Shipment.dispatch(created, "ord_1", NOW)[0]
    return Shipment.cancel(created, order(), NOW)[0] if found == "cancelled" else created


@pytest.mark.parametrize(
    ("found", "operation", "outcome"),
    [
        (found, operation, outcome)
        for found, row in OUTCOMES.items()
        for operation, outcome in zip(("create", "dispatch", "cancel"), row, strict=True)
    ],
)
def test_every_operation_in_every_status(
    found: str, operation: str, outcome: ShipmentStatus | type[Exception]
):
    operations: dict[str, Callable[[Shipment | None], tuple[Shipment, list[Event]]]] = {
        "create": lambda existing: Shipment.create(existing, order(), BERLIN, SERVED, LATER),
        "dispatch": lambda existing: Shipment.dispatch(existing, "ord_1", LATER),
        "cancel": lambda existing: Shipment.cancel(existing, order(), LATER),
    }
    existing = in_status(found)
    if not isinstance(outcome, ShipmentStatus):
        with pytest.raises(outcome):
            operations[operation](existing)
        return
    after, events = operations[operation](existing)
    assert after.status is outcome
    changed = existing is None or existing.status is not outcome
    assert after.version == (existing.version if existing else 0) + changed
    assert operations[operation](after) == (after, [])
    assert [event.aggregate_version for event in events] == [after.version] * len(events)


@given(order_id=st.text(min_size=1, max_size=40), other=st.text(min_size=1, max_size=40))
def test_ids_derive_from_the_order_alone(order_id: str, other: str):
    """Shipment id and tracking reference derive from the order id: the same at every retry, and no other order's."""
    first, _ = Shipment.create(None, order(order_id), BERLIN, SERVED, NOW)
    again, _ = Shipment.create(None, order(order_id), BERLIN, SERVED, LATER)
    ids = (first.shipment_id, first.tracking_reference)

    assert ids == (again.shipment_id, again.tracking_reference)
    if other != order_id:
        stranger, _ = Shipment.create(None, order(other), BERLIN, SERVED, NOW)
        assert not set(ids) & {stranger.shipment_id, stranger.tracking_reference}


def test_derived_ids_never_change_between_releases():
    """A retry may reach a newer version of the function than the first try did."""
    shipment, _ = Shipment.create(None, order("ord_1"), BERLIN, SERVED, NOW)
    assert shipment.shipment_id == "shp_ae3007fc079d5b84969aca6426d0a319"
    assert tracking_reference_of("ord_1") == "CWPPNPDNJQE3QT"


def test_a_returns_label_has_the_same_ids_at_every_retry_and_others_than_any_parcel():
    label, booked = ReturnLabel.book("ret_1", "ord_1", "corr-1", NOW)
    again, _ = ReturnLabel.book("ret_1", "ord_1", "corr-2", LATER)

    assert (label.shipment_id, label.tracking_reference) == (again.shipment_id, again.tracking_reference)
    assert label.shipment_id != ReturnLabel.book("ret_2", "ord_1", "corr-1", NOW)[0].shipment_id
    assert label.tracking_reference != tracking_reference_of("ret_1")
    assert booked.event_id == f"{label.shipment_id}:1:shipment.return_booked"
    assert booked.data == {
        "order_id": "ord_1",
        "shipment_id": label.shipment_id,
        "return_id": "ret_1",
        "tracking_reference": label.tracking_reference,
    }

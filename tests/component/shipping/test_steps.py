"""Shipping's saga steps, on a pretended table."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from shared.clock import utc_now
from shared.order_record import OrderUnknown
from shared.saga import SagaOrder, ShippingAddress
from shared.versioned_table import WriteConflict
from shipping import dependencies
from shipping.adapters import ShipmentStore
from shipping.domain.shipment import (
    AddressNotServed,
    AlreadyCancelled,
    AlreadyDispatched,
    CustomerErased,
    Shipment,
    ShipmentNotCreated,
    ShipmentStatus,
)
from tests.component.saga_orders import ADDRESS, record_order
from tests.component.shipping.shipments import ORDER_ID, STEP_INPUT, Step, stored


def test_a_created_shipment_is_stored_together_with_its_event(table: Any, create: Step):
    answer = create(STEP_INPUT)

    item = stored(table)
    assert item is not None
    assert answer == {"shipment_id": item["shipment_id"]}
    assert item["status"] == "created"
    [event] = [json.loads(entry) for entry in item["outbox"]]
    assert (event["event_type"], event["data"]["order_id"]) == ("shipment.created", ORDER_ID)


def test_a_repeated_creation_answers_the_same_and_publishes_nothing_new(table: Any, create: Step):
    first = create(STEP_INPUT)
    before = stored(table)
    assert create(STEP_INPUT) == first
    assert stored(table) == before


def test_a_country_that_is_not_served_stores_nothing(table: Any, create: Step):
    record_order(ORDER_ID, shipping_address={**ADDRESS, "country": "US"})
    with pytest.raises(AddressNotServed):
        create(STEP_INPUT)
    assert stored(table) is None


def test_the_parcel_goes_where_the_record_of_the_order_says(table: Any, create: Step):
    create(STEP_INPUT)
    item = stored(table)
    assert item is not None
    assert item["parcel"]["address"] == ADDRESS


def test_an_order_whose_address_was_erased_gets_no_shipment(table: Any, create: Step):
    record_order(ORDER_ID, shipping_address=dict.fromkeys(ADDRESS, "") | {"country": "DE"})
    with pytest.raises(CustomerErased):
        create(STEP_INPUT)
    assert stored(table) is None


def test_an_order_that_nobody_placed_gets_no_shipment(table: Any, create: Step):
    with pytest.raises(OrderUnknown):
        create({"order": {**STEP_INPUT["order"], "order_id": "ord_unknown"}})


def test_a_cancellation_is_stored_together_with_its_event_and_may_be_repeated(
    table: Any, create: Step, cancel: Step
):
    create(STEP_INPUT)

    assert cancel(STEP_INPUT) == {"cancelled": True}
    item = stored(table)
    assert item is not None
    assert item["status"] == "cancelled"
    assert [json.loads(entry)["event_type"] for entry in item["outbox"]] == ["shipment.cancelled"]

    assert cancel(STEP_INPUT) == {"cancelled": True}
    assert stored(table) == item


def dispatch() -> Shipment:
    return dependencies.shipment_store().dispatch(ORDER_ID, utc_now())


def test_a_dispatch_is_stored_together_with_its_event_and_may_be_repeated(table: Any, create: Step):
    answer = create(STEP_INPUT)

    assert dispatch().status is ShipmentStatus.DISPATCHED
    item = stored(table)
    assert item is not None
    assert item["status"] == "dispatched"
    [event] = [json.loads(entry) for entry in item["outbox"]]
    assert (event["event_type"], event["data"]["order_id"]) == ("shipment.dispatched", ORDER_ID)

    dispatch()
    assert create(STEP_INPUT) == answer
    assert stored(table) == item


def test_a_cancellation_after_the_dispatch_is_refused_by_name_and_changes_nothing(
    table: Any, create: Step, cancel: Step
):
    create(STEP_INPUT)
    dispatch()
    before = stored(table)
    with pytest.raises(AlreadyDispatched):
        cancel(STEP_INPUT)
    assert stored(table) == before


@pytest.mark.parametrize(("created", "refusal"), [(False, ShipmentNotCreated), (True, AlreadyCancelled)])
def test_only_a_shipment_that_stands_is_dispatched(
    table: Any, create: Step, cancel: Step, created: bool, refusal: type[Exception]
):
    if created:
        create(STEP_INPUT)
        cancel(STEP_INPUT)
    with pytest.raises(refusal):
        dispatch()


def test_of_a_dispatch_and_a_cancellation_at_once_the_first_counts(
    table: Any, create: Step, cancel: Step, monkeypatch: pytest.MonkeyPatch
):
    create(STEP_INPUT)
    racing = ChangedMeanwhile(table, dispatch)
    monkeypatch.setattr("shipping.functions.steps.shipment_store", lambda: racing)
    with pytest.raises(AlreadyDispatched):
        cancel(STEP_INPUT)
    item = stored(table)
    assert item is not None
    assert (item["status"], item["version"]) == ("dispatched", 2)


def test_a_creation_that_comes_after_the_cancellation_does_nothing(table: Any, create: Step, cancel: Step):
    assert cancel(STEP_INPUT) == {"cancelled": True}
    tombstone = stored(table)
    assert tombstone is not None
    assert tombstone["outbox"] == []

    with pytest.raises(AlreadyCancelled):
        create(STEP_INPUT)
    assert stored(table) == tombstone


class ChangedMeanwhile(ShipmentStore):
    """A store in which another change lands between the first read and the write after it."""

    def __init__(self, dynamodb: Any, intruder: Callable[[], Any]) -> None:
        super().__init__(dynamodb, "shipping")
        self._intruder: Callable[[], Any] | None = intruder

    def of_order(self, order_id: str) -> Shipment | None:
        found = super().of_order(order_id)
        if self._intruder:
            intruder, self._intruder = self._intruder, None
            intruder()
        return found


def test_a_cancellation_that_meets_a_creation_cancels_that_one(
    table: Any, create: Step, cancel: Step, monkeypatch
):
    racing = ChangedMeanwhile(table, lambda: ShipmentStore(table, "shipping").change(ORDER_ID, _creation))
    monkeypatch.setattr("shipping.functions.steps.shipment_store", lambda: racing)

    assert cancel(STEP_INPUT) == {"cancelled": True}
    item = stored(table)
    assert item is not None
    assert (item["status"], item["version"]) == ("cancelled", 2)


def test_a_change_that_always_loses_the_race_is_a_conflict(table: Any, monkeypatch: pytest.MonkeyPatch):
    store = ShipmentStore(table, "shipping")
    store.change(ORDER_ID, _creation)
    monkeypatch.setattr(store, "of_order", lambda _: None)

    with pytest.raises(WriteConflict):
        store.change(ORDER_ID, _creation)


def _creation(existing: Shipment | None):
    from shared.clock import utc_now

    return Shipment.create(
        existing,
        SagaOrder.model_validate(STEP_INPUT["order"]),
        ShippingAddress.model_validate(ADDRESS),
        frozenset({"DE"}),
        utc_now(),
    )


def test_a_malformed_list_of_countries_is_refused_at_once(
    table: Any, create: Step, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("SERVED_COUNTRIES", "AT,Germany")
    with pytest.raises(ValueError, match="two capital letters"):
        create(STEP_INPUT)

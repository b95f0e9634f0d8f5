"""The consumer that erases deleted customers' addresses, on a pretended table."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from shared.consumer import NothingConsumed
from shipping.adapters import ShipmentStore
from shipping.domain.shipment import AlreadyCancelled, CustomerErased
from tests.component.shipping.shipments import CUSTOMER_ID, DONE, STEP_INPUT, Step, every, of_order, stored


def test_an_erased_customers_shipments_keep_the_country_and_everyone_elses_the_address(
    table: Any, create: Step, cancel: Step, erase: Callable[..., Any]
):
    for number in range(3):
        create(of_order(f"ord_{number}"))
    cancel(of_order("ord_1"))
    create(of_order("ord_other", "somebody-else"))
    cancel(of_order("ord_never"))

    assert erase() == DONE

    items = every(table)
    assert "Ada Example" not in json.dumps([items[f"ord_{number}"] for number in range(3)])
    for number in range(3):
        item = items[f"ord_{number}"]
        assert set(item["parcel"]["address"]) == {"country", "erased_at"}
        assert (item["parcel"]["address"]["country"], item["customer_id"]) == ("DE", CUSTOMER_ID)
        assert item["shipment_id"] and item["parcel"]["lines"]
    assert [items[f"ord_{number}"]["status"] for number in range(3)] == ["cancelled"] * 3
    assert items["ord_other"]["parcel"]["address"]["name"] == "Ada Example"


def test_erasing_again_changes_nothing(table: Any, create: Step, erase: Callable[..., Any]):
    create(STEP_INPUT)
    erase()
    before = stored(table)
    assert erase() == DONE
    assert stored(table) == before


def test_an_erasure_that_stopped_half_way_is_finished_by_the_next_try(
    table: Any, create: Step, erase: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
):
    for number in range(3):
        create(of_order(f"ord_{number}"))
    store, tries = ShipmentStore._store, iter([True, False])

    def stop_after_the_first(*write: Any) -> None:
        if not next(tries):
            raise ConnectionError
        store(*write)

    with monkeypatch.context() as outage:
        outage.setattr(ShipmentStore, "_store", stop_after_the_first)
        with pytest.raises(NothingConsumed):
            erase()
    assert sum("recipient_id" in item for item in every(table).values()) == 2

    assert erase() == DONE
    assert "Ada Example" not in json.dumps(every(table))


def test_no_shipment_is_created_for_a_customer_who_was_erased_meanwhile(
    table: Any, create: Step, cancel: Step, erase: Callable[..., Any]
):
    erase()
    with pytest.raises(CustomerErased):
        create(STEP_INPUT)
    assert stored(table) is None
    assert cancel(STEP_INPUT) == {"cancelled": True}
    assert "Ada Example" not in json.dumps(every(table))


def test_a_shipment_without_its_address_is_cancelled_for_a_retry_and_for_a_compensation(
    table: Any, create: Step, cancel: Step, erase: Callable[..., Any]
):
    create(STEP_INPUT)
    erase()
    with pytest.raises(AlreadyCancelled):
        create(STEP_INPUT)
    assert cancel(STEP_INPUT) == {"cancelled": True}
    item = stored(table)
    assert item is not None
    assert (item["status"], item["parcel"]["address"]["country"]) == ("cancelled", "DE")


def test_an_event_of_another_type_erases_no_customer(table: Any, create: Step, erase: Callable[..., Any]):
    create(STEP_INPUT)
    before = stored(table)
    assert erase(event_type="user.changed") == DONE
    assert stored(table) == before

"""The consumer that dispatches the parcels of confirmed orders, on a pretended table."""

import json
from collections.abc import Callable
from typing import Any

from tests.component.shipping.shipments import STEP_INPUT, Step, dead_letters, stored


def test_a_confirmed_order_is_dispatched_once_however_often_the_event_comes(
    table: Any, create: Step, dispatch: Callable[[], dict[str, Any]]
) -> None:
    create(STEP_INPUT)

    assert dispatch() == {"batchItemFailures": []}
    first = stored(table)
    assert first is not None
    assert [json.loads(entry)["event_type"] for entry in first["outbox"]] == ["shipment.dispatched"]
    for _ in range(2):
        assert dispatch() == {"batchItemFailures": []}
    assert stored(table) == first


def test_a_request_for_the_fulfilment_dispatches_a_parcel_that_was_not(
    table: Any, create: Step, dispatch: Callable[..., dict[str, Any]]
) -> None:
    create(STEP_INPUT)

    assert dispatch(event_type="order.fulfilment_requested") == {"batchItemFailures": []}

    parcel = stored(table)
    assert parcel is not None
    assert (parcel["status"], parcel["version"]) == ("dispatched", 2)


def test_a_request_for_the_fulfilment_publishes_an_earlier_dispatch_again_and_changes_nothing_else(
    table: Any, create: Step, dispatch: Callable[..., dict[str, Any]]
) -> None:
    create(STEP_INPUT)
    dispatch()
    first = stored(table)
    assert first is not None

    dispatch(event_type="order.fulfilment_requested", event_id="ord_1:3:order.fulfilment_requested")

    again = stored(table)
    assert again is not None
    assert again | {"outbox": []} == first | {"outbox": []}
    [published_then], [published_again] = (map(json.loads, parcel["outbox"]) for parcel in (first, again))
    assert published_again.pop("causation_id") == "ord_1:3:order.fulfilment_requested"
    assert published_then.pop("causation_id") != "ord_1:3:order.fulfilment_requested", (
        "or none would publish it"
    )
    assert published_again == published_then


def test_a_parcel_that_was_cancelled_before_stays_and_is_no_dead_letter(
    table: Any, create: Step, cancel: Step, dispatch: Callable[[], dict[str, Any]]
) -> None:
    create(STEP_INPUT)
    cancel(STEP_INPUT)
    before = stored(table)

    assert dispatch() == {"batchItemFailures": []}

    assert stored(table) == before
    assert dead_letters() == []


def test_an_order_without_a_parcel_is_a_dead_letter_at_once(dispatch: Callable[[], dict[str, Any]]) -> None:
    assert dispatch() == {"batchItemFailures": []}
    [reason] = dead_letters()
    assert reason.startswith("ShipmentNotCreated")

"""What an earlier release stored and published is read by this one, and written in the same way, byte for byte.

golden/stored-records.json was written when the records were models of pydantic. It changes only if an item does.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from inventory.adapters.items import movement_item, reservation_item
from inventory.domain.reservation import Reservation
from inventory.domain.stock import Movement
from orders.adapters.order_store import order_item
from orders.domain.order import Order
from orders.domain.pricing import Price
from payments.adapters.payment_store import _item as payment_item
from payments.domain.payment import Payment
from shared.dynamo import from_item, to_item
from shared.events import Event
from shared.saga import SagaOrder
from shipping.adapters import _item as shipment_item
from shipping.domain.shipment import Shipment

STORED: dict[str, list[Any]] = json.loads(
    (Path(__file__).parent / "golden" / "stored-records.json").read_text(encoding="utf-8")
)
READ_AND_WRITTEN = {
    "orders": lambda item, events: order_item(Order.model_validate(item), events),
    "reservations": lambda item, events: reservation_item(Reservation.model_validate(item), events),
    "movements": lambda item, _: movement_item(Movement.model_validate(item)),
    "payments": lambda item, events: payment_item(Payment.model_validate(item), events),
    "shipments": lambda item, events: shipment_item(Shipment.model_validate(item), events),
    "prices": lambda item, _: {"pk": item["pk"], **Price.model_validate(item).model_dump()},
}


@pytest.mark.parametrize(
    ("kind", "item"),
    [
        pytest.param(kind, item, id=f"{kind}-{number}")
        for kind in READ_AND_WRITTEN
        for number, item in enumerate(STORED[kind])
    ],
)
def test_a_stored_item_is_read_and_written_as_before(kind: str, item: dict[str, Any]) -> None:
    as_stored = to_item(item)
    events = [Event.model_validate_json(entry) for entry in item.get("outbox", [])]
    written = READ_AND_WRITTEN[kind](from_item(as_stored), events)
    assert json.dumps(to_item(written), sort_keys=True) == json.dumps(as_stored, sort_keys=True)


@pytest.mark.parametrize("carried", STORED["saga_orders"], ids=["saga", "cancellation"])
def test_an_order_is_carried_through_its_state_machine_as_before(carried: str) -> None:
    assert SagaOrder.model_validate_json(carried).model_dump_json() == carried

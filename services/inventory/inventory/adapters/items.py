"""The inventory table's items: their keys and attributes.

    One item a sku            pk = "sku#<sku>"                 StockLevel
    One item an order         pk = "reservation#<order id>"    Reservation, with the outbox of its last change
    One item a movement       pk = "movement#<movement id>"    Movement, an entry of the ledger

Index `by-listing`: listing ("stock"), sku. It holds the keys of stock items. An order changes how many pieces there are
and never a key, so it writes nothing there.
Index `by-ledger`: ledger (a sku), ledger_place (time and id). It holds whole movements.
"""

from collections.abc import Mapping
from typing import Any

from inventory.domain.reservation import Reservation
from inventory.domain.stock import Movement, MovementKind, StockLevel
from shared.events import Event
from shared.outbox import outbox_of

type Key = dict[str, str]

# All stock items stand in this one listing.
LISTING = "stock"


def stock_key(sku: str) -> Key:
    """The key of a sku's stock."""
    return {"pk": f"sku#{sku}"}


def reservation_key(order_id: str) -> Key:
    """The key of an order's reservation."""
    return {"pk": f"reservation#{order_id}"}


def movement_key(movement_id: str) -> Key:
    """The key of an entry of the ledger."""
    return {"pk": f"movement#{movement_id}"}


def reservation_item(reservation: Reservation, events: list[Event]) -> dict[str, Any]:
    """The item of a reservation with the outbox of its last change."""
    return {
        **reservation_key(reservation.order_id),
        **reservation.model_dump(),
        **outbox_of(events),
    }


def movement_item(movement: Movement) -> dict[str, Any]:
    """The item of a movement, in its sku's ledger."""
    return {
        **movement_key(movement.movement_id),
        **movement.model_dump(),
        "ledger": movement.sku,
        "ledger_place": movement.place,
    }


def stock_change_of(
    old_image: Mapping[str, Any] | None, new_image: Mapping[str, Any] | None
) -> tuple[StockLevel | None, StockLevel] | None:
    """A sku's level before and after a change in the table's stream, or None if another item changed."""
    if not new_image or not str(new_image["pk"]).startswith("sku#"):
        return None
    before = StockLevel.model_validate(old_image) if old_image else None
    return before, StockLevel.model_validate(new_image)


def condition_for(movement: Movement) -> str:
    """The write's condition that a sku's stock allows `movement`; `:bound` is the movement's bound."""
    if movement.quantity < 0:
        return "available >= :bound"
    known = "available <= :bound"
    return f"attribute_not_exists(pk) OR {known}" if movement.kind is MovementKind.RECEIPT else known

"""The carrier's label for a parcel that comes back: booked once for each accepted return.

The parcel goes to the shop, so a label holds nothing of the customer. A return that is withdrawn or never sent leaves
it unused. The carrier charges for parcels, and not for labels.
"""

from datetime import datetime
from typing import Self
from uuid import UUID, uuid5

from shared.clock import timestamp
from shared.events import Event
from shared.record import Record
from shipping.domain.events import ShipmentReturnBooked
from shipping.domain.shipment import reference_of

# Ids and references derive from these and the return's id (RFC 9562, version 5); they must never change.
_SHIPMENT_NAMESPACE = UUID("3a5e0c1b-94d7-5b1e-8a7f-0f4c2d6b9e13")
_TRACKING_NAMESPACE = UUID("e2b7c9d4-1f6a-5e08-b3c5-7d9a4f1e6c28")


class ReturnLabel(Record):
    """The label of one return. It never changes."""

    return_id: str
    order_id: str
    shipment_id: str
    tracking_reference: str
    correlation_id: str
    booked_at: str
    version: int = 1

    @classmethod
    def book(cls, return_id: str, order_id: str, correlation_id: str, now: datetime) -> tuple[Self, Event]:
        """The label of the return, with the same ids at every retry, and its event."""
        label = cls(
            return_id=return_id,
            order_id=order_id,
            shipment_id=f"shp_{uuid5(_SHIPMENT_NAMESPACE, return_id).hex}",
            tracking_reference=reference_of(uuid5(_TRACKING_NAMESPACE, return_id)),
            correlation_id=correlation_id,
            booked_at=timestamp(now),
        )
        booked = Event.of(
            ShipmentReturnBooked(
                order_id=order_id,
                shipment_id=label.shipment_id,
                return_id=return_id,
                tracking_reference=label.tracking_reference,
            ),
            aggregate_id=label.shipment_id,
            aggregate_version=label.version,
            occurred_at=now,
            correlation_id=correlation_id,
        )
        return label, booked

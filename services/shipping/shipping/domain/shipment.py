"""The rules of a shipment, without AWS: who is served, what it is called, and which status may follow which.

    (nothing) ──create──► created ──dispatch──► dispatched      gone: a cancellation that comes after it is refused
        │                    └──────cancel────► cancelled       a dispatch that comes after it is refused
        └───────────────────────────cancel────────▲             a tombstone: the creation that comes late is refused

Once its customer is erased, a shipment keeps the country of its address and nothing else of it, whatever its status.

A shipment's status changes only through the methods of `Shipment`, each of which returns the changed shipment together
with the events that tell of it; nothing changes, and nothing is told, the second time.
"""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Self
from uuid import UUID, uuid5

from pydantic import BaseModel, ConfigDict, Field

from shared.clock import timestamp
from shared.errors import PermanentError
from shared.events import Event
from shared.saga import SagaOrder, ShippingAddress
from shipping.domain import events

# Shipment ids and tracking references derive from these and the order id (RFC 9562, version 5); they must never change.
_SHIPMENT_NAMESPACE = UUID("0b8a3a9e-4a55-5c0c-8f0e-3c1f8d0f6a21")
_TRACKING_NAMESPACE = UUID("c6d3e1f7-2f0b-5b7a-9f43-7a5e1d9b0c84")

# Crockford's base 32 (https://www.crockford.com/base32.html): no letter that is mistaken for a digit on the phone.
_BASE32 = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_TRACKING_SYMBOLS = 12


class ShipmentStatus(StrEnum):
    """Where a shipment stands."""

    CREATED = "created"
    DISPATCHED = "dispatched"
    CANCELLED = "cancelled"


class AddressNotServed(PermanentError):
    """No parcel is sent to the order's country."""


class ShipmentCancelled(PermanentError):
    """The order's shipment was cancelled, perhaps before it was created; it is never created or dispatched again."""


class ShipmentDispatched(PermanentError):
    """The order's parcel is on its way; it cannot be cancelled any more, only returned."""


class ShipmentNotCreated(PermanentError):
    """The order has no shipment, so there is no parcel to dispatch."""


class CustomerErased(PermanentError):
    """The order's customer was erased meanwhile: there is nobody to send a parcel to."""


CountryCode = Annotated[
    str, Field(pattern=r"^[A-Z]{2}$", description="ISO 3166-1 alpha-2 code", examples=["AT"])
]


class ErasedAddress(BaseModel):
    """What is left of the address of a customer who was erased: taxes and carriers' bills are told apart by country."""

    model_config = ConfigDict(frozen=True)

    country: CountryCode
    erased_at: str


class Parcel(BaseModel):
    """What is sent, and where to."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    address: ShippingAddress | ErasedAddress
    lines: list["ParcelLine"]


class ParcelLine(BaseModel):
    """How many of one product are in the parcel."""

    model_config = ConfigDict(frozen=True)

    sku: str
    quantity: int


class Shipment(BaseModel):
    """The shipment of one order. `version` counts its changes and orders its events.

    `parcel` is absent when the shipment was cancelled before it was created. When it was dispatched, and by which
    version, is kept for `dispatch_told_again`.
    """

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    order_id: str
    customer_id: str
    shipment_id: str
    tracking_reference: str
    status: ShipmentStatus
    correlation_id: str
    changed_at: str
    version: int
    parcel: Parcel | None = None
    dispatched_at: str | None = None
    dispatched_version: int | None = None

    @property
    def has_address(self) -> bool:
        """Whether it still says where somebody lives."""
        return self.parcel is not None and isinstance(self.parcel.address, ShippingAddress)

    @classmethod
    def create(
        cls, existing: Self | None, order: SagaOrder, served: frozenset[str], now: datetime
    ) -> tuple[Self, list[Event]]:
        """The shipment of `order`, whose `existing` one is returned as it is.

        Raises ShipmentCancelled, and AddressNotServed when the address lies in none of the `served` countries.
        """
        if existing is not None:
            if existing.status is ShipmentStatus.CANCELLED:
                raise ShipmentCancelled(f"the shipment of order {order.order_id} was cancelled")
            return existing, []
        country = order.shipping_address.country
        if country not in served:
            raise AddressNotServed(f"no parcels are sent to {country}")
        shipment = cls(
            order_id=order.order_id,
            customer_id=order.customer_id,
            shipment_id=shipment_id_of(order.order_id),
            tracking_reference=tracking_reference_of(order.order_id),
            status=ShipmentStatus.CREATED,
            correlation_id=order.correlation_id,
            changed_at=timestamp(now),
            version=1,
            parcel=Parcel(
                address=order.shipping_address,
                lines=[ParcelLine(sku=line.sku, quantity=line.quantity) for line in order.lines],
            ),
        )
        created = shipment._telling(
            events.ShipmentCreated, now, tracking_reference=shipment.tracking_reference
        )
        return shipment, [created]

    @classmethod
    def cancel(cls, existing: Self | None, order: SagaOrder, now: datetime) -> tuple[Self, list[Event]]:
        """The shipment of `order` without effect, for good; says `shipment.cancelled` only if there was a shipment.

        Without an existing one it is a tombstone, so that a creation still on its way does nothing. Raises
        ShipmentDispatched when the parcel is gone.
        """
        if existing is None:
            tombstone = cls(
                order_id=order.order_id,
                customer_id=order.customer_id,
                shipment_id=shipment_id_of(order.order_id),
                tracking_reference=tracking_reference_of(order.order_id),
                status=ShipmentStatus.CANCELLED,
                correlation_id=order.correlation_id,
                changed_at=timestamp(now),
                version=1,
            )
            return tombstone, []
        match existing.status:
            case ShipmentStatus.CANCELLED:
                return existing, []
            case ShipmentStatus.DISPATCHED:
                raise ShipmentDispatched(f"the parcel of order {order.order_id} is on its way")
        cancelled = existing._changed(now, status=ShipmentStatus.CANCELLED)
        return cancelled, [cancelled._telling(events.ShipmentCancelled, now)]

    @classmethod
    def dispatch(cls, existing: Self | None, order_id: str, now: datetime) -> tuple[Self, list[Event]]:
        """The shipment of the order after its parcel was handed to the carrier; changes nothing the second time.

        Raises ShipmentNotCreated, and ShipmentCancelled.
        """
        if existing is None:
            raise ShipmentNotCreated(order_id)
        match existing.status:
            case ShipmentStatus.DISPATCHED:
                return existing, []
            case ShipmentStatus.CANCELLED:
                raise ShipmentCancelled(f"the shipment of order {order_id} was cancelled")
        dispatched = existing._changed(
            now,
            status=ShipmentStatus.DISPATCHED,
            dispatched_at=timestamp(now),
            dispatched_version=existing.version + 1,
        )
        return dispatched, [dispatched._dispatch()]

    @classmethod
    def dispatch_told_again(
        cls, existing: Self | None, order_id: str, now: datetime
    ) -> tuple[Self, list[Event]]:
        """The same, but for a parcel that had left: its dispatch is told once more, by the same event."""
        dispatched, told = cls.dispatch(existing, order_id, now)
        return dispatched, told or [dispatched._dispatch()]

    def erase_address(self, now: datetime) -> tuple[Self, list[Event]]:
        """The shipment without name and address, which it keeps the country of; nobody needs to hear of it."""
        if self.parcel is None or not self.has_address:
            return self, []
        erased = ErasedAddress(country=self.parcel.address.country, erased_at=timestamp(now))
        return self._changed(now, parcel=self.parcel.model_copy(update={"address": erased})), []

    def _dispatch(self) -> Event:
        """The event that the parcel left, the same at any later time; a shipment of old did not note when it did."""
        then = self.model_copy(update={"version": self.dispatched_version or self.version})
        return then._telling(
            events.ShipmentDispatched,
            datetime.fromisoformat(self.dispatched_at or self.changed_at),
            tracking_reference=self.tracking_reference,
        )

    def _changed(self, now: datetime, **changes: Any) -> Self:
        return self.model_copy(update={**changes, "changed_at": timestamp(now), "version": self.version + 1})

    def _telling(self, told: type[events.ShipmentFacts], now: datetime, **more: Any) -> Event:
        return Event.of(
            told(order_id=self.order_id, shipment_id=self.shipment_id, **more),
            aggregate_id=self.shipment_id,
            aggregate_version=self.version,
            occurred_at=now,
            correlation_id=self.correlation_id,
        )


def shipment_id_of(order_id: str) -> str:
    """The id of the shipment of `order_id`: the same at every retry."""
    return f"shp_{uuid5(_SHIPMENT_NAMESPACE, order_id).hex}"


def tracking_reference_of(order_id: str) -> str:
    """The reference under which the parcel of `order_id` is followed: "CW" and 12 base-32 symbols (60 bits)."""
    number = uuid5(_TRACKING_NAMESPACE, order_id).int
    return "CW" + "".join(_BASE32[(number >> (5 * position)) & 31] for position in range(_TRACKING_SYMBOLS))

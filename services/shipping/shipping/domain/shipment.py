"""The rules of a shipment: the served countries, its ids, its statuses and its events.

    (none) ──create──► created ──dispatch──► dispatched    a later cancellation is refused
       │                  └──────cancel────► cancelled     a later dispatch is refused
       └─────────────────────────cancel────────▲           a tombstone: a late creation is refused

An erased customer's shipment keeps the country of its address, and nothing else of it, in every status. An erasure
cancels a shipment that has not left.

Only the methods of `Shipment` change its status. Each returns the changed shipment and the events to publish. A repeat
changes nothing and returns no events.
"""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Self
from uuid import UUID, uuid5

from shared.clock import timestamp
from shared.errors import PermanentError
from shared.events import Event
from shared.record import Personal, Record
from shared.saga import SagaOrder, ShippingAddress
from shipping.domain import events

# Shipment ids and tracking references derive from these and the order id (RFC 9562, version 5); they must never change.
_SHIPMENT_NAMESPACE = UUID("0b8a3a9e-4a55-5c0c-8f0e-3c1f8d0f6a21")
_TRACKING_NAMESPACE = UUID("c6d3e1f7-2f0b-5b7a-9f43-7a5e1d9b0c84")

# Crockford's base 32 (https://www.crockford.com/base32.html) has no letter that one mistakes for a digit.
_BASE32 = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_TRACKING_SYMBOLS = 12
TRACKING_PREFIX = "CW"
"""The shop's letters, at the beginning of each tracking reference."""


class ShipmentStatus(StrEnum):
    """The status of a shipment."""

    CREATED = "created"
    DISPATCHED = "dispatched"
    CANCELLED = "cancelled"


class AddressNotServed(PermanentError):
    """The shop sends no parcels to the order's country."""


class AlreadyCancelled(PermanentError):
    """The order's shipment was cancelled, perhaps before its creation; it cannot be created or dispatched any more."""


class AlreadyDispatched(PermanentError):
    """The order's parcel is on its way; the customer can return it, but it cannot be cancelled any more."""


class ShipmentNotCreated(PermanentError):
    """The order has no shipment, so there is no parcel to dispatch."""


class CustomerErased(PermanentError):
    """The order's customer was erased meanwhile, so the parcel has no recipient."""


class ErasedAddress(Record):
    """The rest of an erased customer's address; taxes and carriers' bills depend on the country."""

    country: str
    erased_at: str


class Parcel(Record):
    """The contents of the parcel, and its destination."""

    address: ShippingAddress | ErasedAddress
    lines: list["ParcelLine"]


class ParcelLine(Record):
    """The quantity of one product in the parcel."""

    sku: str
    quantity: int


class Shipment(Record):
    """The shipment of one order. `version` counts its changes and orders its events.

    `parcel` is absent if the shipment was cancelled before its creation. `dispatched_at` and `dispatched_version` allow
    `dispatch_or_republish` to publish the same event again.
    """

    order_id: str
    customer_id: Annotated[str, Personal.ACCOUNT_ID]
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
        """Whether it still has its customer's address."""
        return self.parcel is not None and isinstance(self.parcel.address, ShippingAddress)

    @classmethod
    def create(
        cls,
        existing: Self | None,
        order: SagaOrder,
        address: ShippingAddress | None,
        served: frozenset[str],
        now: datetime,
    ) -> tuple[Self, list[Event]]:
        """The shipment of `order`: the `existing` one as it is, or a new one to `address`.

        Raises AlreadyCancelled, AddressNotServed if the address lies in none of the `served` countries, and
        CustomerErased without an address.
        """
        if existing is not None:
            if existing.status is ShipmentStatus.CANCELLED:
                raise AlreadyCancelled(f"the shipment of order {order.order_id} was cancelled")
            return existing, []
        if address is None:
            raise CustomerErased(order.customer_id)
        if address.country not in served:
            raise AddressNotServed(f"no parcels are sent to {address.country}")
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
                address=address,
                lines=[ParcelLine(sku=line.sku, quantity=line.quantity) for line in order.lines],
            ),
        )
        created = shipment._event(events.ShipmentCreated, now, tracking_reference=shipment.tracking_reference)
        return shipment, [created]

    @classmethod
    def cancel(cls, existing: Self | None, order: SagaOrder, now: datetime) -> tuple[Self, list[Event]]:
        """The shipment of `order`, cancelled permanently; `shipment.cancelled` is published only if it existed.

        Without an existing shipment the result is a tombstone, so that a late creation does nothing. Raises
        AlreadyDispatched if the carrier has the parcel.
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
                raise AlreadyDispatched(f"the parcel of order {order.order_id} is on its way")
        cancelled = existing._changed(now, status=ShipmentStatus.CANCELLED)
        return cancelled, [cancelled._event(events.ShipmentCancelled, now)]

    @classmethod
    def dispatch(cls, existing: Self | None, order_id: str, now: datetime) -> tuple[Self, list[Event]]:
        """The shipment of the order, handed to the carrier; a repeat changes nothing.

        Raises ShipmentNotCreated, and AlreadyCancelled.
        """
        if existing is None:
            raise ShipmentNotCreated(order_id)
        match existing.status:
            case ShipmentStatus.DISPATCHED:
                return existing, []
            case ShipmentStatus.CANCELLED:
                raise AlreadyCancelled(f"the shipment of order {order_id} was cancelled")
        dispatched = existing._changed(
            now,
            status=ShipmentStatus.DISPATCHED,
            dispatched_at=timestamp(now),
            dispatched_version=existing.version + 1,
        )
        return dispatched, [dispatched._dispatch_event()]

    @classmethod
    def dispatch_or_republish(
        cls, existing: Self | None, order_id: str, now: datetime
    ) -> tuple[Self, list[Event]]:
        """Like `dispatch`; the event of an earlier dispatch is published once more, unchanged."""
        dispatched, published = cls.dispatch(existing, order_id, now)
        return dispatched, published or [dispatched._dispatch_event()]

    def erase_address(self, now: datetime) -> tuple[Self, list[Event]]:
        """The shipment with the country as the rest of its address. A parcel that has not left is cancelled, since
        nobody can send it any more. A repeat changes nothing.
        """
        if self.parcel is None or not self.has_address:
            return self, []
        rest = ErasedAddress(country=self.parcel.address.country, erased_at=timestamp(now))
        parcel = self.parcel.model_copy(update={"address": rest})
        if self.status is not ShipmentStatus.CREATED:
            return self._changed(now, parcel=parcel), []
        cancelled = self._changed(now, parcel=parcel, status=ShipmentStatus.CANCELLED)
        return cancelled, [cancelled._event(events.ShipmentCancelled, now)]

    def _dispatch_event(self) -> Event:
        """The event of the dispatch, the same at any later time. Old shipments have no time of their dispatch."""
        then = self.model_copy(update={"version": self.dispatched_version or self.version})
        return then._event(
            events.ShipmentDispatched,
            datetime.fromisoformat(self.dispatched_at or self.changed_at),
            tracking_reference=self.tracking_reference,
        )

    def _changed(self, now: datetime, **changes: Any) -> Self:
        return self.model_copy(update={**changes, "changed_at": timestamp(now), "version": self.version + 1})

    def _event(self, kind: type[events.ShipmentFacts], now: datetime, **more: Any) -> Event:
        return Event.of(
            kind(order_id=self.order_id, shipment_id=self.shipment_id, **more),
            aggregate_id=self.shipment_id,
            aggregate_version=self.version,
            occurred_at=now,
            correlation_id=self.correlation_id,
        )


def shipment_id_of(order_id: str) -> str:
    """The id of the order's shipment: the same at every retry."""
    return f"shp_{uuid5(_SHIPMENT_NAMESPACE, order_id).hex}"


def tracking_reference_of(order_id: str) -> str:
    """The carrier's reference of the order's parcel."""
    return reference_of(uuid5(_TRACKING_NAMESPACE, order_id))


def reference_of(number: UUID) -> str:
    """A carrier's reference made from `number`: the shop's letters and 12 base-32 symbols (60 bits)."""
    bits = number.int
    symbols = (_BASE32[(bits >> (5 * position)) & 31] for position in range(_TRACKING_SYMBOLS))
    return TRACKING_PREFIX + "".join(symbols)

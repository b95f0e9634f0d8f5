"""Takes the stock of a dispatched order out of the warehouse and into the ledger, on `shipment.dispatched`."""

from inventory.dependencies import reservation_store
from shared.clock import utc_now
from shared.consumer import consumer_handler
from shared.events import Event
from shared.observability import count
from shared.record import Record


class ShipmentDispatched(Record):
    """The part of `shipment.dispatched` that this consumer reads."""

    order_id: str


def commit(event: Event) -> None:
    """Commits the order's reservation; a repeat changes nothing.

    Raises WriteConflict (the queue delivers the event again). ReservationMissing, ReservationReleased and
    ReservationInconsistent become dead letters at once, since no retry mends them.
    """
    reservation_store().commit(ShipmentDispatched.model_validate(event.data).order_id, utc_now())
    count("ReservationsCommitted")


handler = consumer_handler({"shipment.dispatched": commit})

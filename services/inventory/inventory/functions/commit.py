"""Sees to it that no reservation outlives its order.

On `shipment.dispatched` the stock leaves the warehouse for the ledger, which ends the reservation.

On `order.rejected` and `order.cancelled` nothing is left to do. A cancellation and a resumption release the stock
before they end the order so, and a released reservation never holds stock again. So the event cannot overtake the
release, however late or often it comes. A reservation that holds stock at this event keeps it until an operator
releases it (docs/operations.md), and an alarm rings.
"""

from inventory.dependencies import reservation_store
from shared.clock import utc_now
from shared.consumer import consumer_handler
from shared.events import Event
from shared.observability import count, logger
from shared.record import Record


class OfAnOrder(Record):
    """The part of each event that this consumer reads."""

    order_id: str


def commit(event: Event) -> None:
    """Commits the order's reservation; a repeat changes nothing.

    Raises WriteConflict (the queue delivers the event again). ReservationMissing, ReservationReleased and
    ReservationInconsistent become dead letters at once, since no retry mends them.
    """
    reservation_store().commit(OfAnOrder.model_validate(event.data).order_id, utc_now())
    count("ReservationsCommitted")


def audit(event: Event) -> None:
    """Counts a reservation that outlives its order, and logs it as an error; changes nothing."""
    order_id = OfAnOrder.model_validate(event.data).order_id
    reservation = reservation_store().reservation_of(order_id)
    if reservation is None or not reservation.held:
        return
    count("ReservationsOutlivingOrders")
    logger.error(
        "reservation outlives its order",
        order_id=order_id,
        reservation_id=reservation.reservation_id,
        reservation_status=reservation.status.value,
    )


handler = consumer_handler({"shipment.dispatched": commit, "order.rejected": audit, "order.cancelled": audit})

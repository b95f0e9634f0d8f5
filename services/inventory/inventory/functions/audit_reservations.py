"""Rings an alarm if an order was rejected or cancelled and still holds stock.

The saga, a cancellation and a resumption release the stock before they end the order so, and a released reservation
never holds stock again. So the event cannot overtake the release, however late or often it comes. A reservation that
holds stock at this event keeps it until an operator releases it (docs/operations.md).
"""

from inventory.dependencies import reservation_store
from shared.consumer import consumer_handler
from shared.events import Event
from shared.observability import count, logger
from shared.record import Record


class OrderEnded(Record):
    """The part of `order.rejected` and `order.cancelled` that this consumer reads."""

    order_id: str


def audit(event: Event) -> None:
    """Counts a reservation that outlives its order, and logs it as an error; changes nothing."""
    order_id = OrderEnded.model_validate(event.data).order_id
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


handler = consumer_handler({"order.rejected": audit, "order.cancelled": audit})

"""Looks whether an order that was rejected or cancelled still holds stock; an alarm counts the ones that do.

Whatever ends an order so releases its stock first, and nothing takes a released reservation back. So a reservation
that holds stock at this event, however late or often the event comes, will hold it until an operator releases it.
"""

from pydantic import BaseModel

from inventory.dependencies import reservation_store
from shared.consumer import consumer_handler
from shared.events import Event
from shared.observability import count, logger


class OrderEnded(BaseModel):
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

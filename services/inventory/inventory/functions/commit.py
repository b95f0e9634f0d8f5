"""Sees to it that no reservation outlives its order.

On `shipment.dispatched` the stock leaves the warehouse for the ledger, which ends the reservation.

On `order.rejected` and `order.cancelled` nothing is left to do. A cancellation and a resumption release the stock
before they end the order so, and a released reservation never holds stock again. So the event cannot overtake the
release, however late or often it comes. A reservation that holds stock at this event keeps it until an operator
releases it (docs/operations.md), and an alarm rings.

On `return.inspected` the pieces that are for sale again come back into the warehouse, by a movement for each sku.
"""

from inventory.dependencies import reservation_store, stock_ledger
from inventory.domain.events import StockLine
from inventory.domain.stock import Movement
from shared.clock import utc_now
from shared.consumer import consumer_handler
from shared.events import Event
from shared.observability import count, logger
from shared.record import Record


class OfAnOrder(Record):
    """The part of each event that this consumer reads."""

    order_id: str


class InspectedReturn(OfAnOrder):
    """The part of `return.inspected` that this consumer reads."""

    return_id: str
    restocked: list[StockLine]


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


def receive(event: Event) -> None:
    """Receives the pieces of an inspected return that are for sale again, once.

    A repeat finds each movement by its id, and goes on where an earlier try stopped. Raises WriteConflict, and
    TooMuchStock, which an operator has to mend; the queue delivers the event again, and then gives up.
    """
    returned = InspectedReturn.model_validate(event.data)
    for line in returned.restocked:
        movement = Movement.returned(
            returned.return_id,
            returned.order_id,
            line.sku,
            line.quantity,
            correlation_id=event.correlation_id,
            now=utc_now(),
        )
        if stock_ledger().record(movement) is movement:
            count("PiecesReturned", line.quantity)


handler = consumer_handler(
    {
        "shipment.dispatched": commit,
        "order.rejected": audit,
        "order.cancelled": audit,
        "return.inspected": receive,
    }
)

"""The saga's two steps of inventory: reserve the order's stock, and give it back."""

from typing import Any

from inventory.dependencies import reservation_store
from inventory.domain.reservation import Reservation
from shared.clock import utc_now
from shared.saga import SagaOrder, order_step, steps_handler


def reserve(order: SagaOrder) -> dict[str, Any]:
    """Reserves the order's lines, all of them or none.

    Raises OutOfStock (the order is rejected), ReservationReleased (the order was given up meanwhile), WriteConflict
    (transient: the state machine tries again).
    """
    wanted = Reservation.of(
        order.order_id, order.correlation_id, ((line.sku, line.quantity) for line in order.lines)
    )
    return {"reservation_id": reservation_store().reserve(wanted, utc_now()).reservation_id}


def release(order: SagaOrder) -> dict[str, Any]:
    """Gives back what the order has reserved; `released` says whether it had reserved anything, also at a repeat.

    Raises ReservationCommitted (the stock has left the warehouse), WriteConflict (transient) and
    ReservationInconsistent (an operator has to look).
    """
    reservation = reservation_store().release(order.order_id, order.correlation_id, utc_now())
    return {"released": reservation.has_given_back}


handler = steps_handler({"reserve": order_step(reserve), "release": order_step(release)})

"""Saga step: the order's stock is held, all lines or none."""

from typing import Any

from inventory.dependencies import stock_store
from inventory.domain.reservation import Reservation
from shared.clock import utc_now
from shared.saga import SagaOrder, step_handler


def reserve(order: SagaOrder) -> dict[str, Any]:
    """Reserves the order's lines.

    Raises OutOfStock (the order is rejected), ReservationReleased (the order was given up meanwhile), StockContended
    (transient: the state machine tries again).
    """
    wanted = Reservation.of(
        order.order_id, order.correlation_id, ((line.sku, line.quantity) for line in order.lines)
    )
    return {"reservation_id": stock_store().reserve(wanted, utc_now()).reservation_id}


handler = step_handler(reserve)

"""Saga compensation: the order's stock is given back, and a reserve that comes late is refused."""

from typing import Any

from inventory.dependencies import stock_store
from shared.clock import utc_now
from shared.saga import SagaOrder, step_handler


def release(order: SagaOrder) -> dict[str, Any]:
    """Gives back what the order has reserved; `released` says whether there was anything, the same at every repeat.

    Raises StockContended (transient) and ReservationInconsistent (someone has to look).
    """
    reservation = stock_store().release(order.order_id, order.correlation_id, utc_now())
    return {"released": reservation.has_given_back}


handler = step_handler(release)

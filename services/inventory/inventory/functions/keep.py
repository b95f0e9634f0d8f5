"""Takes the expiry from the reservation of an order that stands, on `order.confirmed`; and where that was missed, on
`order.fulfilment_requested`."""

from pydantic import BaseModel

from inventory.dependencies import stock_store
from shared.consumer import consumer_handler
from shared.events import Event


class OrderToKeep(BaseModel):
    """What this consumer reads of its events."""

    order_id: str


def keep(event: Event) -> None:
    """Keeps the order's stock; changes nothing the second time, or when it was released or committed meanwhile.

    Raises StockContended (the queue delivers it again), and ReservationMissing: an order is confirmed without stock.
    """
    stock_store().keep(OrderToKeep.model_validate(event.data).order_id)


handler = consumer_handler({"order.confirmed": keep, "order.fulfilment_requested": keep})

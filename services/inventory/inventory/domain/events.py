"""The events that inventory publishes. Quantities are in pieces."""

from typing import Annotated

from shared.events import Payload
from shared.record import About, Record

Sku = Annotated[str, About(description="Stock-keeping unit", examples=["TEA-ASSAM-100"])]


class StockLine(Record):
    """How many of one sku."""

    sku: Sku
    quantity: Annotated[int, About(ge=1, description="Pieces", examples=[2])]


class _ReservationFacts(Payload):
    order_id: Annotated[str, About(examples=["ord_5b0c8a526b7e5c1e8f432f7a0c9f2d11"])]
    lines: Annotated[list[StockLine], About(description="All lines of the reservation, one a sku")]


class StockReserved(_ReservationFacts):
    """The order's stock is held for it: all of its lines."""

    event_type = "stock.reserved"


class StockReleased(_ReservationFacts):
    """The order's stock is for sale again."""

    event_type = "stock.released"


class StockCommitted(_ReservationFacts):
    """The order's stock has left the warehouse."""

    event_type = "stock.committed"


class StockLow(Payload):
    """A change made a product's stock low. The event comes once, not again while the stock stays low."""

    event_type = "stock.low"

    sku: Sku
    available: Annotated[int, About(ge=0, description="Pieces that can still be sold", examples=[3])]
    threshold: Annotated[
        int, About(ge=0, description="The product counts as low at so many pieces", examples=[5])
    ]

"""Records the catalogue's prices in the projection that orders are priced by."""

from typing import Annotated

from orders.dependencies import price_store
from orders.domain.pricing import Price
from shared.consumer import consumer_handler
from shared.events import Event
from shared.money import Money
from shared.record import About, Record


class ProductChanged(Record):
    """The part of `product.changed` that this consumer reads."""

    sku: str
    price: Money
    active: bool
    version: Annotated[int, About(ge=1)]


def record(event: Event) -> None:
    """Records the product's price, unless a newer version is known."""
    product = ProductChanged.model_validate(event.data)
    price_store().record(
        Price(sku=product.sku, price=product.price, active=product.active, version=product.version)
    )


handler = consumer_handler({"product.changed": record})

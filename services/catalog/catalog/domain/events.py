"""The events that the catalog service publishes."""

from typing import Annotated

from shared.events import Payload
from shared.money import Money
from shared.record import About


class ProductChanged(Payload):
    """A product was added or changed; the event carries the parts of its present version that other services need."""

    event_type = "product.changed"

    sku: Annotated[str, About(description="Stock-keeping unit", examples=["TEA-ASSAM-100"])]
    name: Annotated[str, About(examples=["Assam Second Flush, 100 g"])]
    category: Annotated[str, About(description="The shelf; new categories may be added", examples=["tea"])]
    price: Money
    active: Annotated[bool, About(description="Whether it can be ordered; false once it is retired")]
    version: Annotated[int, About(ge=1, description="Counts the product's changes", examples=[3])]

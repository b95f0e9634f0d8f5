"""Records the facts that reports are made of: orders' events, products that ran low, and products' versions."""

from datetime import datetime

from reports.dependencies import sales_projection
from reports.domain.facts import Fact, Kind, LowStock, ProductVersion
from reports.domain.week import Week
from shared.consumer import consumer_handler
from shared.events import Event


def record_order_fact(event: Event) -> None:
    """Records an event about an order. A repeat changes nothing."""
    sales_projection().record(Fact.from_event(event))


def record_low_stock(event: Event) -> None:
    """Records that a product ran low. A repeat changes nothing."""
    sales_projection().record_low_stock(
        LowStock.model_validate(event.data), event, datetime.fromisoformat(event.occurred_at)
    )


def record_product(event: Event) -> None:
    """Records the product's version in the week of the event, unless a newer one is stored."""
    product = ProductVersion.model_validate({**event.data, "version": event.aggregate_version})
    sales_projection().record_product(product, Week.of(datetime.fromisoformat(event.occurred_at)))


handler = consumer_handler(
    {
        **{kind.value: record_order_fact for kind in Kind},
        Kind.PLACED.value: {1: record_order_fact, 2: record_order_fact},
        "stock.low": record_low_stock,
        "product.changed": record_product,
    }
)

"""Keeps the projection that reports are made of: what was ordered, what became of it, what ran low, what is sold."""

from datetime import datetime

from reports.dependencies import sales_store
from reports.domain.week import Fact, Kind, LowStock, ProductVersion, Week
from shared.consumer import consumer_handler
from shared.events import Event


def record(event: Event) -> None:
    """Records what happened to an order; a repeat changes nothing."""
    sales_store().record(Fact.told_by(event))


def record_low_stock(event: Event) -> None:
    """Records that a product ran low; a repeat changes nothing."""
    sales_store().record_low_stock(
        LowStock.model_validate(event.data), event, datetime.fromisoformat(event.occurred_at)
    )


def record_product(event: Event) -> None:
    """Records the product's name, and whether it is sold, as of this week, unless a newer version is known."""
    product = ProductVersion.model_validate({**event.data, "version": event.aggregate_version})
    sales_store().record_product(product, Week.of(datetime.fromisoformat(event.occurred_at)))


handler = consumer_handler(
    {
        **{kind.value: record for kind in Kind},
        "stock.low": record_low_stock,
        "product.changed": record_product,
    }
)

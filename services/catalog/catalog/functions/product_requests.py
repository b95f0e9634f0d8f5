"""The product of an API request: reading it, checking it against `If-Match`, and storing its change."""

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Path

from catalog.dependencies import product_store
from catalog.domain.product import Product, is_sku
from shared.errors import NotFound, PreconditionFailed
from shared.etag import expected_version
from shared.events import Event
from shared.observability import count, logger

AnySku = Annotated[str, Path(description="Stock-keeping unit", examples=["TEA-ASSAM-100"])]


def require_product(sku: str, *, consistent: bool = False) -> Product:
    """The product, retired or not; raises NotFound."""
    product = product_store().find(sku, consistent=consistent) if is_sku(sku) else None
    if product is None:
        raise NotFound("There is no such product.")
    return product


def require_product_at(sku: str, if_match: str | None) -> Product:
    """The product, at the version on which the change is based.

    Raises NotFound, PreconditionRequired, and PreconditionFailed if the product has another version.
    """
    product = require_product(sku, consistent=True)
    if product.version != expected_version(if_match):
        raise _changed_since()
    return product


def store_change(product: Product, events: list[Event]) -> None:
    """Stores a changed product, unless nothing changed.

    Raises PreconditionFailed if another change came first, and WriteConflict when a transaction is at the product.
    """
    if not events:
        return
    # No retry: the client decided by the version that it read.
    if not product_store().put_if_unchanged(product, events):
        raise _changed_since()
    log_change(product)


def log_change(product: Product) -> None:
    """Counts and logs that the product was stored."""
    count("ProductsChanged")
    logger.info("product changed", sku=product.sku, version=product.version, active=product.active)


def _changed_since() -> PreconditionFailed:
    return PreconditionFailed("The product has changed since you read it; read it again and decide anew.")

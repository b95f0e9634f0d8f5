"""The product that a request is about: found, and changed by no one else meanwhile."""

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Path

from catalog.adapters.product_store import ProductContended
from catalog.dependencies import product_store
from catalog.domain.product import Product, is_sku
from shared.errors import NotFound, PreconditionFailed
from shared.etag import expected_version
from shared.events import Event
from shared.observability import count, logger

AnySku = Annotated[str, Path(description="Stock-keeping unit", examples=["TEA-ASSAM-100"])]


def found(sku: str, *, consistent: bool = False) -> Product:
    """The product, retired or not; raises NotFound."""
    product = product_store().find(sku, consistent=consistent) if is_sku(sku) else None
    if product is None:
        raise NotFound("There is no such product.")
    return product


def found_at(sku: str, if_match: str | None) -> Product:
    """The product, at the version that the change is based on.

    Raises NotFound, PreconditionRequired, and PreconditionFailed when it has another version.
    """
    product = found(sku, consistent=True)
    if product.version != expected_version(if_match):
        raise _changed_since()
    return product


def replace(product: Product, events: list[Event]) -> None:
    """Stores a change, unless it is none; raises PreconditionFailed when another one came first."""
    if not events:
        return
    try:
        store(product, events)
    except ProductContended as error:
        raise _changed_since() from error


def store(product: Product, events: list[Event]) -> None:
    """Stores a new version of a product; raises ProductContended."""
    product_store().put_product(product, events)
    count("ProductsChanged")
    logger.info("product changed", sku=product.sku, version=product.version, active=product.active)


def _changed_since() -> PreconditionFailed:
    return PreconditionFailed("The product has changed since you read it; read it again and decide anew.")

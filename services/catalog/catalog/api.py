"""The catalogue API: browsing products and reading one. Both are public."""

from typing import Annotated, Self

from aws_lambda_powertools.event_handler.openapi.params import Path, Query
from pydantic import BaseModel, ValidationError

from catalog.domain import Category, Position, Product, is_sku, shelves_from
from catalog.resources import product_store
from shared.access import Access
from shared.api import api_handler, api_resolver, contract
from shared.cursor import InvalidCursor, decode_cursor, encode_cursor
from shared.errors import NotFound
from shared.money import Money
from shared.parameters import PageCursor, PageLimit

# A bestseller is read far more often than it changes; browsers and a CDN may answer for it this long.
_CACHE = "public, max-age=30"

app = api_resolver()


class ProductView(BaseModel):
    """A product as anyone sees it."""

    sku: str
    name: str
    description: str
    category: Category
    price: Money

    @classmethod
    def of(cls, product: Product) -> Self:
        """The public view of `product`."""
        return cls.model_validate(product.model_dump(include=set(cls.model_fields)))


class ProductPage(BaseModel):
    """A page of products, by category and name; `next` is the cursor of the following page, null on the last."""

    products: list[ProductView]
    next: str | None = None


@app.get("/products", cache_control=_CACHE, **contract(Access.ANYONE, tag="catalog", raises=(InvalidCursor,)))
def list_products(
    category: Annotated[Category | None, Query(description="Only this category")] = None,
    limit: PageLimit = 20,
    cursor: PageCursor = None,
) -> ProductPage:
    """The products on sale, by category and name, by page."""
    after = _position_of(cursor) if cursor is not None else None
    try:
        shelves = shelves_from(after, category)
    except ValueError as error:
        raise InvalidCursor from error
    products, position = product_store().browse(shelves, limit, after)
    return ProductPage(
        products=[ProductView.of(product) for product in products],
        next=encode_cursor(position.model_dump(mode="json")) if position else None,
    )


@app.get(
    "/products/<sku>", cache_control=_CACHE, **contract(Access.ANYONE, tag="catalog", raises=(NotFound,))
)
def read_product(
    sku: Annotated[str, Path(description="Stock-keeping unit", examples=["TEA-ASSAM-100"])],
) -> ProductView:
    """One product on sale."""
    product = product_store().find(sku) if is_sku(sku) else None
    if product is None or not product.active:
        raise NotFound("There is no such product.")
    return ProductView.of(product)


def _position_of(cursor: str) -> Position:
    try:
        return Position.model_validate(decode_cursor(cursor, fields={"shelf", "place"}))
    except ValidationError as error:
        raise InvalidCursor from error


handler = api_handler(app)

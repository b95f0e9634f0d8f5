"""The catalogue API: anyone browses and reads products; admins add, change and retire them.

`picture_routes` adds the routes of their pictures.
"""

from functools import partial
from http import HTTPStatus
from typing import Annotated

from aws_lambda_powertools.event_handler import Response, content_types
from aws_lambda_powertools.event_handler.openapi.params import Query
from pydantic import ValidationError

from catalog.dependencies import product_store
from catalog.domain.product import Category, Position, Product, shelves_from
from catalog.functions.picture_routes import add_picture_routes
from catalog.functions.product_requests import (
    AnySku,
    log_change,
    require_product,
    require_product_at,
    store_change,
)
from catalog.functions.views import NewProduct, ProductChange, ProductPage, ProductView
from shared.access import Access, Whose
from shared.api import api_handler, api_resolver, contract, correlation_id
from shared.clock import utc_now
from shared.cursor import InvalidCursor, decode_cursor, encode_cursor
from shared.errors import Conflict, FieldError, NotFound, PreconditionFailed, PreconditionRequired
from shared.etag import etag_of, require_change
from shared.links import link_to
from shared.parameters import IfMatch, IfNoneMatch, PageCursor, PageLimit

# A bestseller is read far more often than it changes; browsers and a CDN may answer for it this long.
_CACHE = "public, max-age=30"

_ETAG = {"ETag": "The product's version, for `If-Match` and `If-None-Match`"}
_ETAG_AND_CACHE = {**_ETAG, "Cache-Control": "How long a cache may show the product without a new request"}

app = api_resolver()


class SkuTaken(Conflict):
    """A product with this sku exists already, on sale or retired."""

    code = "sku-taken"


@app.get("/products", cache_control=_CACHE, **contract(Access.ANYONE, tag="catalog", raises=(InvalidCursor,)))
def list_products(
    category: Annotated[Category | None, Query(description="Only this category")] = None,
    limit: PageLimit = 20,
    cursor: PageCursor = None,
) -> ProductPage:
    """Lists the products on sale, by category and name, in pages."""
    after = _position_of(cursor) if cursor is not None else None
    try:
        shelves = shelves_from(after, category)
    except ValueError as error:
        raise InvalidCursor from error
    products, position = product_store().browse(shelves, limit, after)
    return ProductPage(
        products=[_view(product) for product in products],
        next=encode_cursor(position.model_dump(mode="json")) if position else None,
    )


@app.get(
    "/products/<sku>",
    **contract(
        Access.ANYONE,
        tag="catalog",
        raises=(NotFound,),
        answers="The product",
        headers=_ETAG_AND_CACHE,
        conditional=True,
    ),
)
def read_product(sku: AnySku, if_none_match: IfNoneMatch = None) -> Response[ProductView]:
    """Reads one product, also a retired one: old orders link to it."""
    product = require_product(sku)
    # Set here: the route's `cache_control` would forbid caches to store a product that a 304 has just confirmed.
    caching = {"Cache-Control": _CACHE}
    require_change(if_none_match, product.version, caching)
    return _answer(product, headers=caching)


@app.post(
    "/products",
    **contract(
        Access.ADMIN,
        tag="catalog",
        whose=Whose.SHOP,
        status=HTTPStatus.CREATED,
        answers="The new product",
        headers={**_ETAG, "Location": "The link to the product"},
        raises=(SkuTaken,),
    ),
)
def add_product(request: NewProduct) -> Response[ProductView]:
    """Adds a product. A repeated request answers 409 `sku-taken`, even with the same details."""
    product, events = Product.introduce(
        request.details(request.sku), correlation_id=correlation_id(), now=utc_now()
    )
    if not product_store().add(product, events):
        raise SkuTaken(
            f"There is a product {product.sku} already; change it by PUT, or choose another sku.",
            [FieldError("/body/sku", "taken")],
        )
    log_change(product)
    return _answer(
        product, status=HTTPStatus.CREATED, headers={"Location": link_to(app, f"/products/{product.sku}")}
    )


@app.put(
    "/products/<sku>",
    **contract(
        Access.ADMIN,
        tag="catalog",
        whose=Whose.SHOP,
        answers="The product as it is now",
        headers=_ETAG,
        raises=(NotFound, PreconditionRequired, PreconditionFailed),
    ),
)
def change_product(sku: AnySku, request: ProductChange, if_match: IfMatch = None) -> Response[ProductView]:
    """Replaces all details of a product. A request that changes nothing makes no new version."""
    product = require_product_at(sku, if_match)
    changed, events = product.revise(request.details(sku), correlation_id=correlation_id(), now=utc_now())
    store_change(changed, events)
    return _answer(changed)


@app.delete(
    "/products/<sku>",
    **contract(
        Access.ADMIN,
        tag="catalog",
        whose=Whose.SHOP,
        status=HTTPStatus.NO_CONTENT,
        answers="The product is retired",
        headers=_ETAG,
        raises=(NotFound, PreconditionRequired, PreconditionFailed),
    ),
)
def retire_product(sku: AnySku, if_match: IfMatch = None) -> Response[str]:
    """Takes a product off sale; PUT can put it back on sale. Retiring a retired product changes nothing."""
    product = require_product_at(sku, if_match)
    retired, events = product.retire(correlation_id=correlation_id(), now=utc_now())
    store_change(retired, events)
    return Response(status_code=HTTPStatus.NO_CONTENT, body="", headers={"ETag": etag_of(retired.version)})


def _position_of(cursor: str) -> Position:
    try:
        return Position.model_validate(decode_cursor(cursor, fields={"shelf", "place"}))
    except ValidationError as error:
        raise InvalidCursor from error


def _view(product: Product) -> ProductView:
    return ProductView.of(product, partial(link_to, app))


def _answer(
    product: Product, *, status: HTTPStatus = HTTPStatus.OK, headers: dict[str, str] | None = None
) -> Response[ProductView]:
    return Response(
        status_code=status,
        content_type=content_types.APPLICATION_JSON,
        body=_view(product),
        headers={"ETag": etag_of(product.version), **(headers or {})},
    )


add_picture_routes(app)

handler = api_handler(app, calls=["dynamodb"])

"""The inventory API, for admins: the stock, its movements, and the ledger of them."""

from http import HTTPStatus
from typing import Annotated

from aws_lambda_powertools.event_handler import Response, content_types
from aws_lambda_powertools.event_handler.openapi.params import Body, Path

from inventory.adapters.cursors import cursor_of_ledger, cursor_of_listing, place_in, sku_in
from inventory.dependencies import stock_ledger
from inventory.domain.movement_request import Adjustment, Receipt, Sku
from inventory.domain.stock import (
    IdempotencyKeyReused,
    Movement,
    NotEnoughStock,
    StockLevel,
    TooMuchStock,
    UnknownSku,
)
from inventory.functions.views import MovementPage, MovementView, StockPage, StockView, ThresholdRequest
from shared.access import Access, Whose, caller_of
from shared.api import api_handler, api_resolver, contract, correlation_id
from shared.clock import utc_now
from shared.cursor import InvalidCursor
from shared.errors import NotFound, PreconditionFailed
from shared.etag import etag_of, expected_version_if_any, require_change
from shared.links import link_to
from shared.observability import count, logger
from shared.parameters import IdempotencyKey, IfMatch, IfNoneMatch, PageCursor, PageLimit
from shared.text import RESOURCE_ID

_STOCK_HEADERS = {
    "ETag": "The version of the stock, for `If-Match` and `If-None-Match`; every movement and every order of the sku "
    "makes a new one"
}

app = api_resolver()

SkuInPath = Annotated[Sku, Path(description="Stock-keeping unit", examples=["TEA-ASSAM-100"])]
AnyMovement = Annotated[Receipt | Adjustment, Body(discriminator="kind")]


@app.get("/inventory", **contract(Access.ADMIN, tag="inventory", whose=Whose.SHOP, raises=(InvalidCursor,)))
def list_stock(limit: PageLimit = 20, cursor: PageCursor = None) -> StockPage:
    """Lists the stock of every sku, page by page, sorted by sku."""
    levels, last = stock_ledger().levels(limit, sku_in(cursor) if cursor is not None else None)
    return StockPage(
        stock=[StockView.of(level) for level in levels],
        next=cursor_of_listing(last) if last else None,
    )


@app.get(
    "/inventory/<sku>",
    **contract(
        Access.ADMIN,
        tag="inventory",
        whose=Whose.SHOP,
        answers="The stock",
        headers=_STOCK_HEADERS,
        raises=(UnknownSku,),
        conditional=True,
    ),
)
def read_stock(sku: SkuInPath, if_none_match: IfNoneMatch = None) -> Response[StockView]:
    """Reads the stock of a sku."""
    level = stock_ledger().level(sku)
    if level is not None:
        require_change(if_none_match, level.version)
    return _stock(sku, level)


@app.put(
    "/inventory/<sku>/threshold",
    **contract(
        Access.ADMIN,
        tag="inventory",
        whose=Whose.SHOP,
        answers="The stock with its new threshold",
        headers=_STOCK_HEADERS,
        raises=(UnknownSku, PreconditionFailed),
    ),
)
def set_threshold(sku: SkuInPath, request: ThresholdRequest, if_match: IfMatch = None) -> Response[StockView]:
    """Sets the number of available pieces at which the sku counts as low.

    Without `If-Match`, the last of two requests at once wins. With it, an order of the sku refuses the change, too.
    """
    level = stock_ledger().set_threshold(
        sku,
        request.low_stock_threshold,
        correlation_id(),
        utc_now(),
        expected=expected_version_if_any(if_match),
    )
    if level is not None:
        logger.info("stock threshold set", sku=sku, threshold=level.low_stock_threshold)
    return _stock(sku, level)


@app.post(
    "/inventory/<sku>/movements",
    **contract(
        Access.ADMIN,
        tag="inventory",
        whose=Whose.SHOP,
        status=HTTPStatus.CREATED,
        answers="The movement; if the key was used before, the movement that was recorded then",
        headers={
            "Location": "The link to the movement",
            "Idempotent-Replayed": "`true` when the movement was recorded by an earlier request",
        },
        raises=(UnknownSku, NotEnoughStock, TooMuchStock, IdempotencyKeyReused),
    ),
)
def record_movement(
    sku: SkuInPath, request: AnyMovement, idempotency_key: IdempotencyKey
) -> Response[MovementView]:
    """Receives a delivery, or adjusts the recorded stock. The same key and body again answer with the same movement.

    A receipt may name a new sku. An adjustment needs a known sku, and takes no more pieces than are available.
    """
    movement = Movement.requested(
        request,
        sku=sku,
        idempotency_key=idempotency_key,
        recorded_by=caller_of(app).user_id,
        correlation_id=correlation_id(),
        now=utc_now(),
    )
    recorded = stock_ledger().record(movement)
    is_new = recorded is movement
    if is_new:
        count("StockMovements")
        logger.info(
            "stock movement recorded",
            movement_id=movement.movement_id,
            sku=sku,
            kind=movement.kind.value,
            quantity=movement.quantity,
        )
    return Response(
        status_code=HTTPStatus.CREATED,
        content_type=content_types.APPLICATION_JSON,
        body=MovementView.of(recorded),
        headers={
            "Location": link_to(app, f"/inventory/{sku}/movements/{recorded.movement_id}"),
            "Idempotent-Replayed": str(not is_new).lower(),
        },
    )


@app.get(
    "/inventory/<sku>/movements",
    **contract(Access.ADMIN, tag="inventory", whose=Whose.SHOP, raises=(UnknownSku, InvalidCursor)),
)
def list_movements(sku: SkuInPath, limit: PageLimit = 20, cursor: PageCursor = None) -> MovementPage:
    """Lists the ledger of a sku, newest first, page by page. The quantities add up to the stock on hand."""
    movements, last = stock_ledger().ledger(sku, limit, place_in(cursor) if cursor is not None else None)
    if not movements and stock_ledger().level(sku) is None:
        raise UnknownSku(sku)
    return MovementPage(
        movements=[MovementView.of(movement) for movement in movements],
        next=cursor_of_ledger(last) if last else None,
    )


@app.get(
    "/inventory/<sku>/movements/<movement_id>",
    **contract(Access.ADMIN, tag="inventory", whose=Whose.SHOP, raises=(NotFound,)),
)
def read_movement(
    sku: SkuInPath,
    movement_id: Annotated[str, Path(description="The movement's id, as in the ledger"), RESOURCE_ID],
) -> MovementView:
    """Reads one movement of a sku's ledger."""
    movement = stock_ledger().movement(sku, movement_id)
    if movement is None:
        raise NotFound("The ledger of this sku has no such movement.")
    return MovementView.of(movement)


def _stock(sku: str, level: StockLevel | None) -> Response[StockView]:
    if level is None:
        raise UnknownSku(sku)
    return Response(
        status_code=HTTPStatus.OK,
        content_type=content_types.APPLICATION_JSON,
        body=StockView.of(level),
        headers={"ETag": etag_of(level.version)},
    )


handler = api_handler(app, calls=["dynamodb"])

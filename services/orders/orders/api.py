"""The orders API: placing an order, reading one, listing one's own."""

from http import HTTPStatus
from typing import Annotated, Self

from aws_lambda_powertools.event_handler import Response, content_types
from aws_lambda_powertools.event_handler.openapi.params import Path
from pydantic import BaseModel

from orders.domain import (
    DuplicateSku,
    IdempotencyKeyReused,
    MixedCurrencies,
    Order,
    OrderRequest,
    OrderStatus,
    RejectionReason,
    UnknownSku,
    order_id_for,
)
from orders.resources import order_store, price_store
from shared.access import Access, caller_of, require_owner
from shared.api import api_handler, api_resolver, contract, correlation_id
from shared.clock import utc_now
from shared.cursor import InvalidCursor, decode_cursor, encode_cursor
from shared.errors import NotFound
from shared.money import Money
from shared.observability import count, logger
from shared.parameters import IdempotencyKey, PageCursor, PageLimit
from shared.saga import ShippingAddress

app = api_resolver()


class LineView(BaseModel):
    """A line as the customer sees it."""

    sku: str
    quantity: int
    unit_price: Money
    total: Money


class HistoryView(BaseModel):
    """A status the order went through, and when (RFC 3339, UTC)."""

    status: OrderStatus
    at: str


class OrderView(BaseModel):
    """An order as its customer sees it."""

    order_id: str
    status: OrderStatus
    lines: list[LineView]
    total: Money
    shipping_address: ShippingAddress
    placed_at: str
    history: list[HistoryView]
    rejection_reason: RejectionReason | None = None

    @classmethod
    def of(cls, order: Order) -> Self:
        """The customer's view of `order`: what is internal (token, fingerprint, parked state) stays inside."""
        return cls(
            order_id=order.order_id,
            status=order.status,
            lines=[LineView(**line.model_dump(), total=line.total) for line in order.lines],
            total=order.total,
            shipping_address=order.shipping_address,
            placed_at=order.placed_at,
            history=[HistoryView(status=entry.status, at=entry.at) for entry in order.history],
            rejection_reason=order.rejection_reason,
        )


class OrderPage(BaseModel):
    """A page of orders, newest first; `next` is the cursor of the following page, null on the last."""

    orders: list[OrderView]
    next: str | None = None


@app.post(
    "/orders",
    **contract(
        Access.CUSTOMER,
        tag="orders",
        status=HTTPStatus.CREATED,
        answers="The order; under a key that came before, the order that was placed then",
        headers={
            "Location": "Where the order is",
            "Idempotent-Replayed": "`true` when the order was placed by an earlier request",
        },
        raises=(UnknownSku, DuplicateSku, MixedCurrencies, IdempotencyKeyReused),
    ),
)
def place_order(request: OrderRequest, idempotency_key: IdempotencyKey) -> Response[OrderView]:
    """Places an order at the server's own prices. The same key and body again answer with the same order."""
    customer = caller_of(app).user_id
    existing = order_store().find(order_id_for(customer, idempotency_key))
    if existing is not None:
        return _placed(existing, request, replayed=True)
    order, events = Order.place(
        request,
        price_store().prices_of({line.sku for line in request.lines}),
        customer_id=customer,
        idempotency_key=idempotency_key,
        correlation_id=correlation_id(),
        now=utc_now(),
    )
    stored = order_store().add(order, events)
    if stored is order:
        count("OrdersPlaced")
        logger.info("order placed", order_id=order.order_id, lines=len(order.lines))
    return _placed(stored, request, replayed=stored is not order)


@app.get("/orders/<order_id>", **contract(Access.OWNER, tag="orders", raises=(NotFound,)))
def read_order(order_id: Annotated[str, Path(max_length=64)]) -> OrderView:
    """One of the caller's own orders, with its history."""
    caller = caller_of(app)
    order = require_owner(caller, order_store().find(order_id), lambda order: order.customer_id)
    return OrderView.of(order)


@app.get("/orders", **contract(Access.CUSTOMER, tag="orders", raises=(InvalidCursor,)))
def list_orders(
    limit: PageLimit = 20,
    cursor: PageCursor = None,
) -> OrderPage:
    """The caller's own orders, newest first, by page."""
    customer = caller_of(app).user_id
    after = decode_cursor(cursor, fields={"pk", "placed_at"}) if cursor is not None else None
    orders, position = order_store().orders_of_customer(customer, limit, after)
    return OrderPage(
        orders=[OrderView.of(order) for order in orders],
        next=encode_cursor(position) if position else None,
    )


def _placed(order: Order, request: OrderRequest, *, replayed: bool) -> Response[OrderView]:
    if order.request_fingerprint != request.fingerprint():
        raise IdempotencyKeyReused(
            "This Idempotency-Key came with another body before; use a new key for a new order."
        )
    return Response(
        status_code=HTTPStatus.CREATED,
        content_type=content_types.APPLICATION_JSON,
        body=OrderView.of(order),
        headers={"Location": f"/orders/{order.order_id}", "Idempotent-Replayed": str(replayed).lower()},
    )


handler = api_handler(app)

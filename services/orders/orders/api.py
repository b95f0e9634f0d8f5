"""The orders API: placing an order, reading one, listing one's own."""

from http import HTTPStatus
from typing import Annotated, Self

from aws_lambda_powertools.event_handler import Response, content_types
from aws_lambda_powertools.event_handler.openapi.params import Header, Path, Query
from pydantic import BaseModel

from orders.domain import (
    IdempotencyKeyReused,
    Order,
    OrderRequest,
    OrderStatus,
    RejectionReason,
    order_id_for,
)
from orders.resources import order_store, price_store
from shared.api import api_handler, api_resolver, caller_of, correlation_id
from shared.clock import utc_now
from shared.cursor import decode_cursor, encode_cursor
from shared.errors import NotFound
from shared.money import Money
from shared.observability import count, logger
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


IdempotencyKey = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        description="One key per order, kept over retries",
    ),
]


@app.post("/orders", status_code=HTTPStatus.CREATED)
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


@app.get("/orders/<order_id>")
def read_order(order_id: Annotated[str, Path(max_length=64)]) -> OrderView:
    """One of the caller's own orders, with its history."""
    customer = caller_of(app).user_id
    order = order_store().find(order_id)
    if order is None or order.customer_id != customer:
        raise NotFound("You have no such order.")
    return OrderView.of(order)


@app.get("/orders")
def list_orders(
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    cursor: Annotated[str | None, Query(max_length=512)] = None,
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

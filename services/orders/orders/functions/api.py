"""The orders API: placing an order, reading one, listing a customer's, cancelling one.

For operators: what needs attention, and resuming a parked order.
"""

from http import HTTPStatus
from typing import Annotated

from aws_lambda_powertools.event_handler import Response, content_types
from aws_lambda_powertools.event_handler.openapi.params import Path, Query

from orders.adapters.attention import late_before, overdue_before, still
from orders.adapters.order_store import despite_lost_races
from orders.dependencies import order_store, price_store
from orders.domain.order import (
    AccountClosed,
    Canceller,
    CannotBeCancelled,
    CannotBeResumed,
    Order,
    OrderStatus,
    order_id_for,
)
from orders.domain.order_request import DuplicateSku, IdempotencyKeyReused, OrderRequest, UnknownSku
from orders.domain.pricing import CurrencyNotServed, MixedCurrencies
from orders.functions.cursors import cursor_of, position_in
from orders.functions.views import Attention, AttentionEntry, OrderPage, OrderView
from shared.access import Access, caller_of, require_owner
from shared.api import api_handler, api_resolver, contract, correlation_id
from shared.clock import utc_now
from shared.cursor import InvalidCursor
from shared.errors import Forbidden, NotFound
from shared.observability import count, logger
from shared.parameters import IdempotencyKey, PageCursor, PageLimit

app = api_resolver()

OrderId = Annotated[
    str,
    Path(
        pattern=r"^[A-Za-z0-9_-]{1,64}$",
        description="As `order_id` of an order",
        examples=["ord_118ebd08bdee58bf9a4d0d7d1e76a930"],
    ),
]


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
        raises=(
            UnknownSku,
            DuplicateSku,
            MixedCurrencies,
            CurrencyNotServed,
            IdempotencyKeyReused,
            AccountClosed,
        ),
    ),
)
def place_order(request: OrderRequest, idempotency_key: IdempotencyKey) -> Response[OrderView]:
    """Places an order at the server's own prices. The same key and body again answer with the same order."""
    customer = caller_of(app).user_id
    existing = order_store().find_for_placement(order_id_for(customer, idempotency_key), customer)
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


@app.get("/orders/attention", **contract(Access.ADMIN, tag="orders"))
def orders_that_need_attention(
    limit: Annotated[int, Query(ge=1, le=100, description="How many orders each list holds at most")] = 20,
) -> Attention:
    """The orders that are parked, those that are under way for longer than it takes, and those that are confirmed and
    not fulfilled in time; for operators."""
    store, now = order_store(), utc_now()
    parked = still(store, store.parked(limit), lambda order: order.status is OrderStatus.PARKED)
    overdue = store.open_since_before(overdue_before(now), limit)
    stuck = still(store, overdue, lambda order: order.status.is_open)
    waiting = store.late(late_before(now), limit)
    late = still(store, waiting, lambda order: order.status is OrderStatus.CONFIRMED)
    return Attention(
        parked=[AttentionEntry.of(order) for order in parked],
        stuck=[AttentionEntry.of(order) for order in stuck],
        late=[AttentionEntry.of(order) for order in late],
    )


@app.get("/orders/<order_id>", **contract(Access.OWNER, tag="orders", raises=(NotFound,)))
def read_order(order_id: OrderId) -> OrderView:
    """An order with its history, for its customer and for admins."""
    caller = caller_of(app)
    order = require_owner(caller, order_store().find(order_id), lambda order: order.customer_id)
    return OrderView.of(order)


@app.get("/orders", **contract(Access.SIGNED_IN, tag="orders", raises=(InvalidCursor,)))
def list_orders(
    limit: PageLimit = 20,
    cursor: PageCursor = None,
    status: Annotated[OrderStatus | None, Query(description="Only orders in this status")] = None,
    customer_id: Annotated[
        str | None,
        Query(pattern=r"^[!-~]{1,128}$", description="Whose orders, for admins; otherwise one's own"),
    ] = None,
) -> OrderPage:
    """A customer's orders, newest first, by page: one's own, or for admins anybody's."""
    caller = caller_of(app)
    customer = customer_id or caller.user_id
    if customer != caller.user_id and not caller.is_admin:
        raise Forbidden("Only admins list the orders of others.")
    after = position_in(cursor, customer, status) if cursor is not None else None
    orders, position = order_store().orders_of_customer(customer, limit, after, status)
    return OrderPage(
        orders=[OrderView.of(order) for order in orders],
        next=cursor_of(position, customer, status) if position else None,
    )


@app.post(
    "/orders/<order_id>/cancel",
    **contract(
        Access.OWNER,
        tag="orders",
        status=HTTPStatus.ACCEPTED,
        answers="The order, which is being cancelled or is cancelled already; reading it tells when it is done",
        raises=(NotFound, CannotBeCancelled),
    ),
)
def cancel_order(order_id: OrderId) -> OrderView:
    """Cancels an order: parcel, money and stock go back. Asking again answers the same.

    An order whose parcel leaves at the same moment stands after all: it is `confirmed` again, and then `fulfilled`.
    """
    caller = caller_of(app)
    found = require_owner(caller, order_store().find(order_id), lambda order: order.customer_id)
    by = Canceller.CUSTOMER if caller.user_id == found.customer_id else Canceller.ADMIN
    order = despite_lost_races(
        order_store().change, order_id, lambda current: current.request_cancellation(by, utc_now())
    )
    logger.info("cancellation requested", order_id=order_id, by=by.value, status=order.status.value)
    count("CancellationsRequested")
    return OrderView.of(order)


@app.post(
    "/orders/<order_id>/resume",
    **contract(
        Access.ADMIN,
        tag="orders",
        status=HTTPStatus.ACCEPTED,
        answers="The order, which is being resumed; reading it tells how that ends",
        raises=(NotFound, CannotBeResumed),
    ),
)
def resume_order(order_id: OrderId) -> OrderView:
    """Undoes everything of a parked order once more, for operators. Asking again while that goes on starts nothing.

    Where the parcel is gone and the money could not be taken, it has the money taken once more instead.
    """
    if order_store().find(order_id) is None:
        raise NotFound("There is no such order.")
    order = despite_lost_races(order_store().change, order_id, lambda current: current.resume(utc_now()))
    logger.info("resumption requested", order_id=order_id)
    count("ResumptionsRequested")
    return OrderView.of(order)


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

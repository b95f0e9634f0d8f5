"""The orders API: placing, reading, listing and cancelling orders.

For operators: the orders of a day, the orders that need attention, and resuming a parked order.
"""

from datetime import date
from http import HTTPStatus
from itertools import islice
from typing import Annotated

from aws_lambda_powertools.event_handler import Response, content_types
from aws_lambda_powertools.event_handler.openapi.params import Path, Query

from orders.adapters.cursors import cursor_of, cursor_of_day, placement_in, position_in
from orders.dependencies import (
    attention_index,
    order_store,
    placement_index,
    placement_limits,
    price_store,
    reconcile_settings,
    redacted_orders,
)
from orders.domain.customer_account import CustomerAccount
from orders.domain.order import Order, order_id_for
from orders.domain.order_request import DuplicateSku, IdempotencyKeyReused, OrderRequest, UnknownSku
from orders.domain.placement_limits import TooManyDeclines, TooManyPieces, TooManyUndecidedOrders
from orders.domain.pricing import CurrencyNotServed, MixedCurrencies
from orders.domain.status import AccountClosed, Canceller, CannotBeCancelled, CannotBeResumed, OrderStatus
from orders.functions.views import (
    Attention,
    AttentionEntry,
    OrderPage,
    OrderView,
    PlacedOrder,
    PlacedOrderPage,
)
from shared.access import Access, Whose, caller_of
from shared.api import api_handler, api_resolver, contract, correlation_id
from shared.audit_trail import EVERYBODY, record_access, require_owner
from shared.clock import utc_now
from shared.cursor import InvalidCursor
from shared.errors import FieldError, Forbidden, InvalidRequest, NotFound, TooManyRequests
from shared.links import link_to
from shared.observability import count, logger
from shared.parameters import IdempotencyKey, PageCursor, PageLimit
from shared.text import RESOURCE_ID, Form

app = api_resolver()

OrderId = Annotated[
    str,
    Path(
        description="The `order_id` of an order",
        examples=["ord_118ebd08bdee58bf9a4d0d7d1e76a930"],
    ),
    RESOURCE_ID,
]

# The audit trail keeps for a year what an admin asks for. A mail address would name a person there, and one word stands
# for all customers. The pattern is the one of 0.7.0: a narrower one would break its clients.
_ANY_CUSTOMER = Form(
    r"^[!-~]{1,128}$",
    "Use the id of a user as the API gave it",
    also=RESOURCE_ID.pattern,
    reserved=(EVERYBODY,),
)


_DAY = Form(r"^2[0-9]{3}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$", "Write a day as YYYY-MM-DD")


@app.post(
    "/orders",
    **contract(
        Access.CUSTOMER,
        tag="orders",
        status=HTTPStatus.CREATED,
        answers="The order; if the key was used before, the order that was placed then",
        headers={
            "Location": "The link to the order",
            "Idempotent-Replayed": "`true` when the order was placed by an earlier request",
        },
        raises=(
            UnknownSku,
            DuplicateSku,
            MixedCurrencies,
            CurrencyNotServed,
            IdempotencyKeyReused,
            AccountClosed,
            TooManyPieces,
            TooManyDeclines,
            TooManyUndecidedOrders,
        ),
    ),
)
def place_order(request: OrderRequest, idempotency_key: IdempotencyKey) -> Response[OrderView]:
    """Places an order at the server's own prices. The same key and body return the same order again."""
    customer = caller_of(app).user_id
    order_id = order_id_for(customer, idempotency_key)
    existing, account = order_store().find_for_placement(order_id, customer)
    account.require_open()
    if existing is not None:
        return _placed(existing, request, replayed=True)
    try:
        _require_within_limits(request, account, customer)
    except TooManyRequests:
        # The first request under this key may have stored its order meanwhile, and reached the limit by that.
        existing = order_store().find(order_id)
        if existing is None:
            raise
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
        logger.append_keys(order_id=order.order_id)
    return _placed(stored, request, replayed=stored is not order)


@app.get("/orders/attention", **contract(Access.ADMIN, tag="orders", whose=Whose.LISTED))
def orders_that_need_attention(
    limit: Annotated[int, Query(ge=1, le=100, description="The most orders in each list")] = 20,
) -> Attention:
    """Lists the orders that need an operator.

    They are parked, or in an open status for too long, or confirmed and not fulfilled in time. Or they are at their
    end, and something is wrong with their money.
    """
    index, store, now = attention_index(), order_store(), utc_now()
    open_too_long = index.open_since_before(reconcile_settings().stuck_before(now), limit)
    waiting = index.late(reconcile_settings().late_before(now), limit)
    parked = list(store.find_if(index.parked(limit), lambda order: order.status is OrderStatus.PARKED))
    stuck = list(store.find_if(open_too_long, lambda order: order.status.is_open))
    late = list(store.find_if(waiting, lambda order: order.status is OrderStatus.CONFIRMED))
    unsettled = list(store.find_if(index.unsettled(limit), lambda order: order.is_unsettled))
    _record_listing([*parked, *stuck, *late, *unsettled])
    return Attention(
        parked=[AttentionEntry.of(order) for order in parked],
        stuck=[AttentionEntry.of(order) for order in stuck],
        late=[AttentionEntry.of(order) for order in late],
        unsettled=[AttentionEntry.of(order) for order in unsettled],
    )


@app.get("/orders/placed", **contract(Access.ADMIN, tag="orders", whose=Whose.SHOP, raises=(InvalidCursor,)))
def list_placed_orders(
    limit: PageLimit = 20,
    cursor: PageCursor = None,
    status: Annotated[OrderStatus | None, Query(description="Only orders in this status")] = None,
    day: Annotated[
        Annotated[str, _DAY] | None,
        Query(description="The day of their placement, in UTC; today without it", examples=["2026-03-02"]),
    ] = None,
) -> PlacedOrderPage:
    """Lists the orders that customers placed on a day, newest first, for operators who watch them flow.

    It names no customer. An order's own route has more, and leaves a line in the audit trail.
    """
    placed_on = _day_of(day) if day else utc_now().date()
    before = placement_in(cursor, str(placed_on), status) if cursor is not None else ""
    found = list(islice(placement_index().newest_on(placed_on, before), limit))
    orders = redacted_orders().find_all([order_id for _, order_id in found])
    return PlacedOrderPage(
        day=str(placed_on),
        orders=[PlacedOrder.of(order) for order in orders if status in (None, order.status)],
        next=cursor_of_day(found[-1][0], str(placed_on), status) if len(found) == limit else None,
    )


@app.get("/orders/<order_id>", **contract(Access.OWNER, tag="orders", raises=(NotFound,)))
def read_order(order_id: OrderId) -> OrderView:
    """Reads an order with its history. Only its customer and admins see it."""
    order = require_owner(app, order_store().find(order_id), lambda order: order.customer_id)
    return OrderView.of(order)


@app.get("/orders", **contract(Access.SIGNED_IN, tag="orders", whose=Whose.OWNER, raises=(InvalidCursor,)))
def list_orders(
    limit: PageLimit = 20,
    cursor: PageCursor = None,
    status: Annotated[OrderStatus | None, Query(description="Only orders in this status")] = None,
    customer_id: Annotated[
        Annotated[str, _ANY_CUSTOMER] | None,
        Query(description="The customer whose orders an admin lists; without it, the caller"),
    ] = None,
) -> OrderPage:
    """Lists a customer's orders by page, newest first. Customers list their own; admins list any customer's."""
    caller = caller_of(app)
    customer = customer_id or caller.user_id
    if customer != caller.user_id and not caller.is_admin:
        raise Forbidden("Only admins list the orders of others.")
    after = position_in(cursor, customer, status) if cursor is not None else None
    orders, position = order_store().orders_of_customer(customer, limit, after, status)
    record_access(app, {customer: [order.order_id for order in orders]})
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
        answers="The order, which is being cancelled or is cancelled already; read it again to see the end",
        raises=(NotFound, CannotBeCancelled),
    ),
)
def cancel_order(order_id: OrderId) -> OrderView:
    """Cancels an order: its parcel, money and stock go back. A repeated request has the same answer.

    If the parcel leaves at the same moment, the order stands after all: it is `confirmed` again, and then `fulfilled`.
    """
    found = require_owner(app, order_store().find(order_id), lambda order: order.customer_id)
    by = Canceller.CUSTOMER if caller_of(app).user_id == found.customer_id else Canceller.ADMIN
    order = order_store().change(order_id, lambda current: current.request_cancellation(by, utc_now()))
    logger.info("cancellation requested", order_id=order_id, by=by.value, status=order.status.value)
    count("CancellationsRequested")
    return OrderView.of(order)


@app.post(
    "/orders/<order_id>/resume",
    **contract(
        Access.ADMIN,
        tag="orders",
        whose=Whose.OWNER,
        status=HTTPStatus.ACCEPTED,
        answers="The order, which is being resumed; read it again to see the end",
        raises=(NotFound, CannotBeResumed),
    ),
)
def resume_order(order_id: OrderId) -> OrderView:
    """Undoes everything of a parked order once more, for operators. A repeated request starts nothing more.

    If the parcel has left and the money could not be taken, it tries the capture once more instead. If the order is at
    its end and something is wrong with its money, the request says that an operator has settled that.
    """
    found = order_store().find(order_id)
    if found is None:
        raise NotFound("There is no such order.")
    record_access(app, {found.customer_id: [order_id]})
    order = order_store().change(order_id, lambda current: current.resume(utc_now()))
    logger.info("resumption requested", order_id=order_id)
    count("ResumptionsRequested")
    return OrderView.of(order)


def _require_within_limits(request: OrderRequest, account: CustomerAccount, customer: str) -> None:
    """Raises TooManyPieces, TooManyDeclines or TooManyUndecidedOrders."""
    limits, orders = placement_limits(), order_store()
    limits.check_pieces(request)
    limits.check_declines(account, utc_now())
    undecided = orders.count_in_status(customer, OrderStatus.PLACED, at_most=limits.max_undecided_orders)
    limits.check_undecided(undecided)


def _day_of(text: str) -> date:
    """The day; raises InvalidRequest if the month has no such day."""
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise InvalidRequest(
            "Invalid: /query/day.", [FieldError("/query/day", "there is no such day")]
        ) from error


def _record_listing(orders: list[Order]) -> None:
    listed: dict[str, set[str]] = {}
    for order in orders:
        listed.setdefault(order.customer_id, set()).add(order.order_id)
    record_access(app, listed)


def _placed(order: Order, request: OrderRequest, *, replayed: bool) -> Response[OrderView]:
    if order.request_fingerprint != request.fingerprint():
        raise IdempotencyKeyReused(
            "This Idempotency-Key was used with another body before; use a new key for a new order."
        )
    return Response(
        status_code=HTTPStatus.CREATED,
        content_type=content_types.APPLICATION_JSON,
        body=OrderView.of(order),
        headers={
            "Location": link_to(app, f"/orders/{order.order_id}"),
            "Idempotent-Replayed": str(replayed).lower(),
        },
    )


handler = api_handler(app, calls=["dynamodb"], expects=[place_order])

"""The returns API: a customer requests, follows and withdraws returns; operators decide and inspect."""

from datetime import datetime
from enum import StrEnum
from http import HTTPStatus
from typing import Annotated

from aws_lambda_powertools.event_handler import Response, content_types
from aws_lambda_powertools.event_handler.openapi.params import Path, Query

from returns.adapters.cursors import cursor_of, position_in
from returns.adapters.return_store import Change, OrderNotFulfilled
from returns.dependencies import return_policy, return_store
from returns.domain.order_returns import OrderReturns, return_id_for
from returns.domain.status import (
    AccountClosed,
    CannotBeChanged,
    DuplicateSku,
    IdempotencyKeyReused,
    MoreThanAnnounced,
    MoreThanBought,
    NotInOrder,
    ReturnPeriodOver,
    ReturnStatus,
    ReturnUnknown,
    TooManyReturns,
)
from returns.functions.return_requests import InspectionRequest, RefusalRequest, ReturnRequest
from returns.functions.views import OrderReturnsView, ReturnPage, ReturnView
from shared.access import Access, Whose, caller_of
from shared.api import api_handler, api_resolver, contract, correlation_id
from shared.audit_trail import record_access, require_owner
from shared.clock import timestamp, utc_now
from shared.cursor import InvalidCursor
from shared.errors import NotFound
from shared.events import Event
from shared.links import link_to
from shared.observability import count, logger
from shared.parameters import IdempotencyKey, PageCursor, PageLimit
from shared.text import RESOURCE_ID

app = api_resolver()

OrderId = Annotated[
    str,
    Path(description="The `order_id` of an order", examples=["ord_118ebd08bdee58bf9a4d0d7d1e76a930"]),
    RESOURCE_ID,
]
ReturnId = Annotated[
    str,
    Path(description="The `return_id` of a return", examples=["ret_3f1d8a526b7e5c1e8f432f7a0c9f2d99"]),
    RESOURCE_ID,
]


class WaitingStatus(StrEnum):
    """The statuses in which a return waits for something."""

    REQUESTED = "requested"
    ACCEPTED = "accepted"
    LABELLED = "labelled"
    INSPECTED = "inspected"


@app.post(
    "/orders/<order_id>/returns",
    **contract(
        Access.OWNER,
        tag="returns",
        status=HTTPStatus.CREATED,
        answers="The return; if the key was used before, the return that was requested then",
        headers={
            "Location": "The link to the order's returns",
            "Idempotent-Replayed": "`true` when the return was requested by an earlier request",
        },
        raises=(
            NotFound,
            NotInOrder,
            DuplicateSku,
            MoreThanBought,
            ReturnPeriodOver,
            TooManyReturns,
            IdempotencyKeyReused,
            AccountClosed,
        ),
    ),
)
def request_return(
    order_id: OrderId, request: ReturnRequest, idempotency_key: IdempotencyKey
) -> Response[ReturnView]:
    """Requests the return of some pieces of a fulfilled order. The same key and body return the same return again.

    The shop accepts it at once, or an operator decides.
    """
    found = _owned(order_id)
    return_id, now, cause = return_id_for(order_id, idempotency_key), utc_now(), correlation_id()
    is_new = False

    def requested(order: OrderReturns) -> tuple[OrderReturns, list[Event]]:
        nonlocal is_new
        changed, events = order.request(
            return_id, request.pieces, request.reason, return_policy(), correlation_id=cause, now=now
        )
        is_new = changed is not order
        return changed, events

    order = return_store().change(order_id, requested, customer_id=found.customer_id)
    entry = order.find(return_id)
    if is_new:
        count("ReturnsRequested")
        logger.info("return requested", order_id=order_id, return_id=return_id, status=entry.status.value)
    return Response(
        status_code=HTTPStatus.CREATED,
        content_type=content_types.APPLICATION_JSON,
        body=ReturnView.of(order, entry),
        headers={
            "Location": link_to(app, f"/orders/{order_id}/returns"),
            "Idempotent-Replayed": str(not is_new).lower(),
        },
    )


@app.get("/orders/<order_id>/returns", **contract(Access.OWNER, tag="returns", raises=(NotFound,)))
def list_returns_of_order(order_id: OrderId) -> OrderReturnsView:
    """Lists the returns of a fulfilled order, and the pieces that can still be returned."""
    order, _ = _owned(order_id).as_of(utc_now())
    until = return_policy().until(datetime.fromisoformat(order.fulfilled_at))
    return OrderReturnsView.of(order, timestamp(until))


@app.post(
    "/orders/<order_id>/returns/<return_id>/withdraw",
    **contract(Access.OWNER, tag="returns", raises=(NotFound, ReturnUnknown, CannotBeChanged)),
)
def withdraw_return(order_id: OrderId, return_id: ReturnId) -> ReturnView:
    """Withdraws a return whose pieces have not arrived yet. A repeated request has the same answer."""
    _owned(order_id)
    return _changed(
        order_id, return_id, "ReturnsWithdrawn", lambda order: order.withdraw(return_id, utc_now())
    )


@app.get("/returns", **contract(Access.CUSTOMER, tag="returns", raises=(InvalidCursor,)))
def list_returns(
    limit: Annotated[int, Query(ge=1, le=100, description="The most orders whose returns a page holds")] = 20,
    cursor: PageCursor = None,
) -> ReturnPage:
    """Lists the caller's own returns by page, those of the latest order first."""
    customer = caller_of(app).user_id
    after = position_in(cursor, customer) if cursor is not None else None
    orders, position = return_store().of_customer(customer, limit, after)
    now = utc_now()
    present = [order.as_of(now)[0] for order in orders]
    return ReturnPage(
        returns=[ReturnView.of(order, entry) for order in present for entry in order.returns],
        next=cursor_of(position, customer) if position else None,
    )


@app.get(
    "/returns/waiting",
    **contract(Access.ADMIN, tag="returns", whose=Whose.LISTED, raises=(InvalidCursor,)),
)
def list_waiting_returns(
    status: Annotated[WaitingStatus, Query(description="What the returns wait in")] = WaitingStatus.REQUESTED,
    limit: PageLimit = 20,
    cursor: PageCursor = None,
) -> ReturnPage:
    """Lists the returns in one status by page, the longest waiting first, for operators.

    `requested` ones wait for a decision, `accepted` ones for their label, `labelled` ones for their parcel, `inspected`
    ones for their refund.
    """
    waiting = ReturnStatus(status)
    after = position_in(cursor, waiting.value) if cursor is not None else None
    found, position = return_store().waiting(waiting, limit, after)
    now = utc_now()
    listed = [(order, entry) for order, entry in found if not entry.is_overdue(now)]
    touched: dict[str, set[str]] = {}
    for order, _ in listed:
        touched.setdefault(order.customer_id, set()).add(order.order_id)
    record_access(app, touched)
    return ReturnPage(
        returns=[ReturnView.of(order, entry) for order, entry in listed],
        next=cursor_of(position, waiting.value) if position else None,
    )


_DECIDES = contract(
    Access.ADMIN,
    tag="returns",
    whose=Whose.OWNER,
    raises=(OrderNotFulfilled, ReturnUnknown, CannotBeChanged),
)


@app.post("/orders/<order_id>/returns/<return_id>/accept", **_DECIDES)
def accept_return(order_id: OrderId, return_id: ReturnId) -> ReturnView:
    """Accepts a requested return; shipping books its label. A repeated request has the same answer."""
    _record(order_id, return_id)
    return _changed(
        order_id,
        return_id,
        "ReturnsAccepted",
        lambda order: order.accept(return_id, return_policy(), utc_now()),
    )


@app.post("/orders/<order_id>/returns/<return_id>/refuse", **_DECIDES)
def refuse_return(order_id: OrderId, return_id: ReturnId, request: RefusalRequest) -> ReturnView:
    """Refuses a requested return. A repeated request has the same answer."""
    _record(order_id, return_id)
    return _changed(
        order_id,
        return_id,
        "ReturnsRefused",
        lambda order: order.refuse(return_id, request.reason, utc_now()),
    )


@app.post(
    "/orders/<order_id>/returns/<return_id>/inspect",
    **contract(
        Access.ADMIN,
        tag="returns",
        whose=Whose.OWNER,
        raises=(
            OrderNotFulfilled,
            ReturnUnknown,
            CannotBeChanged,
            NotInOrder,
            DuplicateSku,
            MoreThanAnnounced,
            MoreThanBought,
        ),
    ),
)
def inspect_return(order_id: OrderId, return_id: ReturnId, request: InspectionRequest) -> ReturnView:
    """Records what arrived: pieces to restock, to write off, and not accepted. The customer is paid for the first two.

    A repeated request has the same answer, and pays nothing more.
    """
    _record(order_id, return_id)
    findings = request.findings
    return _changed(
        order_id, return_id, "ReturnsInspected", lambda order: order.inspect(return_id, findings, utc_now())
    )


def _owned(order_id: str) -> OrderReturns:
    return require_owner(app, return_store().find(order_id), lambda order: order.customer_id)


def _record(order_id: str, return_id: str) -> None:
    """Leaves the admin's line about the order's customer; raises OrderNotFulfilled."""
    order = return_store().find(order_id)
    if order is None:
        raise OrderNotFulfilled
    record_access(app, {order.customer_id: [order_id, return_id]})


def _changed(order_id: str, return_id: str, metric: str, change: Change) -> ReturnView:
    order = return_store().change(order_id, change)
    entry = order.find(return_id)
    logger.info("return changed", order_id=order_id, return_id=return_id, status=entry.status.value)
    count(metric)
    return ReturnView.of(order, entry)


handler = api_handler(app, calls=["dynamodb"])

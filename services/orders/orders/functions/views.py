"""The answers of the orders API: an order as its customer sees it, pages of orders, and the operators' lists."""

from dataclasses import field
from typing import Annotated, Self

from orders.domain.attention import reasons_for_attention
from orders.domain.order import Order
from orders.domain.pricing import Breakdown, OrderLine
from orders.domain.status import CancellationReason, Canceller, OrderStatus, RejectionReason
from shared.money import Money
from shared.record import About, Record
from shared.saga import ShippingAddress


class LineView(Record):
    """A line of the order, and its price."""

    sku: str
    quantity: int
    unit_price: Money
    total: Money

    @classmethod
    def of(cls, line: OrderLine) -> Self:
        """The customer's view of `line`."""
        return cls(sku=line.sku, quantity=line.quantity, unit_price=line.unit_price, total=line.total)


class HistoryView(Record):
    """A status that the order had, and when it came into it (RFC 3339, UTC)."""

    status: OrderStatus
    at: str


class OrderView(Record):
    """An order as its customer sees it."""

    order_id: str
    status: OrderStatus
    lines: list[LineView]
    breakdown: Breakdown
    total: Annotated[Money, About(description="The amount that is charged: the breakdown's total")]
    shipping_address: Annotated[
        ShippingAddress, About(description="Only the country is left once the personal data are erased")
    ]
    placed_at: str
    history: list[HistoryView]
    rejection_reason: RejectionReason | None = None
    cancelled_by: Annotated[
        Canceller | None,
        About(description="The requester of the cancellation; `payment` if the money could not be taken"),
    ] = None
    cancellation_reason: CancellationReason | None = None
    tracking_reference: Annotated[
        str | None, About(description="The carrier's reference, once the parcel is on its way")
    ] = None
    payment_issues: Annotated[
        list[str],
        About(
            description="What is wrong with the money, as codes: `refund_failed`, `refund_requires_action`, "
            "`disputed`, `dispute_lost`; later versions may add values",
            examples=[["refund_failed"]],
            json_schema_extra={"default": []},
        ),
    ] = field(default_factory=list)
    erased_at: Annotated[str | None, About(description="When the customer's personal data were erased")] = (
        None
    )

    @classmethod
    def of(cls, order: Order) -> Self:
        """The customer's view of `order`, without its internal parts (token, fingerprint, parked state)."""
        return cls(
            order_id=order.order_id,
            status=order.status,
            lines=[LineView.of(line) for line in order.lines],
            breakdown=order.breakdown,
            total=order.total,
            shipping_address=order.shipping_address,
            placed_at=order.placed_at,
            history=[HistoryView(status=entry.status, at=entry.at) for entry in order.history],
            rejection_reason=order.rejection_reason,
            cancelled_by=order.cancelled_by,
            cancellation_reason=order.cancelled_by.reason if order.cancelled_by else None,
            tracking_reference=order.tracking_reference,
            payment_issues=order.open_issues,
            erased_at=order.erased_at,
        )


class AttentionEntry(Record):
    """An order that needs something yet, its status, and since when it waits (RFC 3339, UTC)."""

    order_id: str
    customer_id: str
    status: OrderStatus
    since: str
    uncollected: Annotated[
        bool,
        About(
            description="The parcel has left, and its money could not be taken: resuming tries the capture again"
        ),
    ] = False
    payment_issues: Annotated[
        list[str],
        About(
            description="What is wrong with the money, as codes",
            examples=[["refund_failed"]],
            json_schema_extra={"default": []},
        ),
    ] = field(default_factory=list)
    reasons: Annotated[
        list[str],
        About(
            description="What failed, with the name of its error, or what the order waits for: `decision`, `undoing`, "
            "`capture` or `dispatch`; later versions may add values",
            examples=[["void_payment: ProviderUnavailable"]],
            json_schema_extra={"default": []},
        ),
    ] = field(default_factory=list)

    @classmethod
    def of(cls, order: Order) -> Self:
        """The entry of `order`."""
        return cls(
            order_id=order.order_id,
            customer_id=order.customer_id,
            status=order.status,
            since=(order.payment_issues_since or order.since) if order.is_unsettled else order.since,
            uncollected=order.is_uncollected,
            payment_issues=order.open_issues,
            reasons=reasons_for_attention(order),
        )


class Attention(Record):
    """The orders that need an operator, the longest waiting first, and of the late ones the reminded first.

    A list of `limit` entries may not be complete."""

    parked: Annotated[
        list[AttentionEntry],
        About(
            description="A step could not be undone, or the money not taken; "
            "`POST /orders/{order_id}/resume` tries again"
        ),
    ]
    stuck: Annotated[
        list[AttentionEntry],
        About(description="In an open status for too long; the reconciler ends them by itself"),
    ]
    late: Annotated[
        list[AttentionEntry],
        About(
            description="Confirmed, and not fulfilled in time; the reconciler requests the fulfilment again, once a day"
        ),
    ]
    unsettled: Annotated[
        list[AttentionEntry],
        About(
            description="At its end, and a refund failed later, or the customer's bank disputes the payment. "
            "`POST /orders/{order_id}/resume` says that an operator has settled it"
        ),
    ]


class OrderPage(Record):
    """A page of orders, newest first; `next` is the cursor of the following page, null on the last."""

    orders: list[OrderView]
    next: str | None = None


class PlacedOrder(Record):
    """An order in the shop's list: how far it is, and nothing about its customer."""

    order_id: str
    status: OrderStatus
    since: Annotated[str, About(description="When the order came into its status")]
    placed_at: str
    pieces: Annotated[int, About(description="The pieces of all its lines", examples=[2])]
    total: Money

    @classmethod
    def of(cls, order: Order) -> Self:
        """The entry of `order`."""
        return cls(
            order_id=order.order_id,
            status=order.status,
            since=order.since,
            placed_at=order.placed_at,
            pieces=sum(line.quantity for line in order.lines),
            total=order.total,
        )


class PlacedOrderPage(Record):
    """A page of the orders of a day, newest first; `next` is the cursor of the following page, null on the last.

    If a status is asked for, a page can be shorter than its limit, or empty, while more follow."""

    day: Annotated[str, About(description="The day of the list, in UTC", examples=["2026-03-02"])]
    orders: list[PlacedOrder]
    next: str | None = None

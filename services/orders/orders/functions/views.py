"""The answers of the orders API: an order as its customer sees it, a page of orders, and the operators' lists."""

from typing import Self

from pydantic import BaseModel, Field

from orders.domain.order import Order
from orders.domain.pricing import Breakdown
from orders.domain.status import CancellationReason, Canceller, OrderStatus, RejectionReason
from shared.money import Money
from shared.saga import ShippingAddress


class LineView(BaseModel):
    """A line of the order, and its price."""

    sku: str
    quantity: int
    unit_price: Money
    total: Money


class HistoryView(BaseModel):
    """A status that the order had, and when it came into it (RFC 3339, UTC)."""

    status: OrderStatus
    at: str


class OrderView(BaseModel):
    """An order as its customer sees it."""

    order_id: str
    status: OrderStatus
    lines: list[LineView]
    breakdown: Breakdown
    total: Money = Field(description="The amount that is charged: the breakdown's total")
    shipping_address: ShippingAddress = Field(
        description="Only the country is left once the personal data are erased"
    )
    placed_at: str
    history: list[HistoryView]
    rejection_reason: RejectionReason | None = None
    cancelled_by: Canceller | None = Field(
        default=None,
        description="The requester of the cancellation; `payment` if the money could not be taken",
    )
    cancellation_reason: CancellationReason | None = None
    tracking_reference: str | None = Field(
        default=None, description="The carrier's reference, once the parcel is on its way"
    )
    payment_issues: list[str] = Field(
        default=[],
        description="What is wrong with the money, as codes: `refund_failed`, `refund_requires_action`, `disputed`, "
        "`dispute_lost`; later versions may add values",
        examples=[["refund_failed"]],
    )
    erased_at: str | None = Field(default=None, description="When the customer's personal data were erased")

    @classmethod
    def of(cls, order: Order) -> Self:
        """The customer's view of `order`, without its internal parts (token, fingerprint, parked state)."""
        return cls(
            order_id=order.order_id,
            status=order.status,
            lines=[LineView(**line.model_dump(), total=line.total) for line in order.lines],
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


class AttentionEntry(BaseModel):
    """An order that needs something yet, its status, and since when it waits (RFC 3339, UTC)."""

    order_id: str
    customer_id: str
    status: OrderStatus
    since: str
    uncollected: bool = Field(
        default=False,
        description="The parcel has left, and its money could not be taken: resuming tries the capture again",
    )

    payment_issues: list[str] = Field(
        default=[], description="What is wrong with the money, as codes", examples=[["refund_failed"]]
    )

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
        )


class Attention(BaseModel):
    """The orders that need an operator, the longest waiting first, and of the late ones the reminded first.

    A list of `limit` entries may not be complete."""

    parked: list[AttentionEntry] = Field(
        description="A step could not be undone, or the money not taken; `POST /orders/{order_id}/resume` tries again"
    )
    stuck: list[AttentionEntry] = Field(
        description="In an open status for too long; the reconciler ends them by itself"
    )
    late: list[AttentionEntry] = Field(
        description="Confirmed, and not fulfilled in time; the reconciler requests the fulfilment again, once a day"
    )
    unsettled: list[AttentionEntry] = Field(
        description="At its end, and a refund failed later, or the customer's bank disputes the payment. "
        "`POST /orders/{order_id}/resume` says that an operator has settled it"
    )


class OrderPage(BaseModel):
    """A page of orders, newest first; `next` is the cursor of the following page, null on the last."""

    orders: list[OrderView]
    next: str | None = None

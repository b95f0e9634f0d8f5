"""The answers of the returns API: a return, all returns of an order, and the operators' list."""

from typing import Annotated, Self

from returns.domain.order_returns import OrderReturns, Return
from returns.domain.pieces import PieceLine, lines_of
from returns.domain.status import RefusalReason, ReturnReason, ReturnStatus
from shared.money import Money
from shared.record import About, Record


class HistoryView(Record):
    """A status that the return had, and when it came into it (RFC 3339, UTC)."""

    status: ReturnStatus
    at: str


class ReturnView(Record):
    """A return of some pieces of an order."""

    return_id: Annotated[str, About(examples=["ret_3f1d8a526b7e5c1e8f432f7a0c9f2d99"])]
    order_id: Annotated[str, About(examples=["ord_5b0c8a526b7e5c1e8f432f7a0c9f2d11"])]
    status: ReturnStatus
    reason: ReturnReason
    lines: Annotated[list[PieceLine], About(description="The pieces that the customer announced")]
    history: list[HistoryView]
    refusal: Annotated[RefusalReason | None, About(description="Why the shop refused it")] = None
    tracking_reference: Annotated[
        str | None, About(description="The reference on the label of the parcel, once it is booked")
    ] = None
    expires_at: Annotated[
        str | None, About(description="When an accepted return ends if its pieces have not arrived")
    ] = None
    restocked: Annotated[
        list[PieceLine] | None, About(description="After the inspection: for sale again, and paid back")
    ] = None
    written_off: Annotated[
        list[PieceLine] | None,
        About(description="After the inspection: paid back, and not for sale any more"),
    ] = None
    not_accepted: Annotated[
        list[PieceLine] | None, About(description="After the inspection: arrived, and not paid back")
    ] = None
    refund: Annotated[Money | None, About(description="What is paid back, known after the inspection")] = None

    @classmethod
    def of(cls, order: OrderReturns, entry: Return) -> Self:
        """The view of a return of `order`."""
        findings = entry.findings
        return cls(
            return_id=entry.return_id,
            order_id=order.order_id,
            status=entry.status,
            reason=entry.reason,
            lines=entry.lines,
            history=[HistoryView(status=change.status, at=change.at) for change in entry.history],
            refusal=entry.refusal,
            tracking_reference=entry.tracking_reference,
            expires_at=entry.expires_at,
            restocked=findings.restocked if findings else None,
            written_off=findings.written_off if findings else None,
            not_accepted=findings.not_accepted if findings else None,
            refund=entry.refund,
        )


class OrderReturnsView(Record):
    """The returns of a fulfilled order, and the pieces that can still be returned."""

    order_id: str
    returnable: Annotated[list[PieceLine], About(description="The pieces that are in no return")]
    returnable_until: Annotated[
        str, About(description="Until when they can be returned", examples=["2026-04-01T09:30:00.125Z"])
    ]
    returns: Annotated[list[ReturnView], About(description="In the order in which they were requested")]

    @classmethod
    def of(cls, order: OrderReturns, until: str) -> Self:
        """The view of `order`, whose pieces can be returned `until` then."""
        return cls(
            order_id=order.order_id,
            returnable=lines_of(order.returnable),
            returnable_until=until,
            returns=[ReturnView.of(order, entry) for entry in order.returns],
        )


class ReturnPage(Record):
    """A page of returns."""

    returns: list[ReturnView]
    next: Annotated[str | None, About(description="The `cursor` of the next page; null on the last one")] = (
        None
    )

"""The provider's report on a refund or a dispute, as its event shows it."""

from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field

from payments.domain.provider_event import Id, Lenient, ProviderEvent
from payments.domain.report import DISPUTE, REFUND, Report

REPORTED_TYPES: Mapping[str, str] = {
    **dict.fromkeys(("refund.created", "refund.updated", "refund.failed", "charge.refund.updated"), REFUND),
    **dict.fromkeys(
        (
            "charge.dispute.created",
            "charge.dispute.updated",
            "charge.dispute.closed",
            "charge.dispute.funds_withdrawn",
            "charge.dispute.funds_reinstated",
        ),
        DISPUTE,
    ),
}
"""The types of events that report on a refund or a dispute."""


class _Reported(Lenient):
    """A refund or a dispute, as its event shows it."""

    id: Id
    payment_intent: Id | None = None
    status: Id | None = None
    amount: Annotated[int, Field(ge=0, le=10**15)]
    # Ours for a refund that we asked for. A dispute, or a refund by hand, has no order here.
    metadata: dict[str, str] | None = None


class ProviderReport(BaseModel):
    """A report in an event: the refund or dispute (`subject`), its intent, and the order if the event names it."""

    model_config = ConfigDict(frozen=True)

    subject: str
    reference: str
    order_id: str | None
    report: Report

    @classmethod
    def in_event(cls, event: ProviderEvent) -> Self | None:
        """The report in the event; None if the event is of another type, or its object belongs to no intent.

        Raises pydantic's ValidationError if the event is of a known type and cannot be read.
        """
        kind = REPORTED_TYPES.get(event.type)
        if kind is None:
            return None
        shown = _Reported.model_validate(event.data.object)
        if shown.payment_intent is None:
            return None
        metadata = shown.metadata or {}
        report = Report(
            kind=kind,
            status=shown.status or "",
            amount=shown.amount,
            reported_at=event.created,
            return_id=metadata.get("return_id") if kind == REFUND else None,
        )
        order_id = metadata.get("order_id")
        return cls(subject=shown.id, reference=shown.payment_intent, order_id=order_id, report=report)

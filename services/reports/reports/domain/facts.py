"""The facts that a week's report is made of.

A fact is an event that happened once and never changes. An order was placed, confirmed or rejected; money was paid
back; returned pieces were accepted. So facts may arrive in any order and more than once. A later cancellation changes
no week that is over: it is a fact of its own week.
"""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field

from reports.domain.week import Week
from shared.events import Event
from shared.money import Money


class _EventData(BaseModel):
    """The part of an event's data that this service reads; it ignores the rest."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)


class Line(_EventData):
    """A product of an order, its quantity, and the price of one piece."""

    sku: Annotated[str, Field(min_length=1)]
    quantity: Annotated[int, Field(ge=1)]
    unit_price: Money


class Pieces(_EventData):
    """Pieces of a product that came back."""

    sku: Annotated[str, Field(min_length=1)]
    quantity: Annotated[int, Field(ge=1)]


class Kind(StrEnum):
    """The types of events about an order."""

    PLACED = "order.placed"
    CONFIRMED = "order.confirmed"
    REJECTED = "order.rejected"
    CANCELLED = "order.cancelled"
    FULFILLED = "order.fulfilled"
    REFUNDED = "payment.refunded"
    RETURN_REFUNDED = "payment.return_refunded"
    RETURN_INSPECTED = "return.inspected"

    @property
    def is_refund(self) -> bool:
        """Whether the provider paid money back."""
        return self in {self.REFUNDED, self.RETURN_REFUNDED}


_AMOUNTS = {Kind.REFUNDED: "amount", Kind.RETURN_REFUNDED: "amount", Kind.RETURN_INSPECTED: "refund"}


class Fact(_EventData):
    """An event about an order.

    `amount` is the order's total, the amount that was paid back, or what an inspection granted. `returned` are the
    pieces that an inspection accepted, for sale again or not.
    """

    event_id: str
    kind: Kind
    order_id: Annotated[str, Field(min_length=1)]
    occurred_at: datetime
    amount: Money
    lines: tuple[Line, ...] = ()
    reason: str | None = None
    returned: tuple[Pieces, ...] | None = None

    @property
    def week(self) -> Week:
        """The week in which it happened."""
        return Week.of(self.occurred_at)

    @property
    def weekday(self) -> int:
        """The day on which it happened, in UTC; 0 is Monday."""
        return self.occurred_at.astimezone(UTC).weekday()

    @classmethod
    def from_event(cls, event: Event) -> Self:
        """The fact in `event`; raises pydantic.ValidationError if data is missing."""
        kind = Kind(event.event_type)
        data = _facts_in(event)
        return cls.model_validate(
            {
                "event_id": event.event_id,
                "kind": kind,
                "order_id": data.get("order_id"),
                "occurred_at": event.occurred_at,
                "amount": data.get(_AMOUNTS.get(kind, "total")),
                # Only a confirmation's lines are sales.
                "lines": data.get("lines") if kind is Kind.CONFIRMED else (),
                "reason": data.get("reason") if kind is Kind.REJECTED else None,
                "returned": (
                    [*data.get("restocked", []), *data.get("written_off", [])]
                    if kind is Kind.RETURN_INSPECTED
                    else None
                ),
            }
        )


class ProductVersion(_EventData):
    """A product at the end of the week in which it last changed."""

    sku: Annotated[str, Field(min_length=1)]
    name: str
    active: bool
    version: Annotated[int, Field(ge=1)]


class LowStock(_EventData):
    """The available stock of a sku fell to its threshold or below."""

    sku: Annotated[str, Field(min_length=1)]
    available: int
    threshold: int


def _facts_in(event: Event) -> dict[str, Any]:
    if (event.event_type, event.event_version) != (Kind.PLACED, 1):
        return event.data
    # Version 1 has the whole order inside. The archive has it permanently, so every rebuild reads it.
    order = event.data.get("order")
    return order if isinstance(order, dict) else {}

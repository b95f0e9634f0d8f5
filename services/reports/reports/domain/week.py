"""Weeks, and the facts that a week's report is made of, without AWS.

A fact is something that happened once and is never changed: an order was placed, confirmed, rejected; money went back.
So facts may come in any order and more than once, and a week that is over stays what it was: an order that is cancelled
in a later week is a fact of that week.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field

from shared.errors import PermanentError
from shared.events import Event
from shared.money import Money

DAYS = 7
_WEEK = re.compile(r"(\d{4})-W(\d{2})", re.ASCII)


class NoSuchWeek(PermanentError):
    """What was asked for is no ISO week, which is written 2026-W10."""


class WeekNotOver(PermanentError):
    """The week has not ended yet, so its report would change; it can be made from the Monday after it."""


@dataclass(frozen=True, order=True)
class Week:
    """An ISO 8601 week, from Monday 00:00 UTC until the next Monday 00:00 UTC."""

    year: int
    number: int

    def __str__(self) -> str:
        return f"{self.year}-W{self.number:02}"

    @classmethod
    def named(cls, name: str) -> Self:
        """The week that ISO 8601 writes as `name`; raises NoSuchWeek."""
        found = _WEEK.fullmatch(name)
        try:
            if not found:
                raise NoSuchWeek(f"{name} is no week: write it as 2026-W10.")
            date.fromisocalendar(int(found[1]), int(found[2]), 1)
        except ValueError as error:
            raise NoSuchWeek(f"There is no week {name}: {error}.") from error
        return cls(int(found[1]), int(found[2]))

    @classmethod
    def of(cls, moment: datetime) -> Self:
        """The week that `moment` is in."""
        calendar = moment.astimezone(UTC).isocalendar()
        return cls(calendar.year, calendar.week)

    @classmethod
    def before(cls, moment: datetime) -> Self:
        """The last week that is over at `moment`."""
        return cls.of(moment - timedelta(days=DAYS))

    @property
    def days(self) -> list[date]:
        """Monday to Sunday."""
        return [date.fromisocalendar(self.year, self.number, day + 1) for day in range(DAYS)]

    @property
    def end(self) -> datetime:
        """The first moment after it."""
        return datetime.combine(self.days[-1] + timedelta(days=1), time(tzinfo=UTC))

    def check_over(self, now: datetime) -> None:
        """Raises WeekNotOver before its end."""
        if now < self.end:
            raise WeekNotOver(f"{self} ends on {self.days[-1]}; its report can be made from the day after.")


class _Read(BaseModel):
    """Base of what is read of events: this much, whatever else they tell."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)


class Line(_Read):
    """How many of a product, at what price each."""

    sku: Annotated[str, Field(min_length=1)]
    quantity: Annotated[int, Field(ge=1)]
    unit_price: Money


class Kind(StrEnum):
    """What may happen to an order, as its events name it."""

    PLACED = "order.placed"
    CONFIRMED = "order.confirmed"
    REJECTED = "order.rejected"
    CANCELLED = "order.cancelled"
    FULFILLED = "order.fulfilled"
    REFUNDED = "payment.refunded"


class Fact(_Read):
    """Something that happened to an order. `amount` is what it costs or, of a refund, what went back."""

    event_id: str
    kind: Kind
    order_id: Annotated[str, Field(min_length=1)]
    occurred_at: datetime
    amount: Money
    lines: tuple[Line, ...] = ()
    reason: str | None = None

    @property
    def week(self) -> Week:
        """The week that it belongs to."""
        return Week.of(self.occurred_at)

    @property
    def weekday(self) -> int:
        """0 on a Monday, in UTC."""
        return self.occurred_at.astimezone(UTC).weekday()

    @classmethod
    def told_by(cls, event: Event) -> Self:
        """The fact that `event` tells; raises pydantic.ValidationError when it tells too little."""
        kind = Kind(event.event_type)
        facts = _placed_order(event.data) if kind is Kind.PLACED else event.data
        return cls.model_validate(
            {
                "event_id": event.event_id,
                "kind": kind,
                "order_id": facts.get("order_id"),
                "occurred_at": event.occurred_at,
                "amount": facts.get("amount" if kind is Kind.REFUNDED else "total"),
                # Only a confirmation's lines are sales.
                "lines": facts.get("lines") if kind is Kind.CONFIRMED else (),
                "reason": facts.get("reason") if kind is Kind.REJECTED else None,
            }
        )


class ProductVersion(_Read):
    """A product as it was at the end of the week in which it last changed."""

    sku: Annotated[str, Field(min_length=1)]
    name: str
    active: bool
    version: Annotated[int, Field(ge=1)]


class LowStock(_Read):
    """No more of a sku was available than its threshold says."""

    sku: Annotated[str, Field(min_length=1)]
    available: int
    threshold: int


def _placed_order(data: dict[str, Any]) -> dict[str, Any]:
    order = data.get("order")
    return order if isinstance(order, dict) else {}

"""The rules of exporting orders: which data of an order are exported, in which form, and how far a page goes.

An export holds no personal data: it leaves the shop, so nothing in it could be erased if a customer asks for that. The
customer's id stays; it identifies nobody once the account is closed. An order of release 0.7.0 or earlier has no
country here, until the order changes or `make rebuild PROJECTION=orders-countries` was run.
"""

import json
import math
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from enum import StrEnum
from itertools import islice
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from orders.domain.order import Order
from shared.errors import PermanentError
from shared.money import Money
from shared.spreadsheets import csv_row
from shared.text import Form

PAGE_ORDERS = 500
"""The orders of a page, unless that made more pages than FULL_PAGES."""
PAGE_DAYS = 31
"""The most days that a page looks through, so that a quiet year does not keep a function busy for long."""
FULL_PAGES = 500
"""The most pages that an export has because of its orders. Each page adds events to the history of the execution,
and Step Functions ends an execution with 25,000 events. So an export of more orders has larger pages."""
MAX_ORDERS = 10_000_000
"""The most orders of an export: 20,000 on a page, which take about half a minute of the function's five."""

COLUMNS = (
    "order_id",
    "placed_at",
    "status",
    "customer_id",
    "country",
    "lines",
    "currency",
    "lines_amount",
    "shipping_amount",
    "tax_rate_basis_points",
    "tax_amount",
    "total_amount",
    "rejection_reason",
    "returned_pieces",
    "returns_refunded_amount",
)


class ExportTooLarge(PermanentError):
    """The period has more orders than one export takes."""


class ExportFormat(StrEnum):
    """The form of an export: a table for spreadsheets, or one JSON object a line."""

    CSV = "csv"
    JSONL = "jsonl"

    @property
    def content_type(self) -> str:
        """The file's media type."""
        return {self.CSV: "text/csv; charset=utf-8", self.JSONL: "application/jsonl"}[self]

    @property
    def head(self) -> str:
        """The text before the first order."""
        return csv_row(COLUMNS) if self is self.CSV else ""

    def written(self, order: Order) -> str:
        """The order as one line. Amounts are in minor units; moments are RFC 3339 in UTC."""
        if self is self.CSV:
            return csv_row(_cells(order))
        return json.dumps(_entry(order), separators=(",", ":"), ensure_ascii=False) + "\n"


class Period(BaseModel):
    """The days, in UTC, whose orders are exported; both are among them. `from` and `to` on the wire."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    first_day: Annotated[date, Field(alias="from")]
    last_day: Annotated[date, Field(alias="to")]
    format: ExportFormat

    @model_validator(mode="after")
    def _is_a_period(self) -> Self:
        if self.last_day < self.first_day:
            raise ValueError("a period ends after it starts")
        return self


class Place(BaseModel):
    """Where a page starts: its number, a day, and after which order of that day (none: with the day's first).

    `orders` is how many orders the period had when the export began; None before they are counted.
    """

    model_config = ConfigDict(frozen=True)

    number: Annotated[int, Field(ge=1)]
    day: Annotated[str, Form(r"^([0-9]{4}-[0-9]{2}-[0-9]{2})?$", "Write a day as YYYY-MM-DD")] = ""
    after: str = ""
    orders: int | None = None

    def day_in(self, period: Period) -> date:
        """The day on which the page starts: the period's first, unless it names another."""
        return date.fromisoformat(self.day) if self.day else period.first_day

    def with_orders(self, period: Period, count_on: Callable[[date], int]) -> Self:
        """The same place, with the number of the period's orders. `count_on` counts a day's orders.

        Raises ExportTooLarge as soon as it has counted too many.
        """
        orders = 0
        for day in _days(period.first_day, period.last_day):
            orders += count_on(day)
            if orders > MAX_ORDERS:
                raise ExportTooLarge(
                    f"There are more than {MAX_ORDERS:,} orders in the period; export it in several parts."
                )
        return self.model_copy(update={"orders": orders})

    def after_day(self, day: date) -> Self:
        """Where the next page starts when this one ends with `day`."""
        following = (day + timedelta(days=1)).isoformat()
        return self.model_copy(update={"number": self.number + 1, "day": following, "after": ""})

    def after_order(self, day: date, placement: str) -> Self:
        """Where the next page starts when this one ends in the middle of `day`."""
        return self.model_copy(update={"number": self.number + 1, "day": day.isoformat(), "after": placement})


def page_of(
    period: Period, start: Place, placed_on: Callable[[date, str], Iterator[tuple[str, str]]], size: int
) -> tuple[list[str], Place | None]:
    """The ids of up to `size` orders of the page that starts at `start`, and the next page's start, or None at the end.

    `placed_on` reads a day's orders after a placement, in the order of time: the placement and the order's id of each.
    """
    ids: list[str] = []
    for day in islice(_days(start.day_in(period), period.last_day), PAGE_DAYS):
        after = start.after if day == start.day_in(period) else ""
        # One more than the page holds shows whether the day goes on.
        found = list(islice(placed_on(day, after), size - len(ids) + 1))
        taken = found[: size - len(ids)]
        ids += [order_id for _, order_id in taken]
        if len(found) > len(taken):
            last = taken[-1][0] if taken else after
            return ids, start.after_order(day, last)
    return ids, start.after_day(day) if day < period.last_day else None


def page_orders(orders: int) -> int:
    """How many orders a page of an export of `orders` has at most."""
    return max(PAGE_ORDERS, math.ceil(orders / FULL_PAGES))


def _days(first: date, last: date) -> Iterator[date]:
    """The days from `first` to `last`."""
    for number in range((last - first).days + 1):
        yield first + timedelta(days=number)


def _cells(order: Order) -> tuple[str | int, ...]:
    bill = order.breakdown
    return (
        order.order_id,
        order.placed_at,
        order.status.value,
        order.customer_id,
        order.shipping_address.country,
        "; ".join(f"{line.quantity} x {line.sku}" for line in order.lines),
        order.total.currency,
        bill.lines.amount,
        bill.shipping.amount,
        bill.tax.rate_basis_points,
        bill.tax.amount.amount,
        order.total.amount,
        order.rejection_reason.value if order.rejection_reason else "",
        _returned_pieces(order),
        _refunded(order),
    )


def _entry(order: Order) -> dict[str, Any]:
    return {
        "order_id": order.order_id,
        "placed_at": order.placed_at,
        "status": order.status.value,
        "customer_id": order.customer_id,
        "country": order.shipping_address.country or None,
        "lines": [line.model_dump() for line in order.lines],
        "breakdown": order.breakdown.model_dump(),
        "total": order.total.model_dump(),
        "rejection_reason": order.rejection_reason.value if order.rejection_reason else None,
        "returned_pieces": _returned_pieces(order),
        "returns_refunded": Money(amount=_refunded(order), currency=order.total.currency).model_dump(),
    }


def _returned_pieces(order: Order) -> int:
    """The pieces that came back and were accepted, by all returns of the order."""
    return sum(each.pieces for each in order.returned.values())


def _refunded(order: Order) -> int:
    """The money that went back for returns, in minor units."""
    return sum(each.refunded for each in order.returned.values())

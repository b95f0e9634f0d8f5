"""Erasing a customer's personal data from their orders, a page at a time, and closing the account to new orders.

A placement that was under way while the account was closed may reach the index only after the last page was read. So
the orders are read once more, when every such placement is over and the index has caught up.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from orders.domain.order import Order
from shared.clock import timestamp
from shared.events import Event

PAGE = 50

# Longer than a placement can take (its function's timeout is 10 s), and than an index lags behind its table.
SETTLED_AFTER = timedelta(seconds=60)

type _Position = dict[str, str]
"""Where a page of a customer's orders ended; only the store reads it."""


class Orders(Protocol):
    """The orders of customers."""

    def close_account(self, customer_id: str, moment: str, /) -> str:
        """Refuses the customer's placements from now on; returns since when."""

    def orders_of_customer(
        self, customer_id: str, limit: int, after: _Position | None, /
    ) -> tuple[list[Order], _Position | None]:
        """A page of the customer's orders, and the position after it, or None at the end."""

    def change(self, order_id: str, change: Callable[[Order], tuple[Order, list[Event]]], /) -> Order:
        """Stores the order as `change` makes it."""


@dataclass(frozen=True)
class NextPage:
    """Where the erasure goes on (None: from the beginning), and how long it waits before that."""

    after: _Position | None
    delay: timedelta = timedelta(0)


def erase_page(
    customer_id: str, after: _Position | None, orders: Orders, now: datetime
) -> tuple[int, NextPage | None]:
    """Closes the account and erases one page of its orders; a repeat changes nothing.

    Returns how many orders of the page were not erased before, and where to go on, or None if the erasure is complete.
    """
    closed_at = orders.close_account(customer_id, timestamp(now))
    page, position = orders.orders_of_customer(customer_id, PAGE, after)
    for order in page:
        orders.change(order.order_id, lambda current: current.erase(now))
    erased = sum(order.erased_at is None for order in page)
    if position:
        return erased, NextPage(position)
    if now - datetime.fromisoformat(closed_at) < SETTLED_AFTER:
        return erased, NextPage(None, SETTLED_AFTER)
    return erased, None

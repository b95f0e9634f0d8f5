"""Which orders need somebody's attention: the parked ones, those under way for longer than it takes, and those that are
confirmed and not fulfilled in time."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Annotated

from pydantic import Field

from orders.adapters.order_store import OrderStore
from orders.domain.order import Order
from shared.environment import LambdaEnvironment


class Patience(LambdaEnvironment):
    """How long an order may be under way in one status, and how long it may wait for its fulfilment.

    The first is longer than a saga takes whose steps work at their second or third try. One that takes longer is looked
    at, and left alone while it runs. The second is longer than packing takes, and the retries of a capture.
    """

    overdue_after_seconds: Annotated[int, Field(gt=0)]
    late_after_seconds: Annotated[int, Field(gt=0)]


def overdue_before(now: datetime) -> datetime:
    """Since before when an order must be under way in its status to be overdue `now`."""
    return now - timedelta(seconds=Patience.load().overdue_after_seconds)


def late_before(now: datetime) -> datetime:
    """Since before when an order must be confirmed to be late `now`."""
    return now - timedelta(seconds=Patience.load().late_after_seconds)


def still(store: OrderStore, order_ids: list[str], condition: Callable[[Order], bool]) -> Iterator[Order]:
    """The orders as last written that meet `condition` now: the index that named them lags behind the table."""
    for order_id in order_ids:
        order = store.find(order_id)
        if order is not None and condition(order):
            yield order

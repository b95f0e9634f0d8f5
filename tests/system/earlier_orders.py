"""The orders of earlier tests, which may outlast their test: a later test that changes what all share waits for them.

If each test waited for its own orders, most of those waits would help no other test. So the blocks of
`tests.system.trouble` wait instead, once a test, for the orders that were placed before the test began.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from orders.adapters.order_store import OrderStore
from orders.domain.order import Order
from shared.clock import timestamp, utc_now
from shared.dynamo import from_item
from tools.stack import Stack
from tools.waiting import NotInTime, wait_for

from .parcels import hand_over

# SQS holds a parcel's message back for so long at most. What stands still for longer is not on its way.
_LONGEST_PACKING = timedelta(minutes=15)
_SECONDS = 120


@dataclass
class _Tests:
    """What the tests of this process know of each other."""

    present_began: datetime = field(default_factory=utc_now)
    present_is_alone: bool = False
    # No test waits if earlier orders are stuck on purpose.
    some_wait: bool = True
    # One test fails for an order that does not come to its end, and no other waits for it again.
    given_up: set[str] = field(default_factory=set)
    handed_over: set[str] = field(default_factory=set)


_tests = _Tests()


def a_test_begins() -> None:
    """From now on, all orders up to now are those of earlier tests."""
    _tests.present_began, _tests.present_is_alone = utc_now(), False


def wait_for_none() -> None:
    """From now on, no test waits for the orders of earlier tests, which may never come to their end."""
    _tests.some_wait = False


def await_earlier_orders(stack: Stack) -> None:
    """Returns once no order of an earlier test is on its way; raises NotInTime with the ids of such orders.

    A parcel that an earlier test held back goes to the carrier now.
    """
    if _tests.present_is_alone or not _tests.some_wait:
        return
    _tests.present_is_alone = True
    under_way: set[str] = set()

    def none() -> bool:
        orders = [order for order in _under_way(stack) if order.order_id not in _tests.given_up]
        for order in orders:
            if not order.status.is_open and order.order_id not in _tests.handed_over:
                hand_over(stack, order.order_id)
                _tests.handed_over.add(order.order_id)
        under_way.clear()
        under_way.update(order.order_id for order in orders)
        return not under_way

    try:
        wait_for(none, "the end of what earlier tests ordered", seconds=_SECONDS)
    except NotInTime as error:
        _tests.given_up |= under_way
        error.add_note(f"On their way: {', '.join(sorted(under_way))}")
        raise


def _under_way(stack: Stack) -> list[Order]:
    """The orders from before the present test that are open, or confirmed and not fulfilled yet."""
    dynamodb, table = stack.client("dynamodb"), stack.resource("OrdersTable")
    pages = dynamodb.get_paginator("scan").paginate(TableName=table, IndexName="by-attention")
    entries = [from_item(item) for page in pages for item in page["Items"]]
    moved_since = timestamp(utc_now() - _LONGEST_PACKING)
    ids = [entry["pk"] for entry in entries if entry["attention_since"] > moved_since]
    before = timestamp(_tests.present_began)
    return [
        order
        for order in OrderStore(dynamodb, table).find_all(ids, consistent=True)
        if order.placed_at < before and (order.status.is_open or order.status.value == "confirmed")
    ]

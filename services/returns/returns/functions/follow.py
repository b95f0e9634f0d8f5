"""Follows the events of other services: fulfilled orders, booked labels, paid refunds and closed accounts.

The events may come in any order, late and more than once. `OrderReturns` decides whether one still changes anything.
"""

from typing import Annotated

from returns.dependencies import return_store
from returns.domain.order_returns import OrderReturns
from returns.domain.pieces import BoughtLine
from shared.clock import utc_now
from shared.consumer import consumer_handler
from shared.events import Event
from shared.money import Money
from shared.observability import count
from shared.record import About, Personal, Record


class Cost(Record):
    """The part of an order's price that its lines do not have."""

    shipping: Money


class OrderFulfilled(Record):
    """The part of `order.fulfilled` that this consumer reads."""

    order_id: str
    customer_id: Annotated[str, About(min_length=1), Personal.ACCOUNT_ID]
    lines: list[BoughtLine]
    breakdown: Cost


class LabelBooked(Record):
    """The part of `shipment.return_booked` that this consumer reads."""

    order_id: str
    return_id: str
    tracking_reference: Annotated[str, About(min_length=1)]


class ReturnRefunded(Record):
    """The part of `payment.return_refunded` that this consumer reads."""

    order_id: str
    return_id: str
    amount: Money


def fulfilled(event: Event) -> None:
    """Records what was bought, from now on to be returned; a repeat changes nothing. Raises WriteConflict."""
    order = OrderFulfilled.model_validate(event.data)
    return_store().add(
        OrderReturns(
            order_id=order.order_id,
            customer_id=order.customer_id,
            bought=order.lines,
            shipping=order.breakdown.shipping,
            fulfilled_at=event.occurred_at,
        )
    )


def label_booked(event: Event) -> None:
    """Records the label of a return that waits for one.

    Raises WriteConflict, after which the queue delivers the event again, and ReturnUnknown, which no retry mends.
    """
    label = LabelBooked.model_validate(event.data)
    return_store().change(
        label.order_id,
        lambda order: order.record_label(label.return_id, label.tracking_reference, utc_now()),
    )
    count("ReturnLabelsRecorded")


def refunded(event: Event) -> None:
    """Records that a return's money was paid back.

    Raises as `label_booked`, and RefundUnexpected for a refund that no inspection asked for; no retry mends that.
    """
    refund = ReturnRefunded.model_validate(event.data)
    return_store().change(
        refund.order_id, lambda order: order.record_refund(refund.return_id, refund.amount, utc_now())
    )
    count("ReturnsRefunded")


def close_account(event: Event) -> None:
    """Withdraws the undecided returns of a deleted user, and refuses new ones; a repeat does the rest.

    Accepted returns go on: their pieces may be on the way, and their money goes back.
    """
    customer_id, now = event.aggregate_id, utc_now()
    # First the mark, then the search: the mark refuses later requests, and the search finds earlier ones. The queue
    # delays each message until the index has followed the table.
    return_store().close_account(customer_id, now)
    for order in return_store().all_of_customer(customer_id):
        if order.withdraw_undecided(now)[0] is not order:
            return_store().change(order.order_id, lambda current: current.withdraw_undecided(now))
            count("ReturnsWithdrawnByErasure")


handler = consumer_handler(
    {
        "order.fulfilled": fulfilled,
        "shipment.return_booked": label_booked,
        "payment.return_refunded": refunded,
        "user.deleted": close_account,
    }
)

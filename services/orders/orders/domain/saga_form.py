"""An order as the state machines carry it."""

from typing import TYPE_CHECKING

from orders.domain.personal_data import erased_address
from shared.saga import SagaLine, SagaOrder

if TYPE_CHECKING:
    from orders.domain.order import Order


def for_saga(order: "Order") -> SagaOrder:
    """The order as its saga carries it: everything that a step needs."""
    return SagaOrder(
        order_id=order.order_id,
        customer_id=order.customer_id,
        correlation_id=order.correlation_id,
        lines=[
            SagaLine(sku=line.sku, quantity=line.quantity, unit_price=line.unit_price) for line in order.lines
        ],
        total=order.total,
        shipping_address=order.shipping_address,
        payment_token=order.payment_token,
    )


def for_cancellation(order: "Order") -> SagaOrder:
    """The order as its cancellation carries it: undoing needs neither the address nor the payment token."""
    return for_saga(order).model_copy(
        update={"shipping_address": erased_address(order.shipping_address), "payment_token": ""}  # nosec B105 - it is removed
    )

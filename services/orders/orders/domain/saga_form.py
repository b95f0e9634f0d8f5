"""An order as the state machines carry it."""

from typing import TYPE_CHECKING

from shared.saga import SagaLine, SagaOrder

if TYPE_CHECKING:
    from orders.domain.order import Order


def for_saga(order: "Order") -> SagaOrder:
    """The order as its saga and its cancellation carry it: without its address and its payment token."""
    return SagaOrder(
        order_id=order.order_id,
        customer_id=order.customer_id,
        correlation_id=order.correlation_id,
        lines=[
            SagaLine(sku=line.sku, quantity=line.quantity, unit_price=line.unit_price) for line in order.lines
        ],
        total=order.total,
    )

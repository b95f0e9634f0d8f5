"""The rules of an order, without AWS: which status may follow which, and what is told of it.

An order's status changes only through the methods of `Order`, each of which refuses when the change may not happen and
returns the changed order together with the events that tell of it.

    placed ──► confirmed ──► fulfilled                    its money is taken, and its parcel has left
      │ │          │ ▲
      │ │          ▼ │ refused: the parcel was gone
      │ │      cancelling ──► cancelled                   undone by the cancellation, or else parked
      │ │
      │ └────► cancelling ──► cancelled                   undone by the saga, whose confirmation is refused
      ├──────► abandoned ──► rejected                     abandoned: the saga gave up; a late confirmation is refused
      └──────► rejected

placed, abandoned and cancelling may also become parked: something could not be undone, and an operator takes over. Once
that is mended the order is resumed: it is abandoned, or cancelling if its cancellation was asked for, and everything of
it is undone once more. The same happens, without an operator, to an order that lost what should have ended it.
abandoned may also become cancelling.

Here stand the placement and the decision; `undoing` has what takes an order back, `fulfilment` what follows its
confirmation. The prices and the total of an order are `pricing`'s; what may be asked for is `placement`'s.
"""

from datetime import datetime
from typing import Self
from uuid import UUID, uuid5

from orders.domain.events import OrderConfirmed, OrderPlaced
from orders.domain.fulfilment import FulfillableOrder
from orders.domain.order_request import OrderRequest
from orders.domain.pricing import Breakdown, Price
from orders.domain.record import StatusChange
from orders.domain.status import (
    AccountClosed,
    CancellationReason,
    Canceller,
    CannotBeCancelled,
    CannotBeResumed,
    IllegalTransition,
    OrderStatus,
    RejectionReason,
    reason_of,
)
from orders.domain.undoing import BEING_UNDONE
from shared.clock import timestamp
from shared.events import Event
from shared.saga import ShippingAddress

__all__ = [
    "AccountClosed",
    "CancellationReason",
    "Canceller",
    "CannotBeCancelled",
    "CannotBeResumed",
    "IllegalTransition",
    "Order",
    "OrderStatus",
    "RejectionReason",
    "StatusChange",
    "order_id_for",
    "reason_of",
]

# Order ids derive from this, the customer and the idempotency key (RFC 9562, version 5); it must never change.
_ORDER_ID_NAMESPACE = UUID("6f1c0d52-6a0e-5d59-9d0c-6d3b0a6d7f11")


class Order(FulfillableOrder):
    """An order, from its placement to its end. `version` counts its changes and orders its events."""

    @classmethod
    def place(
        cls,
        request: OrderRequest,
        prices: dict[str, Price],
        *,
        customer_id: str,
        idempotency_key: str,
        correlation_id: str,
        now: datetime,
    ) -> tuple[Self, list[Event]]:
        """The order for `request` at `prices` (by sku), and its `order.placed`.

        Raises DuplicateSku, UnknownSku (also for a product no longer sold), MixedCurrencies or CurrencyNotServed.
        """
        lines = request.lines_at(prices)
        order = cls(
            order_id=order_id_for(customer_id, idempotency_key),
            customer_id=customer_id,
            status=OrderStatus.PLACED,
            lines=lines,
            breakdown=Breakdown.of(lines, request.shipping_address.country),
            shipping_address=ShippingAddress.model_validate(request.shipping_address.model_dump()),
            payment_token=request.payment_token,
            request_fingerprint=request.fingerprint(),
            correlation_id=correlation_id,
            placed_at=timestamp(now),
            version=1,
            history=[StatusChange(status=OrderStatus.PLACED, at=timestamp(now))],
        )
        placed = order._event(OrderPlaced(order=order.for_saga()), now)
        return order, [placed]

    def confirm(self, now: datetime) -> tuple[Self, list[Event]]:
        """The order stands. Changes nothing when it was confirmed before, whatever became of it since.

        Raises IllegalTransition when it was given up, or cancelled, before it was confirmed.
        """
        if self.was_confirmed:
            return self, []
        confirmed = self._changed(OrderStatus.CONFIRMED, now, allowed={OrderStatus.PLACED})
        return confirmed, [confirmed._telling(OrderConfirmed, now)]

    def abandon(self, now: datetime) -> tuple[Self, list[Event]]:
        """The saga gives up, so that no late confirmation can take effect while it compensates.

        Changes nothing when it was given up before, when its cancellation was asked for, which refuses a confirmation
        as well, or when the confirmation took effect first: see `was_confirmed`.
        """
        if self.was_confirmed or self.status in BEING_UNDONE:
            return self, []
        return self._changed(OrderStatus.ABANDONED, now, allowed={OrderStatus.PLACED}), []


def order_id_for(customer_id: str, idempotency_key: str) -> str:
    """The id of the order that `customer_id` places under `idempotency_key`: the same at every retry."""
    return f"ord_{uuid5(_ORDER_ID_NAMESPACE, f'{customer_id}:{idempotency_key}').hex}"

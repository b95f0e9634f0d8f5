"""The rules of an order, without AWS: which status may follow which, and what is told of it.

An order's status changes only through the methods of `Order`, each of which refuses when the change may not happen and
returns the changed order together with the events that tell of it.

    placed ──► confirmed ──► cancelling ──► cancelled     undone by the cancellation, or else parked
      │ │
      │ └────► cancelling ──► cancelled                   undone by the saga, whose confirmation is refused
      ├──────► abandoned ──► rejected                     abandoned: the saga gave up; a late confirmation is refused
      └──────► rejected

placed, abandoned and cancelling may also become parked: something could not be undone, and an operator takes over. Once
that is mended the order is resumed: it is abandoned, or cancelling if its cancellation was asked for, and everything of
it is undone once more. The same happens, without an operator, to an order that lost what should have ended it.
abandoned may also become cancelling. The prices and the total of an order are `pricing`'s; what may be asked for is
`placement`'s.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any, Self
from uuid import UUID, uuid5

from pydantic import BaseModel, ConfigDict, computed_field

from orders.placement import OrderRequest
from orders.pricing import Breakdown, OrderLine, Price
from orders.privacy import erased_address, without_personal_data
from shared.clock import timestamp
from shared.errors import Conflict, Forbidden, PermanentError
from shared.events import Event
from shared.money import Money
from shared.saga import SagaLine, SagaOrder, ShippingAddress

# Order ids derive from this, the customer and the idempotency key (RFC 9562, version 5); it must never change.
_ORDER_ID_NAMESPACE = UUID("6f1c0d52-6a0e-5d59-9d0c-6d3b0a6d7f11")


class OrderStatus(StrEnum):
    """Where an order stands."""

    PLACED = "placed"
    CONFIRMED = "confirmed"
    ABANDONED = "abandoned"
    CANCELLING = "cancelling"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    PARKED = "parked"

    @property
    def is_open(self) -> bool:
        """Whether something is under way that ends the order: by itself it does not stay in this status."""
        return self in {self.PLACED, self.ABANDONED, self.CANCELLING}


class RejectionReason(StrEnum):
    """Why an order could not stand, as the customer is told."""

    OUT_OF_STOCK = "out_of_stock"
    PAYMENT_DECLINED = "payment_declined"
    ADDRESS_NOT_SERVED = "address_not_served"
    TECHNICAL_FAILURE = "technical_failure"


class Canceller(StrEnum):
    """Who asked for an order's cancellation."""

    CUSTOMER = "customer"
    ADMIN = "admin"


# The names under which the saga's steps fail for a business reason; anything else is a technical failure.
_REASON_OF_ERROR = {
    "OutOfStock": RejectionReason.OUT_OF_STOCK,
    "CardDeclined": RejectionReason.PAYMENT_DECLINED,
    "AddressNotServed": RejectionReason.ADDRESS_NOT_SERVED,
}

_BEING_UNDONE = {OrderStatus.ABANDONED, OrderStatus.CANCELLING}


class CannotBeCancelled(Conflict):
    """The order's status does not allow its cancellation."""

    code = "cannot-be-cancelled"


class CannotBeResumed(Conflict):
    """The order is not parked, so there is nothing to resume."""

    code = "cannot-be-resumed"


class AccountClosed(Forbidden):
    """The account was deleted; its token is valid for a while yet, but orders nothing any more."""

    code = "account-closed"


class IllegalTransition(PermanentError):
    """The order's status does not allow the change."""


class _Model(BaseModel):
    # An error that is logged must not repeat personal data.
    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)


class StatusChange(_Model):
    """An entry of the order's history."""

    status: OrderStatus
    at: str


class Order(_Model):
    """An order. `version` counts its changes and orders its events."""

    order_id: str
    customer_id: str
    status: OrderStatus
    lines: list[OrderLine]
    breakdown: Breakdown
    shipping_address: ShippingAddress
    payment_token: str
    request_fingerprint: str
    correlation_id: str
    placed_at: str
    version: int
    history: list[StatusChange]
    rejection_reason: RejectionReason | None = None
    cancelled_by: Canceller | None = None
    failed_because: RejectionReason | None = None
    parked_state: str | None = None
    resumptions: int = 0
    resumed_at: str | None = None
    erased_at: str | None = None

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
        placed = order._event("order.placed", now, {"order": order.for_saga().model_dump(mode="json")})
        return order, [placed]

    @computed_field  # type: ignore[prop-decorator]
    @property
    def total(self) -> Money:
        """What the customer is charged."""
        return self.breakdown.total

    @property
    def was_confirmed(self) -> bool:
        """Whether the order was confirmed, whatever became of it since: then the saga has nothing more to undo."""
        return any(entry.status is OrderStatus.CONFIRMED for entry in self.history)

    @property
    def since(self) -> str:
        """When the order came into its status, or was resumed in it."""
        return max(self.history[-1].at, self.resumed_at or "")

    @property
    def is_being_resumed(self) -> bool:
        """Whether a resumption is under way."""
        return self.status.is_open and self.resumptions > 0

    @property
    def is_undone_by_cancellation(self) -> bool:
        """Whether the cancellation's state machine ends the order, now that it is open; otherwise its saga does."""
        confirmed_once = self.status is OrderStatus.CANCELLING and self.was_confirmed
        return confirmed_once or self.is_being_resumed

    @property
    def undoing_name(self) -> str:
        """The name of the cancellation's execution: the order's id, and at each resumption another one."""
        return f"{self.order_id}-{self.resumptions}" if self.resumptions else self.order_id

    def confirm(self, now: datetime) -> tuple[Self, list[Event]]:
        """The order stands. Changes nothing when it was confirmed before, even if it is being cancelled since.

        Raises IllegalTransition when it was given up, or cancelled, before it was confirmed.
        """
        if self.was_confirmed:
            return self, []
        confirmed = self._changed(OrderStatus.CONFIRMED, now, allowed={OrderStatus.PLACED})
        return confirmed, [confirmed._event("order.confirmed", now, confirmed._facts())]

    def abandon(self, now: datetime) -> tuple[Self, list[Event]]:
        """The saga gives up, so that no late confirmation can take effect while it compensates.

        Changes nothing when it was given up before, when its cancellation was asked for, which refuses a confirmation
        as well, or when the confirmation took effect first: see `was_confirmed`.
        """
        if self.was_confirmed or self.status in _BEING_UNDONE:
            return self, []
        return self._changed(OrderStatus.ABANDONED, now, allowed={OrderStatus.PLACED}), []

    def reject(self, reason: RejectionReason, now: datetime) -> tuple[Self, list[Event]]:
        """The order cannot stand, and the saga has undone it; one whose cancellation was asked for is cancelled.

        Changes nothing when it was rejected or cancelled before; raises IllegalTransition when it was ever confirmed.
        """
        if self.was_confirmed:
            raise IllegalTransition(f"order {self.order_id} was confirmed, so it cannot become rejected")
        if self.status is OrderStatus.REJECTED:
            return self, []
        if self.status in {OrderStatus.CANCELLING, OrderStatus.CANCELLED}:
            return self.cancel(now)
        return self._rejected(reason, now)

    def request_cancellation(self, by: Canceller, now: datetime) -> tuple[Self, list[Event]]:
        """The customer, or an admin for them, wants the order no more. Changes nothing when that was said before.

        Before the confirmation the saga does the rest: its confirmation is refused from now on, so it undoes what it
        has done. Afterwards `order.cancellation_requested` starts what undoes the order. Raises CannotBeCancelled.
        """
        if self.status in {OrderStatus.CANCELLING, OrderStatus.CANCELLED}:
            return self, []
        allowed = {OrderStatus.PLACED, OrderStatus.ABANDONED, OrderStatus.CONFIRMED}
        if self.status not in allowed:
            raise CannotBeCancelled(f"The order is {self.status.value}, so it cannot be cancelled.")
        cancelling = self._changed(OrderStatus.CANCELLING, now, allowed=allowed, cancelled_by=by)
        if not self.was_confirmed:
            return cancelling, []
        return cancelling, [cancelling._event("order.cancellation_requested", now, cancelling._told(by))]

    def cancel(self, now: datetime) -> tuple[Self, list[Event]]:
        """Everything of the order is undone: it is cancelled if that was asked for. An order that was resumed for
        another reason is rejected instead, for the reason its saga gave up.

        Changes nothing when it was cancelled before, or rejected at the end of a resumption.
        """
        if self.status is OrderStatus.CANCELLED or (self.status is OrderStatus.REJECTED and self.resumptions):
            return self, []
        if self.status is OrderStatus.ABANDONED and self.resumptions:
            return self._rejected(self.failed_because or RejectionReason.TECHNICAL_FAILURE, now)
        cancelled = self._changed(
            OrderStatus.CANCELLED, now, allowed={OrderStatus.CANCELLING}, parked_state=None
        )
        return cancelled, [cancelled._event("order.cancelled", now, cancelled._told(self.cancelled_by))]

    def park(
        self, state: str, now: datetime, *, saga_failed: RejectionReason | None = None
    ) -> tuple[Self, list[Event]]:
        """Something could not be undone; `state`, the whole state of what undid it as JSON, is kept for whoever
        resumes it, without the personal data if those are erased. `saga_failed` is why the saga gave up, if it parks.

        Changes nothing when it was parked, nor when the order is final: then only the answer of the step that made it
        so was lost, and there is nothing to resume. Nor does a saga park what is another's by now: an order that was
        confirmed is undone by its cancellation, and one that is resumed by its resumption.
        """
        if not self.status.is_open:
            return self, []
        if saga_failed and (self.was_confirmed or self.resumptions):
            return self, []
        parked = self._changed(
            OrderStatus.PARKED,
            now,
            allowed={OrderStatus.PLACED, *_BEING_UNDONE},
            parked_state=without_personal_data(state) if self.erased_at else state,
            failed_because=saga_failed or self.failed_because,
        )
        return parked, [parked._event("order.parked", now, parked._facts())]

    def resume(self, now: datetime) -> tuple[Self, list[Event]]:
        """What parked the order is mended, so everything of it is undone once more: `order.resumption_requested`
        starts that. It ends in `cancel`, or parked again.

        Changes nothing while it is being resumed; raises CannotBeResumed when it is not parked.
        """
        if self.is_being_resumed:
            return self, []
        if self.status is not OrderStatus.PARKED:
            raise CannotBeResumed(f"The order is {self.status.value}, so there is nothing to resume.")
        return self._resumed(now)

    def take_over(self, now: datetime) -> tuple[Self, list[Event]]:
        """What should have ended the order is gone: its resumption does so instead, by undoing everything of it.

        Changes nothing when the order is final or parked, or being resumed.
        """
        if not self.status.is_open or self.resumptions:
            return self, []
        return self._resumed(now)

    def erase(self, now: datetime) -> tuple[Self, list[Event]]:
        """The order without its customer's personal data, whatever its status; changes nothing the second time.

        What accounting needs stays: ids, lines, amounts, the country that the tax is due in, and the history. The
        fingerprint goes too, since it is a hash of the address among other things.
        """
        if self.erased_at:
            return self, []
        erased = self.model_copy(
            update={
                "version": self.version + 1,
                "shipping_address": erased_address(self.shipping_address),
                "payment_token": "",
                "request_fingerprint": "",
                "parked_state": without_personal_data(self.parked_state) if self.parked_state else None,
                "erased_at": timestamp(now),
            }
        )
        return erased, []

    def for_saga(self) -> SagaOrder:
        """The order as the saga carries it."""
        return SagaOrder(
            order_id=self.order_id,
            customer_id=self.customer_id,
            correlation_id=self.correlation_id,
            lines=[SagaLine.model_validate(line.model_dump()) for line in self.lines],
            total=self.total,
            shipping_address=self.shipping_address,
            payment_token=self.payment_token,
        )

    def for_cancellation(self) -> SagaOrder:
        """The order as its cancellation carries it: undoing needs neither the address nor the payment token."""
        return self.for_saga().model_copy(
            update={"shipping_address": erased_address(self.shipping_address), "payment_token": ""}
        )

    def _rejected(self, reason: RejectionReason, now: datetime) -> tuple[Self, list[Event]]:
        rejected = self._changed(
            OrderStatus.REJECTED,
            now,
            allowed={OrderStatus.PLACED, OrderStatus.ABANDONED},
            rejection_reason=reason,
            parked_state=None,
        )
        return rejected, [
            rejected._event("order.rejected", now, {**rejected._facts(), "reason": reason.value})
        ]

    def _resumed(self, now: datetime) -> tuple[Self, list[Event]]:
        status = OrderStatus.CANCELLING if self.cancelled_by else OrderStatus.ABANDONED
        resumed = self._changed(
            status,
            now,
            allowed={OrderStatus.PARKED, OrderStatus.PLACED, *_BEING_UNDONE},
            resumptions=self.resumptions + 1,
            resumed_at=timestamp(now),
        )
        return resumed, [resumed._event("order.resumption_requested", now, resumed._facts())]

    def _changed(
        self, status: OrderStatus, now: datetime, *, allowed: set[OrderStatus], **values: Any
    ) -> Self:
        if self.status not in allowed:
            raise IllegalTransition(f"order {self.order_id} is {self.status}, so it cannot become {status}")
        entered = [] if status is self.status else [StatusChange(status=status, at=timestamp(now))]
        return self.model_copy(
            update={
                "status": status,
                "version": self.version + 1,
                "history": [*self.history, *entered],
                **values,
            }
        )

    def _facts(self) -> dict[str, Any]:
        return {
            "order_id": self.order_id,
            "customer_id": self.customer_id,
            "status": self.status.value,
            "lines": [line.model_dump(mode="json") for line in self.lines],
            "breakdown": self.breakdown.model_dump(mode="json"),
            "total": self.total.model_dump(),
        }

    def _told(self, by: Canceller | None) -> dict[str, Any]:
        return {**self._facts(), "by": by.value if by else None}

    def _event(self, event_type: str, now: datetime, data: dict[str, Any]) -> Event:
        return Event.of(
            event_type,
            aggregate_id=self.order_id,
            aggregate_version=self.version,
            occurred_at=now,
            correlation_id=self.correlation_id,
            data=data,
        )


def order_id_for(customer_id: str, idempotency_key: str) -> str:
    """The id of the order that `customer_id` places under `idempotency_key`: the same at every retry."""
    return f"ord_{uuid5(_ORDER_ID_NAMESPACE, f'{customer_id}:{idempotency_key}').hex}"


def reason_of(error_name: str) -> RejectionReason:
    """Why an order whose saga failed with the error named `error_name` is rejected."""
    return _REASON_OF_ERROR.get(error_name, RejectionReason.TECHNICAL_FAILURE)

"""What is written down of an order, and how a change of it is made; which may happen is the subclasses' to say."""

from datetime import datetime
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, computed_field

from orders.domain.events import OrderFacts
from orders.domain.pricing import Breakdown, OrderLine
from orders.domain.privacy import erased_address, without_personal_data
from orders.domain.status import Canceller, IllegalTransition, OrderStatus, RejectionReason
from shared.clock import timestamp
from shared.events import Event, Payload
from shared.money import Money
from shared.saga import SagaLine, SagaOrder, ShippingAddress


class _Model(BaseModel):
    # An error that is logged must not repeat personal data.
    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)


class StatusChange(_Model):
    """An entry of the order's history."""

    status: OrderStatus
    at: str


class OrderRecord(_Model):
    """An order. `version` counts its changes and orders its events; `payment_version` is the version of the order's
    payment in the last event that was heard of it."""

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
    cancellation_refused_at: str | None = None
    failed_because: RejectionReason | None = None
    parked_state: str | None = None
    resumptions: int = 0
    resumed_at: str | None = None
    payment_version: int = 0
    captured_at: str | None = None
    capture_failed_at: str | None = None
    dispatched_at: str | None = None
    tracking_reference: str | None = None
    reminded_at: str | None = None
    erased_at: str | None = None

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
    def is_reminded(self) -> bool:
        """Whether its fulfilment was asked for again since the order came into its status."""
        return self.reminded_at is not None and self.reminded_at > self.since

    @property
    def unheard_since(self) -> str:
        """Since when nothing was asked of anybody: since the order came into its status, or was reminded of in it."""
        return max(self.since, self.reminded_at or "")

    @property
    def parcel_is_gone(self) -> bool:
        """Whether the parcel is known to be on its way, by its own event or since a cancellation failed on it."""
        return self.dispatched_at is not None or self.cancellation_refused_at is not None

    @property
    def is_uncollected(self) -> bool:
        """Whether the parcel is gone and the money that was held for it could not be taken."""
        return self.parcel_is_gone and self.capture_failed_at is not None

    @property
    def is_being_resumed(self) -> bool:
        """Whether a resumption is under way."""
        return self.status.is_open and self.resumptions > 0

    @property
    def is_being_collected(self) -> bool:
        """Whether the capture that failed is tried again, which is what resumes an order whose parcel is gone."""
        return self.status is OrderStatus.CONFIRMED and self.is_uncollected

    @property
    def is_undone_by_cancellation(self) -> bool:
        """Whether the cancellation's state machine ends the order, now that it is open; otherwise its saga does."""
        confirmed_once = self.status is OrderStatus.CANCELLING and self.was_confirmed
        return confirmed_once or self.is_being_resumed

    @property
    def undoing_name(self) -> str:
        """The name of the cancellation's execution: the order's id, and at each resumption another one.

        An order is cancelled once: a cancellation that is refused is the last, since the parcel is gone.
        """
        return f"{self.order_id}-{self.resumptions}" if self.resumptions else self.order_id

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

    def _telling(self, told: type[OrderFacts], now: datetime, **more: Any) -> Event:
        """The event that the order came to this; `more` is what `told` tells beside the facts of every order."""
        payload = told(
            order_id=self.order_id,
            customer_id=self.customer_id,
            status=self.status.value,
            lines=self.lines,
            breakdown=self.breakdown,
            total=self.total,
            **more,
        )
        return self._event(payload, now)

    def _event(self, payload: Payload, now: datetime) -> Event:
        return Event.of(
            payload,
            aggregate_id=self.order_id,
            aggregate_version=self.version,
            occurred_at=now,
            correlation_id=self.correlation_id,
        )

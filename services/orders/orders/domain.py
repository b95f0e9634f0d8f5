"""The rules of an order, without AWS: what may be placed, what it costs, and which status may follow which.

An order's status changes only through the methods of `Order`, each of which refuses when the change may not happen and
returns the changed order together with the events that tell of it.

    placed ──► confirmed
      │ └────► abandoned ──► rejected        (abandoned: the saga gave up; a late confirmation is refused)
      ├──────────────────► rejected
      └──► parked ◄─────── abandoned         (parked: a compensation failed; an operator resumes it)
"""

import hashlib
import json
from datetime import datetime
from enum import StrEnum
from functools import reduce
from typing import Annotated, Any, Self
from uuid import UUID, uuid5

from pydantic import BaseModel, ConfigDict, Field

from shared.clock import timestamp
from shared.errors import FieldError, PermanentError, Unprocessable
from shared.events import Event
from shared.money import Money
from shared.saga import SagaLine, SagaOrder, ShippingAddress

# Order ids derive from this, the customer and the idempotency key (RFC 9562, version 5); it must never change.
_ORDER_ID_NAMESPACE = UUID("6f1c0d52-6a0e-5d59-9d0c-6d3b0a6d7f11")

MAX_LINES = 50
MAX_QUANTITY = 999


class OrderStatus(StrEnum):
    """Where an order stands."""

    PLACED = "placed"
    CONFIRMED = "confirmed"
    ABANDONED = "abandoned"
    REJECTED = "rejected"
    PARKED = "parked"


class RejectionReason(StrEnum):
    """Why an order could not stand, as the customer is told."""

    OUT_OF_STOCK = "out_of_stock"
    PAYMENT_DECLINED = "payment_declined"
    ADDRESS_NOT_SERVED = "address_not_served"
    TECHNICAL_FAILURE = "technical_failure"


# The names under which the saga's steps fail for a business reason; anything else is a technical failure.
_REASON_OF_ERROR = {
    "OutOfStock": RejectionReason.OUT_OF_STOCK,
    "CardDeclined": RejectionReason.PAYMENT_DECLINED,
    "AddressNotServed": RejectionReason.ADDRESS_NOT_SERVED,
}


class UnknownSku(Unprocessable):
    """A line names a product that is not sold."""

    code = "unknown-sku"


class DuplicateSku(Unprocessable):
    """Two lines name the same product."""

    code = "duplicate-sku"


class MixedCurrencies(Unprocessable):
    """The lines' prices are in different currencies."""

    code = "mixed-currencies"


class IdempotencyKeyReused(Unprocessable):
    """The same Idempotency-Key came with another body."""

    code = "idempotency-key-reused"


class IllegalTransition(PermanentError):
    """The order's status does not allow the change."""


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True)


class _Request(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


class LineRequest(_Request):
    """What a client asks for on one line."""

    sku: Annotated[str, Field(min_length=1, max_length=64, examples=["TEA-GREEN-100"])]
    quantity: Annotated[int, Field(ge=1, le=MAX_QUANTITY, strict=True)]


class AddressRequest(_Request):
    """Where the client wants the parcel to go."""

    name: Annotated[str, Field(min_length=1, max_length=100)]
    line1: Annotated[str, Field(min_length=1, max_length=100)]
    line2: Annotated[str, Field(min_length=1, max_length=100)] | None = None
    city: Annotated[str, Field(min_length=1, max_length=100)]
    postal_code: Annotated[str, Field(min_length=1, max_length=20)]
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$", description="ISO 3166-1 alpha-2 code")]


class OrderRequest(_Request):
    """The body of `POST /orders`. It holds no price: prices are the server's own."""

    lines: Annotated[list[LineRequest], Field(min_length=1, max_length=MAX_LINES)]
    shipping_address: AddressRequest
    payment_token: Annotated[str, Field(min_length=1, max_length=255, examples=["pm_card_visa"])]

    def fingerprint(self) -> str:
        """A hash of the body's meaning, to tell a retry from another order under the same key."""
        canonical = json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()


class Price(_Model):
    """What orders knows of a product: the projection of `product.changed`."""

    sku: str
    price: Money
    active: bool
    version: int


class OrderLine(_Model):
    """A line of a placed order, with the price it was placed at."""

    sku: str
    quantity: int
    unit_price: Money

    @property
    def total(self) -> Money:
        """What the line costs."""
        return self.unit_price * self.quantity


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
    total: Money
    shipping_address: ShippingAddress
    payment_token: str
    request_fingerprint: str
    correlation_id: str
    placed_at: str
    version: int
    history: list[StatusChange]
    rejection_reason: RejectionReason | None = None
    parked_state: str | None = None

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

        Raises DuplicateSku, UnknownSku (also for a product no longer sold) or MixedCurrencies.
        """
        _refuse_duplicates(request)
        _refuse_unknown(request, prices)
        lines = [
            OrderLine(sku=line.sku, quantity=line.quantity, unit_price=prices[line.sku].price)
            for line in request.lines
        ]
        if len({line.unit_price.currency for line in lines}) > 1:
            raise MixedCurrencies("One order is paid in one currency; order these products separately.")
        order = cls(
            order_id=order_id_for(customer_id, idempotency_key),
            customer_id=customer_id,
            status=OrderStatus.PLACED,
            lines=lines,
            total=reduce(Money.__add__, (line.total for line in lines)),
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

    def confirm(self, now: datetime) -> tuple[Self, list[Event]]:
        """The order stands. Changes nothing when it already does; raises IllegalTransition when it was given up."""
        if self.status is OrderStatus.CONFIRMED:
            return self, []
        confirmed = self._changed(OrderStatus.CONFIRMED, now, allowed={OrderStatus.PLACED})
        return confirmed, [confirmed._event("order.confirmed", now, confirmed._facts())]

    def abandon(self, now: datetime) -> tuple[Self, list[Event]]:
        """The saga gives up, so that no late confirmation can take effect while it compensates.

        Changes nothing when it was given up before, or when the confirmation took effect first: look at the status.
        """
        if self.status in {OrderStatus.CONFIRMED, OrderStatus.ABANDONED}:
            return self, []
        return self._changed(OrderStatus.ABANDONED, now, allowed={OrderStatus.PLACED}), []

    def reject(self, reason: RejectionReason, now: datetime) -> tuple[Self, list[Event]]:
        """The order cannot stand. Changes nothing when it was rejected; raises IllegalTransition when it stands."""
        if self.status is OrderStatus.REJECTED:
            return self, []
        rejected = self._changed(
            OrderStatus.REJECTED,
            now,
            allowed={OrderStatus.PLACED, OrderStatus.ABANDONED},
            rejection_reason=reason,
        )
        return rejected, [
            rejected._event("order.rejected", now, {**rejected._facts(), "reason": reason.value})
        ]

    def park(self, state: str, now: datetime) -> tuple[Self, list[Event]]:
        """Something could not be undone; `state`, the saga's whole state as JSON, is kept for whoever resumes it.

        Changes nothing when it was parked, nor when the order is final: then only the answer of the step that made it
        so was lost, and there is nothing to resume.
        """
        if self.status in {OrderStatus.PARKED, OrderStatus.CONFIRMED, OrderStatus.REJECTED}:
            return self, []
        parked = self._changed(
            OrderStatus.PARKED, now, allowed={OrderStatus.PLACED, OrderStatus.ABANDONED}, parked_state=state
        )
        return parked, [parked._event("order.parked", now, parked._facts())]

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

    def _changed(
        self, status: OrderStatus, now: datetime, *, allowed: set[OrderStatus], **values: Any
    ) -> Self:
        if self.status not in allowed:
            raise IllegalTransition(f"order {self.order_id} is {self.status}, so it cannot become {status}")
        history = [*self.history, StatusChange(status=status, at=timestamp(now))]
        return self.model_copy(
            update={"status": status, "version": self.version + 1, "history": history, **values}
        )

    def _facts(self) -> dict[str, Any]:
        return {
            "order_id": self.order_id,
            "customer_id": self.customer_id,
            "status": self.status.value,
            "lines": [line.model_dump(mode="json") for line in self.lines],
            "total": self.total.model_dump(),
        }

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


def _refuse_duplicates(request: OrderRequest) -> None:
    skus = [line.sku for line in request.lines]
    errors = [
        FieldError(f"/body/lines/{position}/sku", "appears on an earlier line; add up the quantities")
        for position, sku in enumerate(skus)
        if sku in skus[:position]
    ]
    if errors:
        raise DuplicateSku("A product may appear on one line only.", errors)


def _refuse_unknown(request: OrderRequest, prices: dict[str, Price]) -> None:
    errors = [
        FieldError(f"/body/lines/{position}/sku", "no such product is sold")
        for position, line in enumerate(request.lines)
        if line.sku not in prices or not prices[line.sku].active
    ]
    if errors:
        raise UnknownSku("The order names products that are not sold.", errors)

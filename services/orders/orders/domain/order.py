"""The rules of an order, from its placement to its end; no AWS, no clock, no I/O.

An order changes only through the methods of `Order`. Each of them returns the changed order together with its events,
or refuses. If there is nothing to change, it returns the same order and no event. `transitions.TRANSITIONS` says which
status allows which change. `pricing` has the prices and the total, `order_request` what a client may ask for.
"""

import json
from dataclasses import field
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Self
from uuid import UUID, uuid5

from orders.domain import events
from orders.domain.personal_data import erased_address, without_personal_data
from orders.domain.pricing import Breakdown, OrderLine, Price
from orders.domain.saga_form import for_saga
from orders.domain.status import (
    Canceller,
    CannotBeCancelled,
    CannotBeResumed,
    IllegalTransition,
    OrderStatus,
    RejectionReason,
)
from orders.domain.transitions import TRANSITIONS, Command
from shared.clock import timestamp
from shared.events import Event, Payload
from shared.money import Money
from shared.record import Personal, Record
from shared.saga import ShippingAddress

if TYPE_CHECKING:
    from orders.domain.order_request import OrderRequest

# Order ids derive from this, the customer and the idempotency key (RFC 9562, version 5); it must never change.
_ORDER_ID_NAMESPACE = UUID("6f1c0d52-6a0e-5d59-9d0c-6d3b0a6d7f11")
_ORDER_ID_BEGINNING = "ord_"


class StatusChange(Record):
    """An entry of the order's history."""

    status: OrderStatus
    at: str


class OrderReturn(Record):
    """One return of an order. `pieces` were accepted, for sale again or not; `refunded` is in minor units.

    Each is 0 until its event comes: the inspection's, and the refund's. They come in any order.
    """

    pieces: int = 0
    refunded: int = 0


class Order(Record):
    """An order. `version` counts its changes and orders its events; `payment_version` is the version of the order's
    payment in the last event that orders received about it. `payment_token` is empty once the order is decided."""

    order_id: str
    customer_id: Annotated[str, Personal.ACCOUNT_ID]
    status: OrderStatus
    lines: list[OrderLine]
    breakdown: Breakdown
    shipping_address: ShippingAddress
    payment_token: Annotated[str, Personal.PAYMENT_TOKEN]
    request_fingerprint: Annotated[str, Personal.DIGEST]
    correlation_id: str
    placed_at: str
    version: int
    history: list[StatusChange]
    rejection_reason: RejectionReason | None = None
    cancelled_by: Canceller | None = None
    cancellation_refused_at: str | None = None
    failed_because: RejectionReason | None = None
    parked_state: Annotated[str | None, Personal.ACCOUNT_ID] = None
    resumptions: int = 0
    resumed_at: str | None = None
    payment_version: int = 0
    captured_at: str | None = None
    capture_failed_at: str | None = None
    dispatched_at: str | None = None
    tracking_reference: str | None = None
    reminded_at: str | None = None
    erased_at: str | None = None
    # The payment's issues by the latest event about them, since when, and the issues that an operator has settled. Each
    # is `kind:id` with the provider's id of its refund or dispute; an event of an earlier release names kinds alone.
    payment_issues: list[str] = field(default_factory=list)
    payment_issues_version: int = 0
    payment_issues_since: str | None = None
    settled_issues: list[str] = field(default_factory=list)
    # By the id of the return.
    returned: dict[str, OrderReturn] = field(default_factory=dict)

    # Facts that follow from the fields.

    @property
    def total(self) -> Money:
        """The amount that the customer is charged."""
        return self.breakdown.total

    @property
    def confirmed_at(self) -> str | None:
        """When the order was confirmed first; None if it never was."""
        return next((entry.at for entry in self.history if entry.status is OrderStatus.CONFIRMED), None)

    @property
    def was_confirmed(self) -> bool:
        """Whether the order was ever confirmed: then its saga has nothing more to undo."""
        return self.confirmed_at is not None

    @property
    def since(self) -> str:
        """When the order came into its status, or was resumed in it."""
        return max(self.history[-1].at, self.resumed_at or "")

    @property
    def is_reminded(self) -> bool:
        """Whether the reconciler has acted on the order since it came into its status."""
        return self.reminded_at is not None and self.reminded_at > self.since

    @property
    def waiting_since(self) -> str:
        """Since when the order waits without a reminder: since it came into its status, or since the last one."""
        return max(self.since, self.reminded_at or "")

    @property
    def parcel_is_gone(self) -> bool:
        """Whether the parcel has left: shipping said so, or a cancellation failed on it."""
        return self.dispatched_at is not None or self.cancellation_refused_at is not None

    @property
    def is_uncollected(self) -> bool:
        """Whether the parcel has left and the money that was held for it could not be taken."""
        return self.parcel_is_gone and self.capture_failed_at is not None

    @property
    def open_issues(self) -> list[str]:
        """The kinds of the payment's issues that no operator has settled yet: a refund that failed, a dispute."""
        unsettled = set(self.payment_issues) - set(self.settled_issues)
        return sorted({issue.partition(":")[0] for issue in unsettled})

    @property
    def is_unsettled(self) -> bool:
        """Whether the order has come to its end, and its payment still has an issue."""
        return self.status.is_final and bool(self.open_issues)

    @property
    def is_being_resumed(self) -> bool:
        """Whether a resumption is under way."""
        return self.status.is_open and self.resumptions > 0

    @property
    def is_being_collected(self) -> bool:
        """Whether the failed capture is tried again, which is how an order whose parcel has left is resumed."""
        return self.status is OrderStatus.CONFIRMED and self.is_uncollected

    @property
    def awaits_its_saga(self) -> bool:
        """Whether its saga is to decide this order: it is placed, and its personal data are not erased.

        Without its address and payment token an order can be undone, but not decided.
        """
        return self.status is OrderStatus.PLACED and not self.erased_at

    @property
    def cancellation_name(self) -> str:
        """The name of the cancellation's execution: the order's id, with a number for each resumption.

        An order is undone once: after a refused cancellation the parcel has left, so no other can follow.
        """
        return f"{self.order_id}-{self.resumptions}" if self.resumptions else self.order_id

    # The customer places the order.

    @classmethod
    def place(
        cls,
        request: "OrderRequest",
        prices: dict[str, Price],
        *,
        customer_id: str,
        idempotency_key: str,
        correlation_id: str,
        now: datetime,
    ) -> tuple[Self, list[Event]]:
        """The order for `request` at `prices` (by sku), and its `order.placed`.

        Raises DuplicateSku, UnknownSku (also for a product that is no longer sold), MixedCurrencies or
        CurrencyNotServed.
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
        return order, [order._fact(events.OrderPlaced, now)]

    # The saga decides whether the order stands.

    def confirm(self, now: datetime) -> tuple[Self, list[Event]]:
        """The order stands. Changes nothing if it was ever confirmed.

        Raises IllegalTransition if it was abandoned or cancelled before it was confirmed.
        """
        if self.was_confirmed:
            return self, []
        confirmed = self._changed(Command.CONFIRM, now)
        return confirmed, [confirmed._fact(events.OrderConfirmed, now)]

    def abandon(self, reason: RejectionReason, now: datetime) -> tuple[Self, list[Event]]:
        """The saga or the reconciler gives the order up for `reason`: from now on a confirmation is refused, and
        `order.abandoned` has the order undone.

        Changes nothing unless the order is placed: then it was confirmed first (see `was_confirmed`), or is undone.
        """
        if self.status is not OrderStatus.PLACED:
            return self, []
        abandoned = self._changed(Command.ABANDON, now, failed_because=reason)
        return abandoned, [abandoned._fact(events.OrderAbandoned, now)]

    # A cancellation takes the order back.

    def request_cancellation(self, by: Canceller, now: datetime) -> tuple[Self, list[Event]]:
        """The customer or an admin cancels the order, or its money cannot be taken. A repeat changes nothing.

        From now on a confirmation is refused. `order.cancellation_requested` has the order undone, which fails if the
        parcel has left by then: see `refuse_cancellation`. Raises CannotBeCancelled, also if the parcel is known to
        have left.
        """
        if self.status in {OrderStatus.CANCELLING, OrderStatus.CANCELLED}:
            return self, []
        if self.status not in TRANSITIONS[Command.REQUEST_CANCELLATION]:
            raise CannotBeCancelled(f"The order is {self.status.value}, so it cannot be cancelled.")
        if self.parcel_is_gone:
            raise CannotBeCancelled("The order's parcel is on its way, so it cannot be cancelled any more.")
        return self._cancelling(by, now)

    def cancel(self, now: datetime) -> tuple[Self, list[Event]]:
        """Everything of the order is undone. It is cancelled if its cancellation was requested, and rejected
        if it was abandoned. A repeat changes nothing.

        Raises IllegalTransition unless the order is being undone.
        """
        if self.status in {OrderStatus.CANCELLED, OrderStatus.REJECTED}:
            return self, []
        if self.status is OrderStatus.ABANDONED:
            reason = self.failed_because or RejectionReason.TECHNICAL_FAILURE
            rejected = self._changed(Command.REJECT, now, rejection_reason=reason, parked_state=None)
            return rejected, [rejected._fact(events.OrderRejected, now, reason=reason)]
        cancelled = self._changed(Command.CANCEL, now, parked_state=None)
        return cancelled, [cancelled._fact(events.OrderCancelled, now, by=self.cancelled_by)]

    def refuse_cancellation(self, now: datetime) -> tuple[Self, list[Event]]:
        """The parcel had left before anything was undone, so the order stands again. It is fulfilled if its money was
        taken and its dispatch recorded meanwhile.

        If the money cannot be taken, the order stays `cancelling` and its state machine parks it. Changes nothing if
        the order stands, is fulfilled or is parked. Raises IllegalTransition if no parcel of it can have left.
        """
        if self.status in {OrderStatus.CONFIRMED, OrderStatus.FULFILLED, OrderStatus.PARKED}:
            return self, []
        if not (self.status is OrderStatus.CANCELLING and self.was_confirmed):
            raise IllegalTransition(f"order {self.order_id} is {self.status}, so its parcel cannot have left")
        refused_at = self.cancellation_refused_at or timestamp(now)
        if self.capture_failed_at:
            if self.cancellation_refused_at:
                return self, []
            return self._changed(Command.RECORD, now, cancellation_refused_at=refused_at), []
        standing = self._changed(
            Command.REFUSE_CANCELLATION,
            now,
            cancellation_refused_at=refused_at,
            cancelled_by=None,
            parked_state=None,
        )
        refused = standing._fact(events.OrderCancellationRefused, now, by=self.cancelled_by)
        ended, fulfilled = standing._fulfilled_if_complete(now)
        return ended, [refused, *fulfilled]

    # Payments and shipping fulfil the order, in either order. A fact that arrives while the order is being
    # cancelled, or is parked, is recorded and counts as soon as the order stands.

    def record_capture(self, payment_version: int, now: datetime) -> tuple[Self, list[Event]]:
        """The order's money was taken, by version `payment_version` of its payment.

        Changes nothing if that is known, or if the order is final: a cancellation gives the money back. A parked order
        whose parcel has left is complete now. Raises IllegalTransition if the order was never confirmed.
        """
        self._require_confirmed("paid")
        if self.status.is_final or payment_version <= self.payment_version:
            return self, []
        return self._recorded(
            now, captured_at=timestamp(now), capture_failed_at=None, payment_version=payment_version
        )

    def record_failed_capture(self, payment_version: int, now: datetime) -> tuple[Self, list[Event]]:
        """The order's money cannot be taken: the order is cancelled, or parked if its parcel has left.

        An order that is being cancelled, or is parked, only records it. Changes nothing if a later state of the payment
        is known, or if the order is final. Raises IllegalTransition if the order was never confirmed.
        """
        self._require_confirmed("unpaid")
        if self.status.is_final or payment_version <= self.payment_version:
            return self, []
        failure: dict[str, Any] = {"capture_failed_at": timestamp(now), "payment_version": payment_version}
        if self.status is not OrderStatus.CONFIRMED:
            return self._changed(Command.RECORD, now, **failure), []
        if not self.parcel_is_gone:
            return self._cancelling(Canceller.PAYMENT, now, **failure)
        state = {
            "order": for_saga(self).model_dump(),
            "capture_failed_at": timestamp(now),
            "dispatched_at": self.dispatched_at,
        }
        return self._parked(Command.PARK_UNPAID, json.dumps(state), now, **failure)

    def record_dispatch(self, tracking_reference: str, now: datetime) -> tuple[Self, list[Event]]:
        """The order's parcel is on its way. Changes nothing if that is known.

        Raises IllegalTransition if the order was never confirmed, or is undone: shipping cancels no parcel that has
        left, and dispatches none that is cancelled.
        """
        self._require_confirmed("dispatched")
        if self.dispatched_at:
            return self, []
        return self._recorded(now, dispatched_at=timestamp(now), tracking_reference=tracking_reference)

    def record_payment_issues(
        self, payment_version: int, issues: list[str], now: datetime
    ) -> tuple[Self, list[Event]]:
        """The provider reported on the order's money, in any status: `issues` has every open one, as `kind:id`.

        Changes nothing if a later report is known.
        """
        if payment_version <= self.payment_issues_version:
            return self, []
        recorded = self._changed(
            Command.ISSUES,
            now,
            payment_issues=issues,
            payment_issues_version=payment_version,
            payment_issues_since=timestamp(now),
            settled_issues=[issue for issue in self.settled_issues if issue in issues],
        )
        return recorded, []

    def record_return(self, return_id: str, now: datetime, **known: int) -> tuple[Self, list[Event]]:
        """The accepted `pieces` of a return, or the amount `refunded` for it; changes nothing if that is known."""
        before = self.returned.get(return_id, OrderReturn())
        after = before.model_copy(update=known)
        if after == before:
            return self, []
        return self._changed(Command.RETURN, now, returned={**self.returned, return_id: after}), []

    def remind(self, now: datetime) -> tuple[Self, list[Event]]:
        """The order waits too long. If it is confirmed, `order.fulfilment_requested` asks for its fulfilment once more,
        and names the failed capture if that is tried again. If it is placed, its saga was started again: no event.

        Changes nothing in any other status.
        """
        if self.status not in TRANSITIONS[Command.REMIND]:
            return self, []
        reminded = self._changed(Command.REMIND, now, reminded_at=timestamp(now))
        if self.status is OrderStatus.PLACED:
            return reminded, []
        overcoming = self.payment_version if self.is_being_collected else None
        return reminded, [reminded._fact(events.OrderFulfilmentRequested, now, payment_version=overcoming)]

    # An operator resumes an order that could not be undone; the reconciler takes over one that lost its execution.

    def park(self, state: str, now: datetime) -> tuple[Self, list[Event]]:
        """Something could not be undone. The order stores `state` for the operator who resumes it.

        `state` is the whole state of its state machine as JSON, without personal data if they are erased. Changes
        nothing unless the order is open: then only the answer of the step that ended it was lost.
        """
        if not self.status.is_open:
            return self, []
        return self._parked(Command.PARK, state, now)

    def resume(self, now: datetime) -> tuple[Self, list[Event]]:
        """The cause is mended, so `order.resumption_requested` has everything undone once more. That ends in `cancel`,
        in `refuse_cancellation`, or parked again.

        If the parcel has left and the money could not be taken, there is nothing to undo. The order stands again, and
        `order.collection_requested` has the capture tried once more. That ends fulfilled, or parked again.

        If the order has come to its end and its payment has an issue, the operator has settled that: nothing is undone.
        Changes nothing while the order is being resumed. Raises CannotBeResumed if nothing waits for an operator.
        """
        if self.is_unsettled:
            return self._changed(Command.ISSUES, now, settled_issues=self.payment_issues), []
        if self.is_being_resumed or self.is_being_collected:
            return self, []
        if self.status is not OrderStatus.PARKED:
            raise CannotBeResumed(f"The order is {self.status.value}, so there is nothing to resume.")
        if not self.is_uncollected:
            return self._resumed(Command.RESUME_CANCELLATION if self.cancelled_by else Command.RESUME, now)
        standing = self._changed(Command.RESUME_CAPTURE, now, parked_state=None, cancelled_by=None)
        return standing, [
            standing._fact(events.OrderCollectionRequested, now, payment_version=self.payment_version)
        ]

    def take_over(self, now: datetime) -> tuple[Self, list[Event]]:
        """The execution that undoes the order has ended without an end of it, so a resumption undoes everything again.

        Changes nothing unless the order is being undone, nor while it is being resumed.
        """
        if self.status not in TRANSITIONS[Command.TAKE_OVER] or self.resumptions:
            return self, []
        return self._resumed(Command.TAKE_OVER, now)

    # The customer left.

    def erase(self, now: datetime) -> tuple[Self, list[Event]]:
        """The order without its customer's personal data, in any status. A repeat changes nothing.

        Nobody can pack a parcel without its address. So the order is cancelled, if its status allows that and its
        parcel has not left. Accounting keeps what it needs: ids, lines, amounts, the country whose tax is due, and the
        history. The fingerprint goes too, since it is a hash of the address among other things.
        """
        if self.erased_at:
            return self, []
        erased = self._changed(
            Command.ERASE,
            now,
            shipping_address=erased_address(self.shipping_address),
            payment_token="",  # nosec B106 - it is removed
            request_fingerprint="",
            parked_state=without_personal_data(self.parked_state) if self.parked_state else None,
            erased_at=timestamp(now),
        )
        if erased.parcel_is_gone or erased.status not in TRANSITIONS[Command.REQUEST_CANCELLATION]:
            return erased, []
        return erased._cancelling(Canceller.CUSTOMER, now)

    # How a change is made.

    def _changed(self, command: Command, now: datetime, **values: Any) -> Self:
        """The order's next version, in the status that `command` leads to; raises IllegalTransition.

        A decided order forgets its payment token: the money is held then, or nobody may hold it any more.
        """
        status = TRANSITIONS[command].get(self.status)
        if status is None:
            raise IllegalTransition(
                f"order {self.order_id} is {self.status}, which does not allow: {command}"
            )
        entered = [] if status is self.status else [StatusChange(status=status, at=timestamp(now))]
        return self.model_copy(
            update={
                "status": status,
                "version": self.version + 1,
                "history": [*self.history, *entered],
                "payment_token": self.payment_token if status is OrderStatus.PLACED else "",
                **values,
            }
        )

    def _cancelling(self, by: Canceller, now: datetime, **values: Any) -> tuple[Self, list[Event]]:
        cancelling = self._changed(Command.REQUEST_CANCELLATION, now, cancelled_by=by, **values)
        return cancelling, [cancelling._fact(events.OrderCancellationRequested, now, by=by)]

    def _parked(self, command: Command, state: str, now: datetime, **values: Any) -> tuple[Self, list[Event]]:
        stored = without_personal_data(state) if self.erased_at else state
        parked = self._changed(command, now, parked_state=stored, **values)
        return parked, [parked._fact(events.OrderParked, now)]

    def _resumed(self, command: Command, now: datetime) -> tuple[Self, list[Event]]:
        resumed = self._changed(command, now, resumptions=self.resumptions + 1, resumed_at=timestamp(now))
        return resumed, [resumed._fact(events.OrderResumptionRequested, now)]

    def _recorded(self, now: datetime, **values: Any) -> tuple[Self, list[Event]]:
        return self._changed(Command.RECORD, now, **values)._fulfilled_if_complete(now)

    def _fulfilled_if_complete(self, now: datetime) -> tuple[Self, list[Event]]:
        """The order, fulfilled if it allows that and both its money and its parcel are recorded.

        Both are recorded only if nothing was undone: a cancellation stops the parcel first.
        """
        allowed = self.status in TRANSITIONS[Command.FULFIL]
        if not (allowed and self.captured_at and self.dispatched_at):
            return self, []
        fulfilled = self._changed(Command.FULFIL, now, parked_state=None, cancelled_by=None)
        event = fulfilled._fact(events.OrderFulfilled, now, tracking_reference=fulfilled.tracking_reference)
        return fulfilled, [event]

    def _require_confirmed(self, claimed: str) -> None:
        if not self.was_confirmed:
            raise IllegalTransition(f"order {self.order_id} was never confirmed, so it cannot be {claimed}")

    def _fact(self, event_class: type[events.OrderFacts], now: datetime, **more: Any) -> Event:
        """The event of `event_class` about the order as it is now; `more` are its fields beyond OrderFacts."""
        payload = event_class(
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


def order_id_for(customer_id: str, idempotency_key: str) -> str:
    """The id of the order that `customer_id` places under `idempotency_key`: the same at every retry."""
    return f"{_ORDER_ID_BEGINNING}{uuid5(_ORDER_ID_NAMESPACE, f'{customer_id}:{idempotency_key}').hex}"


def is_order_id(text: str) -> bool:
    """Whether it can be the id of an order. The table has other items as well, and their keys begin otherwise."""
    return text.startswith(_ORDER_ID_BEGINNING)

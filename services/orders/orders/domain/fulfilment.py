"""What follows a confirmation: the money is taken and the parcel leaves, in either order, and both make the order
fulfilled; without AWS.

    confirmed ──captured, dispatched──► fulfilled
        │ capture failed
        ├───────► cancelling ──► cancelled                  the parcel could be stopped
        │              └───────► parked ──┐                 it could not: the shop has neither goods nor money
        └─ the parcel is known to be gone ┴─► parked        resumed: confirmed, and the capture is tried again

A cancellation that finds the parcel gone is refused: the order stands again, and is fulfilled once both are in. What is
heard while the order is being cancelled, or is parked, is remembered and counts as soon as the order stands.

An order that stays confirmed for too long is reminded of: who has not done their part of it does it then, and whose
word of it got lost says it again.
"""

import json
from datetime import datetime
from typing import Any, Self

from orders.domain.events import OrderCancellationRefused, OrderFulfilled, OrderFulfilmentRequested
from orders.domain.status import Canceller, IllegalTransition, OrderStatus
from orders.domain.undoing import UndoableOrder
from shared.clock import timestamp
from shared.events import Event


class FulfillableOrder(UndoableOrder):
    """An order with what happens to it after its confirmation."""

    def note_capture(self, payment_version: int, now: datetime) -> tuple[Self, list[Event]]:
        """The order's money was taken, by its payment's version `payment_version`.

        Changes nothing when that was known, or when the order is cancelled: its cancellation gives the money back. A
        parked order whose parcel is gone is whole by that. Raises IllegalTransition when it was never confirmed.
        """
        self._refuse_unless_confirmed("paid")
        if self.status.is_final or payment_version <= self.payment_version:
            return self, []
        return self._with(
            now, captured_at=timestamp(now), capture_failed_at=None, payment_version=payment_version
        )

    def note_dispatch(self, tracking_reference: str, now: datetime) -> tuple[Self, list[Event]]:
        """The order's parcel is on its way. Changes nothing when that was known.

        Raises IllegalTransition when the order was never confirmed, or is cancelled, since shipping cancels no parcel
        that has left and dispatches none that is cancelled.
        """
        self._refuse_unless_confirmed("dispatched")
        if self.dispatched_at:
            return self, []
        if self.status is OrderStatus.CANCELLED:
            raise IllegalTransition(f"order {self.order_id} is cancelled, so it cannot be dispatched")
        return self._with(now, dispatched_at=timestamp(now), tracking_reference=tracking_reference)

    def note_failed_capture(self, payment_version: int, now: datetime) -> tuple[Self, list[Event]]:
        """The order's money cannot be taken: it is cancelled, or parked when its parcel is known to be gone.

        An order that is being cancelled, or is parked, only remembers it. Changes nothing when a later state of the
        payment is known, or when the order is final. Raises IllegalTransition when it was never confirmed.
        """
        self._refuse_unless_confirmed("unpaid")
        if self.status.is_final or payment_version <= self.payment_version:
            return self, []
        noted: dict[str, Any] = {"capture_failed_at": timestamp(now), "payment_version": payment_version}
        if self.status is not OrderStatus.CONFIRMED:
            return self._changed(self.status, now, allowed={self.status}, **noted), []
        if not self.parcel_is_gone:
            return self._cancelling(Canceller.PAYMENT, now, **noted)
        state = {
            "order": self.for_cancellation().model_dump(mode="json"),
            "capture_failed_at": timestamp(now),
            "dispatched_at": self.dispatched_at,
        }
        return self._parked(json.dumps(state), now, **noted)

    def remind(self, now: datetime) -> tuple[Self, list[Event]]:
        """The order waits for its fulfilment for too long: `order.fulfilment_requested` asks for it once more, and for
        the capture that failed where that is what is tried again. Changes nothing unless the order is confirmed.
        """
        if self.status is not OrderStatus.CONFIRMED:
            return self, []
        reminded = self._changed(self.status, now, allowed={self.status}, reminded_at=timestamp(now))
        overcoming = self.payment_version if self.is_being_collected else None
        return reminded, [reminded._telling(OrderFulfilmentRequested, now, payment_version=overcoming)]

    def refuse_cancellation(self, now: datetime) -> tuple[Self, list[Event]]:
        """The parcel turned out to be gone before anything was undone, so the order stands again; it is fulfilled if
        its money was taken and its parcel heard of meanwhile.

        Where the money cannot be taken it does not stand: it stays `cancelling`, for its state machine to park. Changes
        nothing when it stands, is fulfilled or is parked; raises IllegalTransition for any other, as no parcel of it
        can have left.
        """
        if self.status in {OrderStatus.CONFIRMED, OrderStatus.FULFILLED, OrderStatus.PARKED}:
            return self, []
        if not (self.status is OrderStatus.CANCELLING and self.was_confirmed):
            raise IllegalTransition(f"order {self.order_id} is {self.status}, so no parcel of it can be gone")
        refused_at = self.cancellation_refused_at or timestamp(now)
        if self.capture_failed_at:
            if self.cancellation_refused_at:
                return self, []
            return self._changed(
                self.status, now, allowed={self.status}, cancellation_refused_at=refused_at
            ), []
        standing = self._changed(
            OrderStatus.CONFIRMED,
            now,
            allowed={OrderStatus.CANCELLING},
            cancellation_refused_at=refused_at,
            cancelled_by=None,
            parked_state=None,
        )
        refused = standing._telling(OrderCancellationRefused, now, by=self.cancelled_by)
        ended, fulfilled = standing._completed(now)
        return ended, [refused, *fulfilled]

    def _with(self, now: datetime, **values: Any) -> tuple[Self, list[Event]]:
        """The order that remembers `values`, and is fulfilled by them if nothing else lacks."""
        noted = self._changed(self.status, now, allowed={self.status}, **values)
        return noted._completed(now)

    def _completed(self, now: datetime) -> tuple[Self, list[Event]]:
        stands = self.status in {OrderStatus.CONFIRMED, OrderStatus.PARKED}
        if not (stands and self.captured_at and self.dispatched_at):
            return self, []
        # Both in means that nothing was undone: what undoes an order stops its parcel first.
        fulfilled = self._changed(
            OrderStatus.FULFILLED, now, allowed={self.status}, parked_state=None, cancelled_by=None
        )
        told = fulfilled._telling(OrderFulfilled, now, tracking_reference=fulfilled.tracking_reference)
        return fulfilled, [told]

    def _refuse_unless_confirmed(self, claimed: str) -> None:
        if not self.was_confirmed:
            raise IllegalTransition(f"order {self.order_id} was never confirmed, so it cannot be {claimed}")

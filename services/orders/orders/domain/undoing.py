"""How an order is taken back: its rejection and cancellation, what becomes of one that could not be undone, and how
that is resumed; without AWS."""

from datetime import datetime
from typing import Any, Self

from orders.domain.events import (
    OrderCancellationRequested,
    OrderCancelled,
    OrderCollectionRequested,
    OrderParked,
    OrderRejected,
    OrderResumptionRequested,
)
from orders.domain.privacy import without_personal_data
from orders.domain.record import OrderRecord
from orders.domain.status import (
    Canceller,
    CannotBeCancelled,
    CannotBeResumed,
    IllegalTransition,
    OrderStatus,
    RejectionReason,
)
from shared.clock import timestamp
from shared.events import Event

BEING_UNDONE = {OrderStatus.ABANDONED, OrderStatus.CANCELLING}


class UndoableOrder(OrderRecord):
    """An order with the ways in which it is taken back."""

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
        """The customer, or an admin for them, wants the order no more, or its money cannot be taken. Changes nothing
        when its cancellation was asked for before.

        Before the confirmation the saga does the rest: its confirmation is refused from now on, so it undoes what it
        has done. Afterwards `order.cancellation_requested` starts what undoes the order, unless the parcel is gone by
        then: see `refuse_cancellation`. Raises CannotBeCancelled, also when the parcel is known to be gone.
        """
        if self.status in {OrderStatus.CANCELLING, OrderStatus.CANCELLED}:
            return self, []
        allowed = {OrderStatus.PLACED, OrderStatus.ABANDONED, OrderStatus.CONFIRMED}
        if self.status not in allowed:
            raise CannotBeCancelled(f"The order is {self.status.value}, so it cannot be cancelled.")
        if self.parcel_is_gone:
            raise CannotBeCancelled("The order's parcel is on its way, so it cannot be cancelled any more.")
        return self._cancelling(by, now)

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
        return cancelled, [cancelled._telling(OrderCancelled, now, by=self.cancelled_by)]

    def park(
        self, state: str, now: datetime, *, saga_failed: RejectionReason | None = None
    ) -> tuple[Self, list[Event]]:
        """Something could not be undone; `state`, the whole state of what undid it as JSON, is kept for whoever
        resumes it, without the personal data if those are erased. `saga_failed` is why the saga gave up, if it parks.

        Changes nothing when it was parked, nor when the order stands or is final: then only the answer of the step that
        made it so was lost, and there is nothing to resume. Nor does a saga park what is another's by now: an order
        that was confirmed is undone by its cancellation, and one that is resumed by its resumption.
        """
        if not self.status.is_open:
            return self, []
        if saga_failed and (self.was_confirmed or self.resumptions):
            return self, []
        return self._parked(state, now, failed_because=saga_failed or self.failed_because)

    def resume(self, now: datetime) -> tuple[Self, list[Event]]:
        """What parked the order is mended, so everything of it is undone once more: `order.resumption_requested`
        starts that. It ends in `cancel`, in `refuse_cancellation`, or parked again.

        Where the parcel is gone and the money could not be taken there is nothing to undo: the order stands again, and
        `order.collection_requested` has the money taken once more. That ends fulfilled, or parked again.

        Changes nothing while it is being resumed; raises CannotBeResumed when it is not parked.
        """
        if self.is_being_resumed or self.is_being_collected:
            return self, []
        if self.status is not OrderStatus.PARKED:
            raise CannotBeResumed(f"The order is {self.status.value}, so there is nothing to resume.")
        if not self.is_uncollected:
            return self._resumed(now)
        standing = self._changed(
            OrderStatus.CONFIRMED, now, allowed={OrderStatus.PARKED}, parked_state=None, cancelled_by=None
        )
        return standing, [
            standing._telling(OrderCollectionRequested, now, payment_version=self.payment_version)
        ]

    def take_over(self, now: datetime) -> tuple[Self, list[Event]]:
        """What should have ended the order is gone: its resumption does so instead, by undoing everything of it.

        Changes nothing when the order stands, is final or parked, or is being resumed.
        """
        if not self.status.is_open or self.resumptions:
            return self, []
        return self._resumed(now)

    def _cancelling(self, by: Canceller, now: datetime, **values: Any) -> tuple[Self, list[Event]]:
        cancelling = self._changed(
            OrderStatus.CANCELLING,
            now,
            allowed={OrderStatus.PLACED, OrderStatus.ABANDONED, OrderStatus.CONFIRMED},
            cancelled_by=by,
            **values,
        )
        if not self.was_confirmed:
            return cancelling, []
        return cancelling, [cancelling._telling(OrderCancellationRequested, now, by=by)]

    def _parked(self, state: str, now: datetime, **values: Any) -> tuple[Self, list[Event]]:
        parked = self._changed(
            OrderStatus.PARKED,
            now,
            allowed={OrderStatus.PLACED, OrderStatus.CONFIRMED, *BEING_UNDONE},
            parked_state=without_personal_data(state) if self.erased_at else state,
            **values,
        )
        return parked, [parked._telling(OrderParked, now)]

    def _rejected(self, reason: RejectionReason, now: datetime) -> tuple[Self, list[Event]]:
        rejected = self._changed(
            OrderStatus.REJECTED,
            now,
            allowed={OrderStatus.PLACED, OrderStatus.ABANDONED},
            rejection_reason=reason,
            parked_state=None,
        )
        return rejected, [rejected._telling(OrderRejected, now, reason=reason)]

    def _resumed(self, now: datetime) -> tuple[Self, list[Event]]:
        status = OrderStatus.CANCELLING if self.cancelled_by else OrderStatus.ABANDONED
        resumed = self._changed(
            status,
            now,
            allowed={OrderStatus.PARKED, OrderStatus.PLACED, *BEING_UNDONE},
            resumptions=self.resumptions + 1,
            resumed_at=timestamp(now),
        )
        return resumed, [resumed._telling(OrderResumptionRequested, now)]

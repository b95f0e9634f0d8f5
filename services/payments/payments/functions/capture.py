"""Captures the money of confirmed orders, on `order.confirmed`, and refunds returns, on `return.inspected`.

`order.collection_requested` asks for another try after a failure. `order.fulfilment_requested` asks for a capture that
was missed, or for its event once more.
"""

from typing import Annotated

from payments.dependencies import payment_service
from payments.domain.payment import AlreadyVoided, CaptureFailed
from shared.consumer import consumer_handler
from shared.events import Event
from shared.money import Money
from shared.observability import count, logger
from shared.record import About, Record


class OrderToCharge(Record):
    """The data that this consumer reads. `payment_version` names the failure to overcome, if there was one."""

    order_id: str
    payment_version: Annotated[int, About(ge=1)] | None = None


class ReturnToRefund(Record):
    """The part of `return.inspected` that this consumer reads. `refund` is what to give back now, perhaps nothing."""

    order_id: str
    return_id: str
    refund: Money


def capture(event: Event) -> None:
    """Takes the money that the provider holds for the order; a repeat changes nothing.

    A capture after a void has nothing to do. A capture that fails permanently publishes the payment's own event. Both
    are done. Raises ProviderUnavailable and WriteConflict, after which the queue delivers the event again, and
    PaymentRefused and PaymentNotAuthorized, which an operator has to mend.
    """
    _capture(event)


def capture_or_republish(event: Event) -> None:
    """Like `capture`; publishes the outcome of an earlier capture once more, since the order may have missed it."""
    _capture(event, republish_outcome=True)


def refund_return(event: Event) -> None:
    """Gives the money back that the inspection granted; a repeat changes nothing.

    Raises ProviderUnavailable and WriteConflict, after which the queue delivers the event again. Raises PaymentRefused,
    PaymentNotCaptured, RefundNotCovered and ReturnRefundDiffers, which an operator has to mend.
    """
    inspected = ReturnToRefund.model_validate(event.data)
    if inspected.refund.amount:
        payment_service().refund_return(inspected.order_id, inspected.return_id, inspected.refund)
        count("ReturnsRefunded")


def _capture(event: Event, *, republish_outcome: bool = False) -> None:
    order = OrderToCharge.model_validate(event.data)
    try:
        payment_service().capture(
            order.order_id, retry_failed_version=order.payment_version, republish_outcome=republish_outcome
        )
    except AlreadyVoided:
        logger.info("the payment was voided before its capture", order_id=order.order_id)
        count("CapturesTooLate")
    except CaptureFailed as failed:
        logger.warning("the money cannot be captured", order_id=order.order_id, reason=str(failed))
        count("CapturesFailed")
    else:
        count("PaymentsCaptured")


handler = consumer_handler(
    {
        "order.confirmed": capture,
        "order.collection_requested": capture,
        "order.fulfilment_requested": capture_or_republish,
        "return.inspected": refund_return,
    }
)

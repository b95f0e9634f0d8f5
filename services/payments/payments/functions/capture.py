"""Takes the money of an order that stands, on `order.confirmed`; once more after that failed, on
`order.collection_requested`; and where that was missed, or was not heard of, on `order.fulfilment_requested`."""

from typing import Annotated

from pydantic import BaseModel, Field

from payments.dependencies import cashier
from payments.domain.payment import CaptureFailed, PaymentVoided
from shared.consumer import consumer_handler
from shared.events import Event
from shared.observability import count, logger


class OrderToCharge(BaseModel):
    """What this consumer reads of its events. `payment_version`, not of the first, is of the failure to overcome."""

    order_id: str
    payment_version: Annotated[int | None, Field(ge=1)] = None


def capture(event: Event) -> None:
    """Takes the money that is held for the order; a repeat changes nothing.

    A capture that comes after the void has nothing to do, and one that fails for good is told by the payment's own
    event; both are done. Raises ProviderUnavailable and PaymentContended (the queue delivers it again), and for what
    somebody has to mend first PaymentRefused and PaymentNotAuthorized.
    """
    _capture(event)


def capture_or_tell_again(event: Event) -> None:
    """The same; what came of it before is told once more, as the order has not heard of it."""
    _capture(event, tell_again=True)


def _capture(event: Event, *, tell_again: bool = False) -> None:
    order = OrderToCharge.model_validate(event.data)
    try:
        cashier().capture(order.order_id, despite_failure=order.payment_version, tell_again=tell_again)
    except PaymentVoided:
        logger.info("the payment was given up before its capture", order_id=order.order_id)
        count("CapturesTooLate")
    except CaptureFailed as failed:
        logger.warning("the money cannot be taken", order_id=order.order_id, reason=str(failed))
        count("CapturesFailed")
    else:
        count("PaymentsCaptured")


handler = consumer_handler(
    {
        "order.confirmed": capture,
        "order.collection_requested": capture,
        "order.fulfilment_requested": capture_or_tell_again,
    }
)

"""What the payments service tells the others."""

from typing import Annotated

from pydantic import Field

from shared.events import Payload
from shared.money import Money

_Reason = Annotated[str, Field(description="The provider's code for why", examples=["card_declined"])]


class PaymentFacts(Payload):
    """What every event of a payment tells of it."""

    order_id: Annotated[str, Field(examples=["ord_5b0c8a526b7e5c1e8f432f7a0c9f2d11"])]
    payment_id: Annotated[str, Field(examples=["pay-ord_5b0c8a526b7e5c1e8f432f7a0c9f2d11"])]
    amount: Annotated[Money, Field(description="The order's total; nothing is taken or given back in parts")]


class PaymentAuthorized(PaymentFacts):
    """The provider holds the order's money."""

    event_type = "payment.authorized"


class PaymentDeclined(PaymentFacts):
    """The provider refused the customer's means of payment."""

    event_type = "payment.declined"

    reason: _Reason


class PaymentCaptured(PaymentFacts):
    """The provider took the money that it held."""

    event_type = "payment.captured"


class PaymentCaptureFailed(PaymentFacts):
    """The money that was held cannot be taken: the hold is gone, or the bank refuses now."""

    event_type = "payment.capture_failed"

    reason: _Reason


class PaymentVoided(PaymentFacts):
    """Nothing is held for the order, nor will be."""

    event_type = "payment.voided"

    reason: _Reason | None = None


class PaymentRefunded(PaymentFacts):
    """All of the money that was taken went back."""

    event_type = "payment.refunded"

    reason: _Reason | None = None

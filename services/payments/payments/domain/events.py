"""The events that the payments service publishes."""

from dataclasses import field
from typing import Annotated, ClassVar

from shared.events import Payload
from shared.money import Money
from shared.record import About

_OrderId = Annotated[str, About(examples=["ord_5b0c8a526b7e5c1e8f432f7a0c9f2d11"])]
_PaymentId = Annotated[str, About(examples=["pay-ord_5b0c8a526b7e5c1e8f432f7a0c9f2d11"])]
_Reason = Annotated[str, About(description="The provider's code for the reason", examples=["card_declined"])]


class PaymentFacts(Payload):
    """The fields of an event about the payment as a whole."""

    order_id: _OrderId
    payment_id: _PaymentId
    amount: Annotated[
        Money,
        About(
            description="The order's total; no payment is captured in parts",
            examples=[{"amount": 4488, "currency": "EUR"}],
        ),
    ]


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
    """The provider cannot take the money: the hold has expired, or the bank refuses now."""

    event_type = "payment.capture_failed"

    reason: _Reason


class PaymentVoided(PaymentFacts):
    """The provider holds no money for the order, and will not hold any later."""

    event_type = "payment.voided"

    reason: _Reason | None = None


class PaymentIssuesChanged(PaymentFacts):
    """The provider reported that a refund failed, or on a dispute. The event names all issues that are open now."""

    event_type = "payment.issues_changed"

    issues: Annotated[
        list[str],
        About(
            description="`refund_failed`, `refund_requires_action`, `disputed`, `dispute_lost`; none if all are "
            "resolved. Later versions may add values",
            examples=[["refund_failed"]],
        ),
    ]
    causes: Annotated[
        list[str],
        About(
            description="Each open issue with the provider's id of its refund or dispute. Two disputes are two causes "
            "of one issue",
            examples=[["refund_failed:re_1"]],
            json_schema_extra={"default": []},
        ),
    ] = field(default_factory=list)


class PaymentRefunded(PaymentFacts):
    """The provider gave back all of the money that it took. Refunds of returns are `payment.return_refunded` alone."""

    event_type = "payment.refunded"
    example: ClassVar = {"reason": None}

    reason: _Reason | None = None


class PaymentReturnRefunded(Payload):
    """The provider gave money back for a return: once for each return, and never more in all than it took."""

    event_type = "payment.return_refunded"

    order_id: _OrderId
    payment_id: _PaymentId
    return_id: Annotated[str, About(examples=["ret_0f6d2c7e9a5b4e6c8d1f3a2b4c5d6e7f"])]
    amount: Annotated[
        Money, About(description="The refund of this return", examples=[{"amount": 2089, "currency": "EUR"}])
    ]
    refunded: Annotated[
        Money,
        About(
            description="The refunds of all returns of the order so far, with this one",
            examples=[{"amount": 3388, "currency": "EUR"}],
        ),
    ]

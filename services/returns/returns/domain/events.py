"""The events that the returns service publishes. Amounts are in minor units.

Their aggregate is all returns of an order, whose version orders them.
"""

from typing import Annotated, ClassVar

from returns.domain.pieces import PieceLine
from shared.events import Payload
from shared.money import Money
from shared.record import About, Personal

_Code = "as a code; later versions may add values"


class ReturnFacts(Payload):
    """The facts that every event of a return carries."""

    return_id: Annotated[str, About(examples=["ret_3f1d8a526b7e5c1e8f432f7a0c9f2d99"])]
    order_id: Annotated[str, About(examples=["ord_5b0c8a526b7e5c1e8f432f7a0c9f2d11"])]
    customer_id: Annotated[str, About(examples=["0b9f2a9e-5d53-4c43-9a3c-2f6f4b1c7d10"]), Personal.ACCOUNT_ID]
    status: Annotated[
        str,
        About(
            description="The return's status after the change; later versions may add values",
            examples=["accepted"],
        ),
    ]
    lines: Annotated[list[PieceLine], About(description="The pieces that the customer announced")]


class ReturnRequested(ReturnFacts):
    """A customer wants to return some pieces of a fulfilled order."""

    event_type = "return.requested"
    example: ClassVar = {"status": "requested"}

    reason: Annotated[str, About(description=f"Why, {_Code}", examples=["damaged"])]


class ReturnAccepted(ReturnFacts):
    """The shop takes the pieces back. Shipping books a label for them."""

    event_type = "return.accepted"
    example: ClassVar = {"status": "accepted"}


class ReturnLabelled(ReturnFacts):
    """The carrier's label is booked, so the customer can send the pieces."""

    event_type = "return.labelled"
    example: ClassVar = {"status": "labelled"}

    tracking_reference: Annotated[
        str, About(description="The reference on the label of the parcel", examples=["CW8K87J2WHJWVB"])
    ]


class ReturnRefused(ReturnFacts):
    """The shop does not take the pieces back."""

    event_type = "return.refused"
    example: ClassVar = {"status": "refused"}

    refusal: Annotated[str, About(description=f"Why, {_Code}", examples=["excluded"])]


class ReturnWithdrawn(ReturnFacts):
    """The customer keeps the pieces after all."""

    event_type = "return.withdrawn"
    example: ClassVar = {"status": "withdrawn"}


class ReturnExpired(ReturnFacts):
    """The pieces of an accepted return did not arrive in time."""

    event_type = "return.expired"
    example: ClassVar = {"status": "expired"}


class ReturnInspected(ReturnFacts):
    """The pieces arrived and an operator inspected them. Inventory receives them; payments pays `refund` back."""

    event_type = "return.inspected"
    example: ClassVar = {
        "status": "inspected",
        "lines": [{"sku": "TEA-ASSAM-100", "quantity": 2}],
        "refund": {"amount": 3998, "currency": "EUR"},
    }

    restocked: Annotated[list[PieceLine], About(description="The pieces that are for sale again")]
    written_off: Annotated[
        list[PieceLine], About(description="The pieces that are paid back and cannot be sold")
    ]
    refund: Annotated[
        Money, About(description="What is to be paid back for this return; 0 if nothing was accepted")
    ]


class ReturnRefunded(ReturnFacts):
    """The money for a return was paid back."""

    event_type = "return.refunded"
    example: ClassVar = {"status": "refunded"}

    refund: Annotated[Money, About(description="What was paid back for this return")]

"""The events that the orders service publishes. Amounts are in minor units.

No event has the address or the payment token. A function of this service reads them from the order, by its id.
"""

from typing import Annotated, ClassVar

from orders.domain.pricing import Breakdown, OrderLine
from shared.events import Payload
from shared.money import Money
from shared.record import About, Personal


class OrderFacts(Payload):
    """The facts that every event of an order carries."""

    order_id: Annotated[str, About(examples=["ord_5b0c8a526b7e5c1e8f432f7a0c9f2d11"])]
    customer_id: Annotated[str, About(examples=["0b9f2a9e-5d53-4c43-9a3c-2f6f4b1c7d10"]), Personal.ACCOUNT_ID]
    status: Annotated[
        str,
        About(
            description="The order's status after the change; later versions may add values",
            examples=["confirmed"],
        ),
    ]
    lines: list[OrderLine]
    breakdown: Breakdown
    total: Annotated[
        Money,
        About(
            description="The amount that the customer is charged",
            examples=[{"amount": 4488, "currency": "EUR"}],
        ),
    ]


class OrderPlaced(OrderFacts):
    """A customer placed an order. Its saga decides whether it can stand.

    Version 1 had the address and the payment token. This version has neither.
    """

    event_type = "order.placed"
    event_version = 2
    example: ClassVar = {"status": "placed"}


class OrderConfirmed(OrderFacts):
    """The order stands: its stock is reserved, its money held, its parcel booked. Capture and dispatch follow."""

    event_type = "order.confirmed"


class OrderAbandoned(OrderFacts):
    """The order cannot stand, or its saga was lost. It is to be undone, and is rejected then."""

    event_type = "order.abandoned"
    example: ClassVar = {"status": "abandoned"}


class OrderRejected(OrderFacts):
    """The order cannot stand. Every step of its saga is undone."""

    event_type = "order.rejected"
    example: ClassVar = {"status": "rejected"}

    reason: Annotated[
        str, About(description="Why, as a code; later versions may add values", examples=["out_of_stock"])
    ]


_By = Annotated[
    str | None,
    About(
        description="Who asked for the cancellation: `customer`, `admin`, or `payment` if the held money could not "
        "be taken; later versions may add values",
        examples=["customer"],
    ),
]


class OrderCancellationRequested(OrderFacts):
    """An order is to be cancelled. Its cancellation undoes it, unless its parcel has left."""

    event_type = "order.cancellation_requested"
    example: ClassVar = {"status": "cancelling"}

    by: _By = None


class OrderCancellationRefused(OrderFacts):
    """The parcel had left before anything was undone, so the order stands again."""

    event_type = "order.cancellation_refused"

    by: _By = None


class OrderCancelled(OrderFacts):
    """The order is cancelled, and everything that was done for it is undone."""

    event_type = "order.cancelled"
    example: ClassVar = {"status": "cancelled"}

    by: _By = None


class OrderFulfilled(OrderFacts):
    """The order's money is taken and its parcel is on its way."""

    event_type = "order.fulfilled"
    example: ClassVar = {"status": "fulfilled"}

    tracking_reference: Annotated[
        str | None, About(description="The reference for tracking the parcel", examples=["CW8K87J2WHJWVB"])
    ] = None


class OrderParked(OrderFacts):
    """A part of the order could be neither done nor undone. An operator mends the cause and resumes the order."""

    event_type = "order.parked"
    example: ClassVar = {"status": "parked"}


class OrderResumptionRequested(OrderFacts):
    """A parked order, or one whose cancellation's execution is lost, is to be undone once more."""

    event_type = "order.resumption_requested"
    example: ClassVar = {"status": "cancelling"}


class OrderFulfilmentRequested(OrderFacts):
    """A confirmed order is not fulfilled in time. Each consumer does its part now, or publishes its event again."""

    event_type = "order.fulfilment_requested"

    payment_version: Annotated[
        Annotated[int, About(ge=0)] | None,
        About(
            description="The version of the failed capture that is to be tried again, if there is one",
            examples=[5],
        ),
    ] = None


class OrderCollectionRequested(OrderFacts):
    """The order's parcel left and its money could not be taken. The capture is to be tried once more."""

    event_type = "order.collection_requested"

    payment_version: Annotated[
        int,
        About(ge=0, description="The version of the failed capture that is to be tried again", examples=[5]),
    ]

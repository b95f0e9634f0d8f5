"""What the orders service tells the others. Amounts are in minor units."""

from typing import Annotated

from pydantic import Field

from orders.domain.pricing import Breakdown, OrderLine
from shared.events import PERSONAL, Payload
from shared.money import Money
from shared.saga import SagaOrder


class OrderPlaced(Payload):
    """A customer placed an order. Its saga decides whether it can stand, and needs all of it for that."""

    event_type = "order.placed"

    order: SagaOrder


class OrderFacts(Payload):
    """What every later event of an order tells of it."""

    order_id: Annotated[str, Field(examples=["ord_5b0c8a526b7e5c1e8f432f7a0c9f2d11"])]
    customer_id: Annotated[
        str, Field(examples=["0b9f2a9e-5d53-4c43-9a3c-2f6f4b1c7d10"], json_schema_extra=PERSONAL)
    ]
    status: Annotated[
        str, Field(description="The order's status since; there may be new ones", examples=["confirmed"])
    ]
    lines: list[OrderLine]
    breakdown: Breakdown
    total: Annotated[Money, Field(description="What the customer is charged")]


class OrderConfirmed(OrderFacts):
    """The order stands: its stock is reserved, its money held, its parcel made. It is to be captured and dispatched."""

    event_type = "order.confirmed"


class OrderRejected(OrderFacts):
    """The order cannot stand; whatever was done for it is undone."""

    event_type = "order.rejected"

    reason: Annotated[
        str, Field(description="Why, in a word; there may be new ones", examples=["out_of_stock"])
    ]


_By = Annotated[
    str | None,
    Field(
        description="Who asked for the cancellation: `customer`, `admin`, or `payment` when the held money could not "
        "be taken; there may be new ones",
        examples=["customer"],
    ),
]


class OrderCancellationRequested(OrderFacts):
    """A confirmed order is wanted no more; it is to be undone, unless its parcel is gone."""

    event_type = "order.cancellation_requested"

    by: _By = None


class OrderCancellationRefused(OrderFacts):
    """The parcel was gone before anything was undone, so the order stands again."""

    event_type = "order.cancellation_refused"

    by: _By = None


class OrderCancelled(OrderFacts):
    """The order is cancelled, and whatever was done for it is undone."""

    event_type = "order.cancelled"

    by: _By = None


class OrderFulfilled(OrderFacts):
    """The order's money is taken and its parcel is on its way."""

    event_type = "order.fulfilled"

    tracking_reference: Annotated[
        str | None, Field(description="What the parcel is followed by", examples=["CW8K87J2WHJWVB"])
    ] = None


class OrderParked(OrderFacts):
    """Something of the order could be neither done nor undone; an operator sees to it, and resumes it."""

    event_type = "order.parked"


class OrderResumptionRequested(OrderFacts):
    """An order that was parked, or lost what should have ended it, is to be undone once more."""

    event_type = "order.resumption_requested"


class OrderFulfilmentRequested(OrderFacts):
    """A confirmed order is not fulfilled in time: who has not done their part does it now, who has tells it again."""

    event_type = "order.fulfilment_requested"

    payment_version: Annotated[
        int | None,
        Field(ge=0, description="The failed capture that is to be overcome, if one is", examples=[5]),
    ] = None


class OrderCollectionRequested(OrderFacts):
    """The order's parcel left and its money could not be taken; taking it is to be tried once more."""

    event_type = "order.collection_requested"

    payment_version: Annotated[
        int, Field(ge=0, description="The failed capture that is to be overcome", examples=[5])
    ]

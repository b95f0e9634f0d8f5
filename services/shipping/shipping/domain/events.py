"""The events that the shipping service publishes."""

from typing import Annotated

from shared.events import Payload
from shared.record import About

_Tracking = Annotated[
    str,
    About(description="The reference by which the customer follows the parcel", examples=["CW8K87J2WHJWVB"]),
]


class ShipmentFacts(Payload):
    """The fields that every event of a shipment has."""

    order_id: Annotated[str, About(examples=["ord_5b0c8a526b7e5c1e8f432f7a0c9f2d11"])]
    shipment_id: Annotated[str, About(examples=["shp_b9edc5f5451e5e628dbb57e194da1e01"])]


class ShipmentCreated(ShipmentFacts):
    """The order has a parcel, which waits for its dispatch."""

    event_type = "shipment.created"

    tracking_reference: _Tracking


class ShipmentDispatched(ShipmentFacts):
    """The carrier has the parcel; it cannot be cancelled any more."""

    event_type = "shipment.dispatched"

    tracking_reference: _Tracking


class ShipmentReturnBooked(ShipmentFacts):
    """The carrier takes a parcel of the order back, with this reference on its label."""

    event_type = "shipment.return_booked"

    return_id: Annotated[str, About(examples=["ret_3f1d8a526b7e5c1e8f432f7a0c9f2d99"])]
    tracking_reference: _Tracking


class ShipmentCancelled(ShipmentFacts):
    """The parcel will never leave."""

    event_type = "shipment.cancelled"

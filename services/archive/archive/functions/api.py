"""The archive's API, for admins: what happened to an order in all services."""

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Path

from archive.dependencies import archive_store
from archive.domain import aggregates_of_order, in_order_of_time
from archive.functions.views import ArchivedEvent, OrderEvents
from shared.access import Access, Whose
from shared.api import api_handler, api_resolver, contract
from shared.errors import NotFound
from shared.text import RESOURCE_ID

app = api_resolver()


@app.get(
    "/orders/<order_id>/events", **contract(Access.ADMIN, tag="archive", whose=Whose.SHOP, raises=(NotFound,))
)
def list_order_events(
    order_id: Annotated[
        str,
        Path(description="The `order_id` of an order", examples=["ord_118ebd08bdee58bf9a4d0d7d1e76a930"]),
        RESOURCE_ID,
    ],
) -> OrderEvents:
    """Lists the events of an order, its reservation, payment, shipment and returns, oldest first.

    An event comes up to a minute late. The archive keeps no personal data, and has no events of an order that it does
    not know.
    """
    store = archive_store()
    events = [event for aggregate in aggregates_of_order(order_id) for event in store.events_of(aggregate)]
    return OrderEvents(
        order_id=order_id, events=[ArchivedEvent.of(event) for event in in_order_of_time(events)]
    )


handler = api_handler(app, calls=["dynamodb"])
